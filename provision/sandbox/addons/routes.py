"""Which routes attach to which listeners, and what their status says. Pure.

Source: istio/istio, pilot/pkg/config/kube/gateway (August 2026), for the reasons and their texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from provision.sandbox.addons.hostnames import overlap, selects
from provision.sandbox.addons.writing import conditions
from provision.sandbox.azure import Json

GROUP = "gateway.networking.k8s.io"

_KINDS = {
    "HTTP": ("HTTPRoute", "GRPCRoute"),
    "HTTPS": ("HTTPRoute", "GRPCRoute"),
    "TLS": ("TLSRoute",),
    "TCP": ("TCPRoute",),
}
_SEVERITY = ("", "NotAllowedByListeners", "NoMatchingListenerHostname", "NoMatchingParent")


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a route or a reference is refused."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class World:
    """What routes refer to: Gateways that are looked after by (namespace, name), labels of namespaces,
    Services and ReferenceGrants."""

    gateways: Mapping[tuple[str, str], Json]
    namespaces: Mapping[str, Mapping[str, str]]
    services: frozenset[tuple[str, str]]
    grants: Sequence[Json]


def supported_kinds(listener: Json) -> list[Json]:
    """`supportedKinds` of a listener's status."""
    possible = _KINDS.get(listener["protocol"], ())
    allowed = (listener.get("allowedRoutes") or {}).get("kinds")
    names = [each["kind"] for each in allowed if each.get("group", GROUP) == GROUP] if allowed else possible
    return [{"group": GROUP, "kind": kind} for kind in possible if kind in names]


def attached(route: Json, world: World) -> Iterator[tuple[tuple[str, str], str]]:
    """(Gateway, listener) of every listener that takes the route."""
    for reference, key in _parents(route):
        gateway = world.gateways.get(key)
        for listener in gateway["spec"]["listeners"] if gateway else ():
            if denial(route, reference, gateway or {}, listener, world) is None:
                yield key, listener["name"]


def parent_results(route: Json, world: World) -> Iterator[tuple[Json, Denial | None, int]]:
    """For each parent that is looked after: the reference, why it refuses or None, listeners that accept."""
    for reference, key in _parents(route):
        gateway = world.gateways.get(key)
        if gateway is None:
            continue
        results = [denial(route, reference, gateway, each, world) for each in gateway["spec"]["listeners"]]
        accepting = results.count(None)
        yield reference, None if accepting else _worst([each for each in results if each]), accepting


def denial(route: Json, reference: Json, gateway: Json, listener: Json, world: World) -> Denial | None:
    """Why a listener does not take the route, None when it does."""
    port, section = reference.get("port"), reference.get("sectionName")
    if port and port != listener["port"]:
        return Denial("NoMatchingParent", f"port {port} not found")
    if section and section != listener["name"]:
        return Denial("NoMatchingParent", f'sectionName "{section}" not found')
    wanted = listener.get("hostname") or ""
    names = route["spec"].get("hostnames") or [""]
    shown = wanted or "*"
    if all(overlap(wanted, name) is None for name in names):
        return Denial("NoMatchingListenerHostname", f'no hostnames matched parent hostname "{shown}"')
    namespace = route["metadata"]["namespace"]
    if not _lets_in(listener, gateway["metadata"]["namespace"], namespace, world.namespaces):
        return Denial(
            "NotAllowedByListeners",
            f'hostnames matched parent hostname "{shown}", but namespace "{namespace}" is not allowed by the'
            " parent",
        )
    if all(kind["kind"] != route["kind"] for kind in supported_kinds(listener)):
        return Denial("NotAllowedByListeners", f"kind {route['apiVersion']}/{route['kind']} is not allowed")
    return None


def reference_problem(route: Json, world: World) -> Denial | None:
    """The first backend of the route that cannot be referred to."""
    for rule in route["spec"].get("rules") or ():
        for backend in rule.get("backendRefs") or ():
            problem = _backend_problem(route, backend, world)
            if problem:
                return problem
    return None


def granted(grants: Iterable[Json], source: tuple[str, str], target: tuple[str, str, str]) -> bool:
    """Whether a ReferenceGrant lets (kind, namespace) of the Gateway API refer to (kind, namespace, name)
    of the core group."""
    kind, namespace = source
    for grant in grants:
        if grant["metadata"]["namespace"] != target[1]:
            continue
        spec = grant["spec"]
        comes = any(
            (each["group"], each["kind"], each["namespace"]) == (GROUP, kind, namespace)
            for each in spec["from"]
        )
        goes = any(
            (each["group"], each["kind"]) == ("", target[0]) and each.get("name") in (None, target[2])
            for each in spec["to"]
        )
        if comes and goes:
            return True
    return False


def status(route: Json, world: World, controller: str, now: str) -> Json:
    """The route's status: the parents of our controller anew, those of others as they are."""
    problem = reference_problem(route, world)
    present: list[Json] = (route.get("status") or {}).get("parents") or []
    parents = [each for each in present if each["controllerName"] != controller]
    for reference, refused, accepting in parent_results(route, world):
        old = next((each for each in present if each["parentRef"] == reference), {})
        bound = f"Route was valid, bound to {accepting} parents" if accepting > 1 else "Route was valid"
        wanted = [
            ("Accepted", "False", refused.reason, refused.message)
            if refused
            else ("Accepted", "True", "Accepted", bound),
            ("ResolvedRefs", "False", problem.reason, problem.message)
            if problem
            else ("ResolvedRefs", "True", "ResolvedRefs", "All references resolved"),
        ]
        made = conditions(route, wanted, now, among=old.get("conditions") or [])
        parents.append({"parentRef": reference, "controllerName": controller, "conditions": made})
    return {"parents": parents}


def _parents(route: Json) -> Iterator[tuple[Json, tuple[str, str]]]:
    for reference in route["spec"].get("parentRefs") or ():
        if reference.get("kind", "Gateway") == "Gateway" and reference.get("group", GROUP) == GROUP:
            namespace = reference.get("namespace") or route["metadata"]["namespace"]
            yield reference, (namespace, reference["name"])


def _worst(denials: Sequence[Denial]) -> Denial:
    """The most telling refusal; several of the same kind are told together."""
    reason = min((each.reason for each in denials), key=_SEVERITY.index)
    return Denial(reason, "; ".join(each.message for each in denials if each.reason == reason))


def _lets_in(listener: Json, own: str, namespace: str, labels: Mapping[str, Mapping[str, str]]) -> bool:
    allowed = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
    match allowed.get("from", "Same"):
        case "All":
            return True
        case "Selector":
            return selects(allowed.get("selector"), labels.get(namespace, {}))
        case "Same":
            return own == namespace
        case _:
            return False


def _backend_problem(route: Json, backend: Json, world: World) -> Denial | None:
    group, kind = backend.get("group", ""), backend.get("kind", "Service")
    own = route["metadata"]["namespace"]
    namespace, name = backend.get("namespace") or own, backend["name"]
    if (group, kind) != ("", "Service"):
        return Denial("InvalidKind", f'referencing unsupported backendRef: group "{group}" kind "{kind}"')
    source = (route["kind"], own)
    if namespace != own and not granted(world.grants, source, ("Service", namespace, name)):
        return Denial(
            "RefNotPermitted",
            f"backendRef {name}/{namespace} not accessible to a {route['kind']} in namespace"
            f' "{own}" (missing a ReferenceGrant?)',
        )
    if (namespace, name) not in world.services:
        return Denial("BackendNotFound", f"backend({name}.{namespace}.svc.cluster.local) not found")
    return None
