"""Which frontend a Gateway or an Ingress of the ALB controller gets, managed or the user's own."""

from __future__ import annotations

from dataclasses import dataclass

from provision.sandbox.addons.alb_arm import Arm
from provision.sandbox.addons.alb_balancers import TAGS, frontend_id, ready, resource_id
from provision.sandbox.addons.alb_controller import ALB_FRONTEND, ALB_ID, ALB_NAME, ALB_NAMESPACE
from provision.sandbox.addons.site import Site
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds
from provision.sandbox.service_networking_kinds import CONTROLLER

CONFIGURES = f"{CONTROLLER}/serviceRoutingConfigurations/write"
"""The data action that Owner and Contributor lack (AppGw for Containers Configuration Manager has it)."""


class PendingError(Exception):
    """There is no frontend yet, or none to be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Where traffic comes in: the frontend's id and name in the DNS."""

    identifier: str
    fqdn: str


def claim(site: Site, access: Arm, owner: Json) -> Claim:
    """The frontend of a Gateway or Ingress. A managed one is made on first sight.

    Raises PendingError or ArmError.
    """
    annotations = owner["metadata"].get("annotations") or {}
    if annotations.get(ALB_ID):
        return _own(access, annotations[ALB_ID].rstrip("/"), _named(owner))
    if not (annotations.get(ALB_NAME) and annotations.get(ALB_NAMESPACE)):
        raise PendingError(
            f"the annotation {ALB_ID}, or {ALB_NAME} and {ALB_NAMESPACE}, is required to find the Application"
            " Gateway for Containers resource"
        )
    return _managed(site, access, owner, annotations[ALB_NAMESPACE], annotations[ALB_NAME])


def balancer_of(site: Site, owner: Json) -> Json | None:
    """The ApplicationLoadBalancer that a Gateway or Ingress names, if it is there."""
    annotations = owner["metadata"].get("annotations") or {}
    if annotations.get(ALB_ID) or not site.serves(crds.APPLICATION_LOAD_BALANCER):
        return None
    place = (annotations.get(ALB_NAME) or "", annotations.get(ALB_NAMESPACE) or "")
    return site.objects.get(crds.APPLICATION_LOAD_BALANCER, *place) if all(place) else None


def _named(owner: Json) -> str:
    """Name of the user's own frontend: a Gateway's address, an Ingress's annotation."""
    addresses = owner["spec"].get("addresses") or ()
    for each in addresses:
        if each.get("type") == ALB_FRONTEND:
            return str(each.get("value") or "")
    return str((owner["metadata"].get("annotations") or {}).get(ALB_FRONTEND) or "")


def _own(access: Arm, controller: str, name: str) -> Claim:
    if not name:
        raise PendingError(
            f"an address of type {ALB_FRONTEND} (of an Ingress: the annotation {ALB_FRONTEND}) is required"
            f" with {ALB_ID}"
        )
    found = access.get(controller) if f"/providers/{CONTROLLER}/".lower() in controller.lower() else None
    if found is None:
        raise PendingError(f"Application Gateway for Containers {controller} was not found")
    access.require(CONFIGURES, found["id"], data=True)
    return _of(access.get(f"{found['id']}/frontends/{name}"), name, found["name"])


def _managed(site: Site, access: Arm, owner: Json, namespace: str, name: str) -> Claim:
    balancer = balancer_of(site, owner)
    if balancer is None:
        raise PendingError(f"ApplicationLoadBalancer {namespace}/{name} was not found")
    if not ready(balancer) or balancer["metadata"].get("deletionTimestamp"):
        raise PendingError(f"ApplicationLoadBalancer {namespace}/{name} is not ready")
    controller = resource_id(site, balancer)
    access.require(CONFIGURES, controller, data=True)
    path = frontend_id(controller, owner)
    found = access.get(path)
    if found is None:
        access.put(path, {"location": site.document["location"], "tags": dict(TAGS)})
    return _of(found, path.rsplit("/", 1)[1], controller.rsplit("/", 1)[1])


def _of(frontend: Json | None, name: str, controller: str) -> Claim:
    where = f"frontend {name} of Application Gateway for Containers {controller}"
    if frontend is None:
        raise PendingError(f"{where} was not found")
    properties = frontend["properties"]
    if properties["provisioningState"] == "Deleting" or not properties.get("fqdn"):
        raise PendingError(f"{where} is {properties['provisioningState']}")
    return Claim(frontend["id"], properties["fqdn"])
