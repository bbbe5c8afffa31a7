"""ApplicationLoadBalancer objects: what they become in Azure, in the node resource group.

Names, tag, finalizer and texts of conditions as users show them (public logs of ALB Controller 1.7.9, 2025;
Azure/AKS#5123 and #5170): `alb-…`, `as-…`, `fe-…` with eight hexadecimal digits, tag
`managed-by-alb-controller`. Deployment is True while it is in progress, too: its reason tells.
"""

from __future__ import annotations

import hashlib
from ipaddress import IPv4Network

from provision.sandbox.addons import alb_controller
from provision.sandbox.addons.alb_arm import GROUP_READ, Arm, ArmError
from provision.sandbox.addons.alb_controller import ALB_FRONTEND, MANAGER, Controller
from provision.sandbox.addons.site import Site
from provision.sandbox.addons.workload_identity import AccessError
from provision.sandbox.addons.writing import change, conditions, set_status
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, deleting
from provision.sandbox.service_networking_kinds import ASSOCIATION, CONTROLLER, FRONTEND, POLICY
from provision.sandbox.virtual_networks import SUBNET

FINALIZER = "alb-deployment-exists-finalizer.alb.networking.azure.io"
TAGS = {"managed-by-alb-controller": "true"}
_OVERLAY_PREFIX = 24
"""With CNI Overlay the subnet is a /24, no larger ("Container networking", Microsoft Learn, 2025-03)."""


def reconcile(site: Site) -> None:
    """Every ApplicationLoadBalancer, while a controller runs."""
    controller = alb_controller.find(site)
    for balancer in site.named(crds.APPLICATION_LOAD_BALANCER) if controller else ():
        if controller:
            _balancer(site, controller, balancer)


def arm(site: Site, controller: Controller) -> Arm:
    """Azure as the controller's identity, which must be able to look around in the node resource group.

    Raises AccessError or ArmError.
    """
    made = Arm(site.azure, alb_controller.identity(site, controller))
    made.require(GROUP_READ, node_group(site))
    return made


def node_group(site: Site) -> str:
    return f"/subscriptions/{site.subscription}/resourceGroups/{site.properties['nodeResourceGroup']}"


def resource_id(site: Site, balancer: Json) -> str:
    """Id of the traffic controller that an ApplicationLoadBalancer becomes."""
    return f"{node_group(site)}/providers/{CONTROLLER}/{_name('alb', balancer['metadata']['uid'])}"


def frontend_id(controller_id: str, owner: Json) -> str:
    """Id of the frontend that the controller makes for a Gateway or an Ingress.

    Ingresses that name a frontend share it: its documentation shows one name in the status of all of them
    ("URL Redirect … - Ingress API", Microsoft Learn, 2024-05). Of one namespace, as is guessed here.
    """
    metadata = owner["metadata"]
    shared = (metadata.get("annotations") or {}).get(ALB_FRONTEND)
    seed = f"{metadata.get('namespace')}/{shared}" if shared else metadata["uid"]
    return f"{controller_id}/frontends/{_name('fe', seed)}"


def ready(balancer: Json) -> bool:
    """Whether Gateways can be programmed on it."""
    found = (balancer.get("status") or {}).get("conditions") or ()
    return any(
        (each["type"], each["status"], each["reason"]) == ("Deployment", "True", "Ready") for each in found
    )


def unclaimed(site: Site, access: Arm, balancer: Json, claimed: set[str]) -> None:
    """Delete frontends that the controller made for what is no longer there."""
    for frontend in site.azure.store.list(FRONTEND, f"{resource_id(site, balancer)}/frontends/"):
        ours = TAGS.items() <= (frontend.get("tags") or {}).items()
        if ours and frontend["id"].lower() not in claimed and settled(frontend):
            access.delete(frontend["id"])


def settled(document: Json) -> bool:
    """Whether nothing is being done to a resource."""
    return bool(document["properties"]["provisioningState"] in ("Succeeded", "Failed"))


def _subnets(balancer: Json) -> list[str]:
    return list((balancer.get("spec") or {}).get("associations") or ())


def _name(kind: str, *parts: str) -> str:
    return f"{kind}-{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:8]}"


def _balancer(site: Site, controller: Controller, balancer: Json) -> None:
    going = bool(balancer["metadata"].get("deletionTimestamp"))
    try:
        access = arm(site, controller)
        deployment = _remove(site, access, balancer) if going else _deploy(site, access, controller, balancer)
    except (AccessError, ArmError) as error:
        name = resource_id(site, balancer)
        deployment = (
            "Deployment",
            "False",
            "Ready",
            f"error=failed to get location for Application Gateway for Containers resource {name}: {error}",
        )
    except _StepError as error:
        deployment = ("Deployment", "False", "Ready", str(error))
    live = site.objects.get(
        crds.APPLICATION_LOAD_BALANCER, balancer["metadata"]["name"], balancer["metadata"]["namespace"]
    )
    if live is None or deployment is None:
        return
    valid = ("Accepted", "True", "Accepted", "Valid Application Gateway for Containers resource")
    status = {"conditions": conditions(live, [valid, deployment], site.objects.now())}
    set_status(site, crds.APPLICATION_LOAD_BALANCER, live, status, MANAGER)


class _StepError(Exception):
    """One step failed; the text is that of the condition."""


_Condition = tuple[str, str, str, str]


def _deploy(site: Site, access: Arm, controller: Controller, balancer: Json) -> _Condition:
    identifier = resource_id(site, balancer)
    name = identifier.rsplit("/", 1)[1]
    location = site.document["location"]
    found = access.get(identifier)
    if found is None:
        try:
            access.put(identifier, {"location": location, "tags": dict(TAGS)})
        except ArmError as error:
            raise _StepError(
                f"error=failed to create Application Gateway for Containers {name}: {error}"
            ) from error
        _hold(site, balancer)
        return _in_progress(name)
    if not settled(found):
        return _in_progress(name)
    if not _associate(site, access, balancer, identifier):
        return _in_progress(name)
    _check_overlay(site, controller, balancer, identifier)
    return ("Deployment", "True", "Ready", f"alb-id={identifier}")


def _associate(site: Site, access: Arm, balancer: Json, identifier: str) -> bool:
    """Bring the association in line with the subnet; whether it is."""
    wanted = {
        f"{identifier}/associations/{_name('as', identifier, subnet)}".lower(): subnet
        for subnet in _subnets(balancer)
    }
    present = {
        each["id"].lower(): each for each in site.azure.store.list(ASSOCIATION, f"{identifier}/associations/")
    }
    for path in present.keys() - wanted.keys():
        if settled(present[path]):
            access.delete(present[path]["id"])
    if present.keys() - wanted.keys():
        return False
    for path in wanted.keys() - present.keys():
        name = path.rsplit("/", 1)[1]
        place = f"{identifier}/associations/{name}"
        body = {
            "location": site.document["location"],
            "tags": dict(TAGS),
            "properties": {"associationType": "subnets", "subnet": {"id": wanted[path]}},
        }
        try:
            access.put(place, body)
        except ArmError as error:
            raise _StepError(
                f"error=Unable to create association for Application Gateway for Containers resource"
                f" {identifier}: failed to create association {name} for Application Gateway for Containers"
                f" {identifier.rsplit('/', 1)[1]}: {error}"
            ) from error
        return False
    return all(settled(each) for each in present.values())


def _check_overlay(site: Site, controller: Controller, balancer: Json, identifier: str) -> None:
    if (site.properties.get("networkProfile") or {}).get("networkPluginMode") != "overlay":
        return
    for subnet in _subnets(balancer):
        found = site.azure.store.get(SUBNET, subnet)
        length = IPv4Network(found["properties"]["addressPrefix"]).prefixlen if found else _OVERLAY_PREFIX
        if length < _OVERLAY_PREFIX:
            place = f"{controller.namespace}/{_name('alb-overlay-extension-config', identifier, subnet)}"
            raise _StepError(
                f"alb-id={identifier} error=failed to reconcile overlay resources: Overlay extension config"
                f" {place} failed with error: extensionIPRange prefix length too short (/{length}). Must be"
                f" {_OVERLAY_PREFIX} or higher."
            )


def _remove(site: Site, access: Arm, balancer: Json) -> _Condition | None:
    """Frontends and the association, then the resource, then the finalizer, as long as Azure takes."""
    identifier = resource_id(site, balancer)
    store = site.azure.store
    children = [
        each for kind in (FRONTEND, ASSOCIATION, POLICY) for each in store.list(kind, f"{identifier}/")
    ]
    for child in children:
        if settled(child):
            access.delete(child["id"])
    if children:
        return _in_progress(identifier.rsplit("/", 1)[1])
    found = access.get(identifier)
    if found is not None:
        if settled(found):
            access.delete(identifier)
        return _in_progress(identifier.rsplit("/", 1)[1])
    _release(site, balancer)
    return None


def _hold(site: Site, balancer: Json) -> None:
    metadata = balancer["metadata"]
    held = metadata.get("finalizers") or []
    if FINALIZER not in held:
        changed = {**balancer, "metadata": {**metadata, "finalizers": [*held, FINALIZER]}}
        change(site, crds.APPLICATION_LOAD_BALANCER, balancer, changed, MANAGER)


def _release(site: Site, balancer: Json) -> None:
    metadata = balancer["metadata"]
    left = [each for each in metadata.get("finalizers") or () if each != FINALIZER]
    changed = {**balancer, "metadata": {**metadata, "finalizers": left}}
    if left:
        change(site, crds.APPLICATION_LOAD_BALANCER, balancer, changed, MANAGER)
    else:
        deleting.remove(site.objects, crds.APPLICATION_LOAD_BALANCER, changed)


def _in_progress(name: str) -> _Condition:
    message = f"Application Gateway for Containers resource {name} is undergoing an update."
    return ("Deployment", "True", "InProgress", message)
