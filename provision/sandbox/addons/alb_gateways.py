"""Gateways of class `azure-alb-external`, their listeners and routes, as the ALB controller tells of them.

Texts of what works: "SSL offloading with Application Gateway for Containers", Microsoft Learn, 2024-02. Texts
of what does not are of our own but for the one about addresses ("Troubleshooting", Microsoft Learn, 2023-09);
reasons are the Gateway API's.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provision.sandbox.addons import alb_controller, alb_frontends, gateways, routes
from provision.sandbox.addons.alb_arm import Arm, ArmError
from provision.sandbox.addons.alb_balancers import arm, frontend_id, ready, resource_id, unclaimed
from provision.sandbox.addons.alb_controller import CLASS, CONTROLLER, MANAGER
from provision.sandbox.addons.alb_frontends import Claim, PendingError
from provision.sandbox.addons.routes import Denial, World
from provision.sandbox.addons.site import Site
from provision.sandbox.addons.workload_identity import AccessError
from provision.sandbox.addons.writing import conditions, set_status
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, kinds

PORTS = (80, 443)
"""The only ports ("Application Gateway for Containers overview", Microsoft Learn, 2026)."""
_UPDATED = "Application Gateway For Containers resource has been successfully updated."
_PROTOCOLS = ("HTTP", "HTTPS")

Condition = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why a Gateway has no frontend; one it had is `kept` while only the controller's way to it is barred."""

    text: str = ""
    kept: bool = False


def reconcile(site: Site) -> None:
    """Frontends and status of every Gateway of the class, then the status of routes to them."""
    controller = alb_controller.find(site)
    if controller is None or not site.serves(crds.GATEWAY):
        return
    owned = [each for each in site.objects.list(crds.GATEWAY) if each["spec"]["gatewayClassName"] == CLASS]
    access, problem = _access(site, controller)
    claims: dict[tuple[str, str], Claim] = {}
    causes: dict[tuple[str, str], _Cause] = {}
    for gateway in owned:
        key = gateways.key_of(gateway)
        if access is None:
            causes[key] = _Cause(problem, kept=True)
            continue
        try:
            claims[key] = alb_frontends.claim(site, access, gateway)
        except (PendingError, ArmError) as error:
            causes[key] = _Cause(str(error), kept=isinstance(error, ArmError))
    world = gateways.world_of(site, owned)
    counted = _routes(site, world, claims)
    secrets = {gateways.key_of(each): each for each in site.objects.list(kinds.SECRET)}
    for gateway in owned:
        key = gateways.key_of(gateway)
        attached = {listener: count for (owner, listener), count in counted.items() if owner == key}
        status = _status(site, gateway, claims.get(key), causes.get(key, _Cause()), attached, secrets, world)
        set_status(site, crds.GATEWAY, gateway, status, MANAGER)
    if access is not None:
        _clean_up(site, access)


def _access(site: Site, controller: alb_controller.Controller) -> tuple[Arm | None, str]:
    try:
        return arm(site, controller), ""
    except (AccessError, ArmError) as error:
        return None, str(error)


def _clean_up(site: Site, access: Arm) -> None:
    owners = [each for each in site.objects.list(crds.GATEWAY) if each["spec"]["gatewayClassName"] == CLASS]
    owners += [
        each for each in site.objects.list(kinds.INGRESS) if each["spec"].get("ingressClassName") == CLASS
    ]
    claimed = set()
    for owner in owners:
        if balancer := alb_frontends.balancer_of(site, owner):
            claimed.add(frontend_id(resource_id(site, balancer), owner).lower())
    for balancer in site.named(crds.APPLICATION_LOAD_BALANCER):
        if ready(balancer) and not balancer["metadata"].get("deletionTimestamp"):
            unclaimed(site, access, balancer, claimed)


def _routes(
    site: Site, world: World, claims: Mapping[tuple[str, str], Claim]
) -> Counter[tuple[tuple[str, str], str]]:
    """Write the status of routes; returns how many each listener has."""
    counted: Counter[tuple[tuple[str, str], str]] = Counter()
    for kind in gateways.route_kinds(site):
        for route in site.objects.list(kind):
            counted.update(set(routes.attached(route, world)))
            status = _route_status(route, world, claims, site.objects.now())
            if status != (route.get("status") or {"parents": []}):
                set_status(site, kind, route, status, MANAGER)
    return counted


def _route_status(route: Json, world: World, claims: Mapping[tuple[str, str], Claim], now: str) -> Json:
    present: list[Json] = (route.get("status") or {}).get("parents") or []
    parents = [each for each in present if each["controllerName"] != CONTROLLER]
    problem = routes.reference_problem(route, world)
    for reference, refused, _ in routes.parent_results(route, world):
        key = (reference.get("namespace") or route["metadata"]["namespace"], reference["name"])
        wanted: list[Condition] = [
            ("ResolvedRefs", "False", problem.reason, problem.message)
            if problem
            else ("ResolvedRefs", "True", "ResolvedRefs", ""),
            ("Accepted", "False", refused.reason, refused.message)
            if refused
            else ("Accepted", "True", "Accepted", "Route is Accepted"),
            ("Programmed", "True", "Programmed", _UPDATED)
            if key in claims and not refused
            else ("Programmed", "False", "Pending", "The Gateway has no frontend"),
        ]
        old = next((each for each in present if each["parentRef"] == reference), {})
        made = conditions(route, wanted, now, among=old.get("conditions") or [])
        parents.append({"parentRef": reference, "controllerName": CONTROLLER, "conditions": made})
    return {"parents": parents}


def _status(
    site: Site,
    gateway: Json,
    claimed: Claim | None,
    cause: _Cause,
    attached: Mapping[str, int],
    secrets: Mapping[tuple[str, str], Json],
    world: World,
) -> Json:
    now = site.objects.now()
    listeners: list[Json] = gateway["spec"]["listeners"]
    problems = {each["name"]: _problems(each, gateway, secrets, world.grants) for each in listeners}
    valid = [each for each in listeners if not problems[each["name"]]]
    present: Json = gateway.get("status") or {}
    before = {each["name"]: each.get("conditions") or [] for each in present.get("listeners") or ()}
    found: Json = {
        "conditions": conditions(gateway, [_accepted(valid, listeners), _programmed(valid, cause.text)], now),
        "listeners": [
            {
                "name": each["name"],
                "attachedRoutes": attached.get(each["name"], 0),
                "supportedKinds": routes.supported_kinds(each),
                "conditions": conditions(
                    gateway,
                    _listener(problems[each["name"]], claimed),
                    now,
                    among=before.get(each["name"], ()),
                ),
            }
            for each in listeners
        ],
    }
    if claimed:
        found["addresses"] = [{"type": "Hostname", "value": claimed.fqdn}]
    elif cause.kept and present.get("addresses"):
        found["addresses"] = present["addresses"]
    return found


def _accepted(valid: Sequence[Json], listeners: Sequence[Json]) -> Condition:
    if not valid:
        return ("Accepted", "False", "ListenersNotValid", "None of the Gateway's listeners are valid")
    if len(valid) < len(listeners):
        return ("Accepted", "True", "ListenersNotValid", "Some of the Gateway's listeners are not valid")
    return ("Accepted", "True", "Accepted", "Valid Gateway")


def _programmed(valid: Sequence[Json], cause: str) -> Condition:
    if cause:
        message = f"No addresses have been assigned to the Gateway : {cause}"
        return ("Programmed", "False", "AddressNotAssigned", message)
    if not valid:
        return ("Programmed", "False", "Invalid", "None of the Gateway's listeners are valid")
    return ("Programmed", "True", "Programmed", _UPDATED)


def _listener(problems: Mapping[str, Denial], claimed: Claim | None) -> list[Condition]:
    fine = {"ResolvedRefs": "", "Accepted": "Listener is accepted", "Programmed": _UPDATED}
    if not claimed and "Programmed" not in problems:
        problems = {**problems, "Programmed": Denial("Pending", "The Gateway has no frontend")}
    return [
        (kind, "False", problems[kind].reason, problems[kind].message)
        if kind in problems
        else (kind, "True", kind, message)
        for kind, message in fine.items()
    ]


def _problems(
    listener: Json, gateway: Json, secrets: Mapping[tuple[str, str], Json], grants: Sequence[Json]
) -> dict[str, Denial]:
    invalid = Denial("Invalid", "Listener is not valid")
    if listener["port"] not in PORTS:
        message = f"Port {listener['port']} is not supported. Supported ports are 80 and 443."
        return {"Accepted": Denial("PortUnavailable", message), "Programmed": invalid}
    if listener["protocol"] not in _PROTOCOLS:
        message = f"Protocol {listener['protocol']} is not supported. Supported protocols are HTTP and HTTPS."
        return {"Accepted": Denial("UnsupportedProtocol", message), "Programmed": invalid}
    tls = listener.get("tls") or {}
    if listener["protocol"] == "HTTP":
        return {}
    if tls.get("mode", "Terminate") != "Terminate":
        message = f"TLS mode {tls['mode']} is not supported."
        return {"Accepted": Denial("UnsupportedValue", message), "Programmed": invalid}
    references = tls.get("certificateRefs") or []
    problem = (
        next(
            (each for each in (_certificate(one, gateway, secrets, grants) for one in references) if each),
            None,
        )
        if references
        else Denial("InvalidCertificateRef", "No certificateRefs are specified")
    )
    return {"ResolvedRefs": problem, "Programmed": invalid} if problem else {}


def _certificate(
    reference: Json, gateway: Json, secrets: Mapping[tuple[str, str], Json], grants: Sequence[Json]
) -> Denial | None:
    own = gateway["metadata"]["namespace"]
    namespace, name = reference.get("namespace") or own, reference["name"]
    if (reference.get("group", ""), reference.get("kind", "Secret")) != ("", "Secret"):
        return Denial("InvalidCertificateRef", f"certificateRef {name} is not a Secret")
    if namespace != own and not routes.granted(grants, ("Gateway", own), ("Secret", namespace, name)):
        message = f"certificateRef {namespace}/{name} is not permitted by any ReferenceGrant"
        return Denial("RefNotPermitted", message)
    secret = secrets.get((namespace, name))
    if secret is None:
        return Denial("InvalidCertificateRef", f"Secret {namespace}/{name} was not found")
    for key in ("tls.crt", "tls.key"):
        if not content(secret, key):
            return Denial("InvalidCertificateRef", f"Secret {namespace}/{name} has no {key}")
    return None


def content(secret: Json, key: str) -> bytes:
    """What a Secret holds under a key, empty when it is missing or not base64."""
    try:
        return base64.b64decode((secret.get("data") or {}).get(key) or "", validate=True)
    except binascii.Error:
        return b""
