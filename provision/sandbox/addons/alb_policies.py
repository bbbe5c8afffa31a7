"""Policies of the ALB controller: whether they are valid, and what a firewall policy becomes in Azure.

Reasons: the public Go types of alb.networking.azure.io/v1; "Valid …" as the pages of Microsoft Learn show it
("Frontend MTLS", 2024-11; "Backend MTLS", 2023-07). The other texts are our own. A firewall policy becomes a
security policy of the traffic controller, unless there is one for it ("Azure Web Application Firewall on
Application Gateway for Containers with the Gateway API", 2025-07, names the right that takes).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from provision.sandbox.addons import alb_controller, routes
from provision.sandbox.addons.alb_arm import Arm, ArmError
from provision.sandbox.addons.alb_balancers import TAGS, arm, node_group, settled
from provision.sandbox.addons.alb_controller import CLASS, MANAGER
from provision.sandbox.addons.alb_gateways import content
from provision.sandbox.addons.routes import Denial
from provision.sandbox.addons.site import Site
from provision.sandbox.addons.workload_identity import AccessError
from provision.sandbox.addons.writing import conditions, set_status
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.service_networking_kinds import FRONTEND, POLICY
from provision.sandbox.waf_policies import WAF_POLICY

_GATEWAY_API = "gateway.networking.k8s.io"
_TARGETS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "FrontendTLSPolicy": ((_GATEWAY_API, "Gateway"),),
    "BackendTLSPolicy": (("", "Service"),),
    "HealthCheckPolicy": (("", "Service"),),
    "RoutePolicy": ((_GATEWAY_API, "HTTPRoute"), ("", "HTTPRoute")),
    "WebApplicationFirewallPolicy": ((_GATEWAY_API, "Gateway"), (_GATEWAY_API, "HTTPRoute")),
}
_STORED: Mapping[str, Kind] = {
    "Gateway": crds.GATEWAY,
    "Service": kinds.SERVICE,
    "HTTPRoute": crds.HTTP_ROUTE,
}
_PREDEFINED = ("2023-06", "2023-06-S")

Condition = tuple[str, str, str, str]


def reconcile(site: Site) -> None:
    """The status of every policy, while a controller runs."""
    controller = alb_controller.find(site)
    if controller is None:
        return
    for kind, check in _CHECKS:
        for policy in site.named(kind):
            problem = _target_problem(site, policy) or check(site, policy)
            wanted = _plain(policy, problem)
            if kind is crds.WAF_POLICY and problem is None:
                wanted += _firewall(site, controller, policy)
            status = {"conditions": conditions(policy, wanted, site.objects.now())}
            set_status(site, kind, policy, status, MANAGER)
    _clean_up(site, controller)
    for extension in site.named(crds.INGRESS_EXTENSION):
        _extension(site, extension)


def _clean_up(site: Site, controller: alb_controller.Controller) -> None:
    """Security policies in the node resource group that no firewall policy wants any more."""
    wanted = {
        str(((each.get("spec") or {}).get("webApplicationFirewall") or {}).get("id")).lower()
        for each in site.named(crds.WAF_POLICY)
    }
    unwanted = [
        each
        for each in site.azure.store.list(POLICY, f"{node_group(site)}/")
        if TAGS.items() <= (each.get("tags") or {}).items()
        and str((each["properties"].get("wafPolicy") or {}).get("id")).lower() not in wanted
        and settled(each)
    ]
    try:
        for each in unwanted:
            arm(site, controller).delete(each["id"])
    except (AccessError, ArmError):
        return  # the controller tries again; what keeps it away is in the status of its other objects


def _plain(policy: Json, problem: Denial | None) -> list[Condition]:
    kind = policy["kind"]
    if problem:
        return [
            ("Accepted", "False", f"Invalid{kind}", f"Invalid {kind}"),
            ("ResolvedRefs", "False", problem.reason, problem.message),
        ]
    return [
        ("Accepted", "True", "Accepted", f"Valid {kind}"),
        ("ResolvedRefs", "True", "ResolvedRefs", ""),
    ]


def _target_problem(site: Site, policy: Json) -> Denial | None:
    target, own = (policy.get("spec") or {}).get("targetRef"), policy["metadata"]["namespace"]
    known = _TARGETS[policy["kind"]]
    if not target:
        return Denial("NoTargetReference", "targetRef is missing")
    group, kind, namespace = target["group"], target["kind"], target.get("namespace") or own
    if policy["spec"].get("override"):
        return Denial("OverrideNotSupported", "override is not supported")
    if kind not in (each for _, each in known):
        return Denial("InvalidKind", f"Invalid kind {kind}")
    if (group, kind) not in known:
        return Denial("InvalidGroup", f"Invalid group {group}")
    if namespace != own and not _granted(site, policy, (kind, namespace, target["name"])):
        message = f"targetRef {namespace}/{target['name']} is not permitted by any ReferenceGrant"
        return Denial("RefNotPermitted", message)
    stored = _STORED[kind]
    found = site.objects.get(stored, target["name"], namespace) if _there(site, stored) else None
    if found is None:
        return Denial("NoTargetReference", f"{kind} {namespace}/{target['name']} was not found")
    if kind == "Gateway":
        if found["spec"]["gatewayClassName"] != CLASS:
            return Denial("InvalidGateway", f"Gateway {namespace}/{target['name']} is not of class {CLASS}")
        names = {each["name"] for each in found["spec"]["listeners"]}
        if missing := [each for each in target.get("sectionNames") or () if each not in names]:
            return Denial("InvalidName", f"Listener {missing[0]} was not found")
    return None


def _there(site: Site, kind: Kind) -> bool:
    return kinds.is_built_in(kind) or site.serves(kind)


def _granted(site: Site, policy: Json, target: tuple[str, str, str]) -> bool:
    source = (policy["kind"], policy["metadata"]["namespace"])
    return routes.granted(site.named(crds.REFERENCE_GRANT), source, target)


def _frontend_tls(site: Site, policy: Json) -> Denial | None:
    wanted = policy["spec"].get("default") or {}
    kind = wanted.get("policyType") or {}
    if kind and kind["type"] != "predefined":
        return Denial("InvalidPolicyType", f"Invalid policy type {kind['type']}")
    if kind and kind["name"] not in _PREDEFINED:
        return Denial("InvalidPolicyName", f"Invalid policy name {kind['name']}")
    verify = wanted.get("verify")
    return _secret_problem(site, policy, verify["caCertificateRef"], "ca.crt") if verify else None


def _backend_tls(site: Site, policy: Json) -> Denial | None:
    wanted = policy["spec"].get("default") or {}
    verify = wanted.get("verify")
    problem = _secret_problem(site, policy, verify["caCertificateRef"], "ca.crt") if verify else None
    client = wanted.get("clientCertificateRef")
    return problem or (_secret_problem(site, policy, client, "tls.crt") if client else None)


def _secret_problem(site: Site, policy: Json, reference: Json, key: str) -> Denial | None:
    own = policy["metadata"]["namespace"]
    namespace, name = reference.get("namespace") or own, reference["name"]
    if (reference.get("group", ""), reference.get("kind", "Secret")) != ("", "Secret"):
        return Denial("InvalidKind", f"{name} is not a Secret")
    if namespace != own and not _granted(site, policy, ("Secret", namespace, name)):
        message = f"Secret {namespace}/{name} is not permitted by any ReferenceGrant"
        return Denial("RefNotPermitted", message)
    secret = site.objects.get(kinds.SECRET, name, namespace)
    if secret is None:
        return Denial("InvalidCertificateRef", f"Secret {namespace}/{name} was not found")
    if not content(secret, key):
        return Denial("InvalidCertificateRef", f"Secret {namespace}/{name} has no {key}")
    return None


def _health(site: Site, policy: Json) -> Denial | None:
    http = (policy["spec"].get("default") or {}).get("http") or {}
    for each in (http.get("match") or {}).get("statusCodes") or ():
        if each.get("start", 0) > each.get("end", 0):
            return Denial("UnsupportedStatusCodes", f"{each.get('start')} to {each.get('end')} is no range")
    return None


def _fine(site: Site, policy: Json) -> Denial | None:
    return None


def _firewall(site: Site, controller: alb_controller.Controller, policy: Json) -> list[Condition]:
    """The security policy behind it: Deployment says whether it is there, Programmed that it is in use."""
    wanted = (policy["spec"].get("webApplicationFirewall") or {}).get("id") or ""
    try:
        holders = _controllers(site, policy)
        if not holders:
            return [("Deployment", "False", "Pending", "The target has no frontend")]
        access = arm(site, controller)
        states = [_secure(site, access, each, wanted) for each in holders]
    except (AccessError, ArmError) as error:
        return [("Deployment", "False", "Ready", f"error=failed to create security policy: {error}")]
    if not all(states):
        return [("Deployment", "True", "InProgress", "The security policy is undergoing an update.")]
    return [
        ("Deployment", "True", "Ready", f"security-policy-id={', '.join(str(each) for each in states)}"),
        (
            "Programmed",
            "True",
            "Programmed",
            "Application Gateway For Containers resource has been successfully updated.",
        ),
    ]


def _secure(site: Site, access: Arm, controller_id: str, firewall: str) -> str:
    """Id of the security policy of a traffic controller for a firewall policy; empty while it is made."""
    for each in site.azure.store.list(POLICY, f"{controller_id}/securityPolicies/"):
        named = (each["properties"].get("wafPolicy") or {}).get("id") or ""
        if named.lower() == firewall.lower():
            return str(each["id"]) if each["properties"]["provisioningState"] == "Succeeded" else ""
    known = site.azure.store.get(WAF_POLICY, firewall)
    name = hashlib.sha256(f"{controller_id} {firewall}".lower().encode()).hexdigest()[:8]
    body = {
        "location": site.document["location"],
        "tags": dict(TAGS),
        "properties": {"wafPolicy": {"id": known["id"] if known else firewall}},
    }
    access.put(f"{controller_id}/securityPolicies/sp-{name}", body)
    return ""


def _controllers(site: Site, policy: Json) -> list[str]:
    """Ids of the traffic controllers whose frontends the target's Gateways have."""
    target, own = policy["spec"]["targetRef"], policy["metadata"]["namespace"]
    place = (target["name"], target.get("namespace") or own)
    if target["kind"] == "Gateway":
        found = [site.objects.get(crds.GATEWAY, *place)]
    else:
        route = site.objects.get(crds.HTTP_ROUTE, *place) or {"spec": {}}
        found = [
            site.objects.get(crds.GATEWAY, each["name"], each.get("namespace") or place[1])
            for each in route["spec"].get("parentRefs") or ()
        ]
    names = {
        each["value"]
        for gateway in found
        if gateway and gateway["spec"]["gatewayClassName"] == CLASS
        for each in (gateway.get("status") or {}).get("addresses") or ()
    }
    frontends = site.azure.store.list(FRONTEND)
    return sorted(
        {each["id"].rsplit("/", 2)[0] for each in frontends if each["properties"].get("fqdn") in names}
    )


def _extension(site: Site, extension: Json) -> None:
    """Accepted, and whether a backend it names is missing."""
    namespace = extension["metadata"]["namespace"]
    missing = [
        each["service"]
        for each in (extension.get("spec") or {}).get("backendSettings") or ()
        if site.objects.get(kinds.SERVICE, each["service"], namespace) is None
    ]
    wanted: list[Condition] = [
        (
            "Accepted",
            "True",
            "PartiallyAcceptedWithErrors",
            "Partially accepted with some validation errors",
        )
        if missing
        else ("Accepted", "True", "Accepted", "Accepted and validated successfully"),
        (
            "Errors",
            "True",
            "HasValidationErrors",
            "Validation errors encountered, see rules and backend settings status for details",
        )
        if missing
        else ("Errors", "False", "NoValidationErrors", "No validation errors"),
    ]
    status = {"conditions": conditions(extension, wanted, site.objects.now())}
    set_status(site, crds.INGRESS_EXTENSION, extension, status, MANAGER)


_CHECKS: tuple[tuple[Kind, Callable[[Site, Json], Denial | None]], ...] = (
    (crds.FRONTEND_TLS_POLICY, _frontend_tls),
    (crds.BACKEND_TLS_POLICY, _backend_tls),
    (crds.HEALTH_CHECK_POLICY, _health),
    (crds.ROUTE_POLICY, _fine),
    (crds.WAF_POLICY, _fine),
)
