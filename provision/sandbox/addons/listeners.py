"""The status of a Gateway and of its listeners, as Istio writes it. Pure.

Source: istio/istio, pilot/pkg/config/kube/gateway/conversion.go (August 2026); a listener without any
certificate as it was worded up to 1.27.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provision.sandbox.addons.routes import Denial, granted, supported_kinds
from provision.sandbox.addons.writing import conditions
from provision.sandbox.azure import Json

_PROTOCOLS = ("HTTP", "HTTPS", "TLS", "TCP")
_FINE = "No errors found"


@dataclass(frozen=True, slots=True)
class Front:
    """What a Gateway's status is made of: itself, its Service's name and address (empty while there is
    none), attached routes by listener, Secrets by (namespace, name), ReferenceGrants, and why its parameters
    can't be used."""

    gateway: Json
    service: str
    address: str
    routes: Mapping[str, int]
    secrets: Mapping[tuple[str, str], Json]
    grants: Sequence[Json]
    invalid: str = ""


def status(front: Front, now: str) -> Json:
    """The whole status of a Gateway."""
    gateway = front.gateway
    listeners: list[Json] = gateway["spec"]["listeners"]
    problems = {each["name"]: _problems(each, front) for each in listeners}
    valid = [each for each in listeners if not problems[each["name"]]]
    present: Json = gateway.get("status") or {}
    before = {each["name"]: each.get("conditions") or [] for each in present.get("listeners") or ()}
    host = f"{front.service}.{gateway['metadata']['namespace']}.svc.cluster.local"
    ports = sorted({each["port"] for each in valid})
    wanted = [_accepted(front, len(valid)), _programmed(front, host, ports)]
    found: Json = {
        "conditions": conditions(gateway, wanted, now),
        "listeners": [
            {
                "name": each["name"],
                "attachedRoutes": front.routes.get(each["name"], 0),
                "supportedKinds": supported_kinds(each),
                "conditions": conditions(
                    gateway, _listener(problems[each["name"]]), now, among=before.get(each["name"], ())
                ),
            }
            for each in listeners
        ],
    }
    if front.address and valid:
        found["addresses"] = [{"type": "IPAddress", "value": front.address}]
    elif present.get("addresses"):
        found["addresses"] = present["addresses"]  # never taken back once reported
    return found


def _accepted(front: Front, valid: int) -> tuple[str, str, str, str]:
    total = len(front.gateway["spec"]["listeners"])
    if front.invalid:
        return ("Accepted", "False", "InvalidParameters", front.invalid)
    if valid == 0:
        return ("Accepted", "False", "ListenersNotValid", "None of the Gateway's listeners are valid")
    if valid < total:
        message = "One or more of the Gateway's listeners are invalid"
        return ("Accepted", "True", "ListenersNotValid", message)
    return ("Accepted", "True", "Accepted", "Resource accepted")


def _programmed(front: Front, host: str, ports: Sequence[int]) -> tuple[str, str, str, str]:
    assigned = _joined([f"{host}:{port}" for port in ports])
    if front.invalid:
        return ("Programmed", "False", "Invalid", front.invalid)
    if not front.address:
        pending = f'address pending for hostname "{host}"'
        message = (
            f"Assigned to service(s) {assigned}, but failed to assign to all requested addresses: {pending}"
        )
        return ("Programmed", "False", "AddressNotAssigned", message)
    message = f"Resource programmed, assigned to service(s) {assigned}" if ports else "Resource programmed"
    return ("Programmed", "True", "Programmed", message)


def _joined(names: Sequence[str]) -> str:
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])}, and {names[-1]}"


def _listener(problems: Mapping[str, Denial]) -> list[tuple[str, str, str, str]]:
    """Conditions of a listener; a problem is named by the condition it makes false."""
    fine = {"Accepted": "Accepted", "Programmed": "Programmed", "ResolvedRefs": "ResolvedRefs"}
    made = [
        (kind, "False", problems[kind].reason, problems[kind].message)
        if kind in problems
        else (kind, "True", reason, _FINE)
        for kind, reason in fine.items()
    ]
    made.insert(1, ("Conflicted", "False", "NoConflicts", _FINE))
    return made


def _problems(listener: Json, front: Front) -> dict[str, Denial]:
    protocol = listener["protocol"]
    if protocol not in _PROTOCOLS:
        return {"Accepted": Denial("UnsupportedProtocol", f'protocol "{protocol}" is unsupported')}
    found: dict[str, Denial] = {}
    allowed = (listener.get("allowedRoutes") or {}).get("kinds") or ()
    if len(supported_kinds(listener)) < len(allowed):
        found["ResolvedRefs"] = Denial("InvalidRouteKinds", "Invalid route kinds")
    tls = listener.get("tls") or {}
    if protocol in ("HTTPS", "TLS") and tls.get("mode", "Terminate") == "Terminate":
        problem = _certificates_problem(tls.get("certificateRefs") or [], front)
        if problem:
            found["ResolvedRefs"] = problem
            found["Programmed"] = Denial("Invalid", "Bad TLS configuration")
    return found


def _certificates_problem(references: Sequence[Json], front: Front) -> Denial | None:
    """Without any reference there is none, from Istio 1.27 on: nothing tells that a certificate is missing.

    Source: istio, pilot/pkg/config/kube/gateway/conversion.go, `buildTLS`, 1.30.3.
    """
    problems = [_certificate_problem(each, front) for each in references]
    told = [each for each in problems if each]
    return told[0] if told and len(told) == len(references) else None


def _certificate_problem(reference: Json, front: Front) -> Denial | None:
    own = front.gateway["metadata"]["namespace"]
    namespace, name = reference.get("namespace") or own, reference["name"]
    kind = reference.get("kind", "Secret")
    shown = f"{reference.get('group', '')}/{kind}/{name}.{reference.get('namespace', '')}"
    invalid = f"invalid certificate reference {shown}"
    if (reference.get("group", ""), kind) != ("", "Secret"):
        return Denial("InvalidCertificateRef", f"{invalid}, only secret is allowed")
    if namespace != own and not granted(front.grants, ("Gateway", own), ("Secret", namespace, name)):
        message = (
            f"certificateRef {name}/{namespace} not accessible to a Gateway in namespace"
            f' "{own}" (missing a ReferenceGrant?)'
        )
        return Denial("RefNotPermitted", message)
    secret = front.secrets.get((namespace, name))
    if secret is None:
        message = f"{invalid}, secret {namespace}/{name} not found"
        return Denial("InvalidCertificateRef", message)
    missing = [key for key in ("tls.crt", "tls.key") if not _content(secret, key)]
    if missing:
        message = f'{invalid}, found secret, but didn\'t have expected keys ("{missing[0]}")'
        return Denial("InvalidCertificateRef", message)
    return None


def _content(secret: Json, key: str) -> bytes:
    try:
        return base64.b64decode((secret.get("data") or {}).get(key) or "", validate=True)
    except binascii.Error:
        return b""
