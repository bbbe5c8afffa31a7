"""Whether an object works already, by its own status.

Sources: Gateway API 1.3, "Gateway status" and "Route status"; Azure/aks-app-routing-operator,
api/v1alpha1/nginxingresscontroller_types.go and pkg/controller/keyvault/spc/gateway.go, 2026-06; istio,
pilot/pkg/config/kube/gateway/conversion.go (`buildTLS`), 1.26.8 and 1.30.3; for the ALB controller's
objects the how-tos of "Application Gateway for Containers", Microsoft Learn, 2024 to 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from provision.resources.manifest import (
    APPLICATION_LOAD_BALANCER,
    BACKEND_TLS_POLICY,
    CERTIFICATE_OPTION,
    DEPLOYMENT,
    FIREWALL_POLICY,
    FRONTEND_TLS_POLICY,
    GATEWAY,
    HEALTH_CHECK_POLICY,
    HTTP_ROUTE,
    INGRESS,
    INGRESS_EXTENSION,
    NAMESPACE,
    NGINX_INGRESS_CONTROLLER,
    PINNED,
    ROUTE_POLICY,
    SERVICE,
    TLS_ROUTE,
    Api,
)

Live = Mapping[str, Any]

_NO_BACKEND = "BackendNotFound"


def obstacles(api: Api, live: Live, leaving: str = "") -> list[str]:
    """What the object still waits for, in its own words; empty when it is ready. `leaving` is an address that
    it is about to lose."""
    check = _CHECKS.get(api)
    found = [] if check is None else list(check(live))
    if leaving and not found and leaving in addresses(api, live):
        found.append(f"its address is {leaving} still, of the load balancer that it leaves")
    return found


def addresses(api: Api, live: Live) -> list[str]:
    """IP addresses and names where a Gateway, an Ingress or a Service of a load balancer is reached."""
    status = live.get("status") or {}
    if api == GATEWAY:
        return [str(each["value"]) for each in status.get("addresses") or () if each.get("value")]
    if api not in (INGRESS, SERVICE):
        return []
    entries = (status.get("loadBalancer") or {}).get("ingress") or ()
    return [str(found) for each in entries if (found := each.get("ip") or each.get("hostname"))]


def synced_secrets(api: Api, live: Live) -> list[str]:
    """Secrets that app routing syncs for an object whose status does not tell whether they have come.

    A Gateway's listeners tell of theirs; NGINX shows a certificate of its own until the Secret is there.
    """
    annotations = live["metadata"].get("annotations") or {}
    if api != INGRESS or CERTIFICATE_OPTION not in annotations:
        return []
    entries = (live.get("spec") or {}).get("tls") or ()
    return [entry["secretName"] for entry in entries if entry.get("secretName")]


def _gateway(live: Live) -> Iterator[str]:
    status = live.get("status") or {}
    yield from _unmet(live, status.get("conditions"), ("Programmed",))
    infrastructure = (live.get("spec") or {}).get("infrastructure") or {}
    yield from _unpinned(infrastructure, addresses(GATEWAY, live))
    reported = {each.get("name"): each for each in status.get("listeners") or ()}
    for listener in (live.get("spec") or {}).get("listeners") or ():
        tls = listener.get("tls")
        if tls is None or tls.get("mode", "Terminate") != "Terminate":
            continue
        where = f"listener {listener.get('name')}: "
        if CERTIFICATE_OPTION in (tls.get("options") or {}) and not tls.get("certificateRefs"):
            # The operator names the Secret there; until then Istio, from 1.27, calls the listener resolved.
            yield f"{where}app routing has not set its certificateRefs yet"
            continue
        conditions = reported.get(listener.get("name"), {}).get("conditions")
        yield from _unmet(live, conditions, ("ResolvedRefs",), where)


def _route(live: Live) -> Iterator[str]:
    parents = (live.get("status") or {}).get("parents") or ()
    for wanted in (live.get("spec") or {}).get("parentRefs") or ():
        reports = [each for each in parents if _is_parent(each.get("parentRef") or {}, wanted)]
        where = f"at {wanted.get('name')}: "
        if not reports:
            yield f"{where}no controller has taken it up"
        for report in reports:
            conditions = report.get("conditions") or ()
            # A Service that is not there yet is for those to make who run it: the route itself is right.
            missing = any(each.get("reason") == _NO_BACKEND for each in conditions)
            expected = ("Accepted",) if missing else ("Accepted", "ResolvedRefs")
            yield from _unmet(live, conditions, expected, where)


def _is_parent(reported: Live, wanted: Live) -> bool:
    return all(reported.get(name) == wanted.get(name) for name in ("name", "sectionName"))


def _ingress(live: Live) -> Iterator[str]:
    if not addresses(INGRESS, live):
        yield "no address yet"


def _service(live: Live) -> Iterator[str]:
    if (live.get("spec") or {}).get("type") != "LoadBalancer":
        return
    yield from _ingress(live)
    yield from _unpinned(live["metadata"], addresses(SERVICE, live))


def _unpinned(settings: Live, given: Sequence[str]) -> Iterator[str]:
    pinned = (settings.get("annotations") or {}).get(PINNED)
    if pinned and given and pinned not in given:
        yield f"its address is {given[0]}, not {pinned} yet"


def _controller(live: Live) -> Iterator[str]:
    # Its conditions tell no generation before it was looked at once, so a missing one counts as current.
    yield from _unmet(live, (live.get("status") or {}).get("conditions"), ("Available",))


def _load_balancer(live: Live) -> Iterator[str]:
    """`Deployment` is True while the controller still works on it, with the reason `InProgress`. Source:
    Troubleshooting Application Gateway for Containers, Microsoft Learn, 2026-06."""
    conditions = (live.get("status") or {}).get("conditions")
    unmet = list(_unmet(live, conditions, ("Accepted", "Deployment")))
    yield from unmet
    for condition in () if unmet else conditions or ():
        if condition.get("type") == "Deployment" and condition.get("reason") != "Ready":
            yield f"Deployment is {condition.get('reason')}: {str(condition.get('message', '')).strip()}"


def _policy(live: Live) -> Iterator[str]:
    """A policy that needs a gateway's or a service's tells more than whether it is accepted."""
    yield from _unmet(live, (live.get("status") or {}).get("conditions"), ("Accepted",))


def _firewall(live: Live) -> Iterator[str]:
    yield from _unmet(live, (live.get("status") or {}).get("conditions"), ("Accepted", "Deployment"))


def _deployment(live: Live) -> Iterator[str]:
    """Its pods run, which for one that mounts a certificate means that it could be read."""
    status = live.get("status") or {}
    if status.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        yield "its controller has not seen it yet"
    wanted = (live.get("spec") or {}).get("replicas", 1)
    available = status.get("availableReplicas", 0)
    if available < wanted:
        yield f"{available} of {wanted} pods are available"


def _namespace(live: Live) -> Iterator[str]:
    phase = (live.get("status") or {}).get("phase", "Active")
    if phase != "Active":
        yield f"it is {phase}"


_CHECKS: Mapping[Api, Callable[[Live], Iterator[str]]] = {
    GATEWAY: _gateway,
    HTTP_ROUTE: _route,
    TLS_ROUTE: _route,
    INGRESS: _ingress,
    SERVICE: _service,
    NGINX_INGRESS_CONTROLLER: _controller,
    NAMESPACE: _namespace,
    DEPLOYMENT: _deployment,
    APPLICATION_LOAD_BALANCER: _load_balancer,
    FIREWALL_POLICY: _firewall,
    **dict.fromkeys((FRONTEND_TLS_POLICY, BACKEND_TLS_POLICY, HEALTH_CHECK_POLICY, ROUTE_POLICY), _policy),
    INGRESS_EXTENSION: _policy,
}
"""Other kinds are ready once they exist."""


def _unmet(
    live: Live, conditions: Sequence[Live] | None, wanted: Sequence[str], where: str = ""
) -> Iterator[str]:
    """Conditions that are not True for the current generation."""
    known = {condition.get("type"): condition for condition in conditions or ()}
    generation = live["metadata"].get("generation", 0)
    for name in wanted:
        condition = known.get(name)
        if condition is None or condition.get("observedGeneration", generation) < generation:
            yield f"{where}{name} is not known yet"
        elif condition.get("status") != "True":
            reason, message = condition.get("reason", ""), str(condition.get("message", "")).strip()
            yield f"{where}{name} is {condition.get('status')} ({reason})" + (
                f": {message}" if message else ""
            )
