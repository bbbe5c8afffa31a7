"""What the API server checks and fills in beyond a kind's schema."""

from __future__ import annotations

from provision.sandbox.azure import Json
from provision.sandbox.documents import copied
from provision.sandbox.kubernetes import base, catalog, kinds, schema
from provision.sandbox.kubernetes.objects import Cluster, Kind
from provision.sandbox.kubernetes.operation import Operation, Target
from provision.sandbox.kubernetes.refusals import StatusRefusal, bad_request, forbidden, not_found


def needs_version(kind: Kind) -> bool:
    """Whether a PUT must name the resource version it replaces, as it must for custom objects."""
    return catalog.custom(kind)


def check_namespace(cluster: Cluster, target: Target, name: str) -> None:
    """404 for a namespace that is not there, 403 for one that is going."""
    if not target.namespace:
        return
    found = cluster.get(kinds.NAMESPACE, target.namespace)
    if found is None:
        raise not_found(kinds.NAMESPACE, target.namespace)
    if found["metadata"].get("deletionTimestamp"):
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {target.namespace} is being terminated",
            "field": "metadata.namespace",
        }
        why = f"unable to create new content in namespace {target.namespace} because it is being terminated"
        raise forbidden(target.kind, name, why, [cause])


def check_fields(operation: Operation, body: Json) -> dict[str, str]:
    """Unknown fields by fieldValidation: 400 when Strict, else the headers that warn of them."""
    unknown = schema.unknown_fields(operation.target.kind, body)
    if not unknown or operation.validation == "Ignore":
        return {}
    texts = [f'unknown field "{path}"' for path in unknown]
    if operation.validation == "Strict":
        kind = operation.target.kind
        raise bad_request(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: strict decoding'
            f" error: {', '.join(texts)}"
        )
    quoted = [text.replace('"', '\\"') for text in texts]
    return {"Warning": ", ".join(f'299 - "{text}"' for text in quoted)}


def check_declared(operation: Operation, applied: Json) -> None:
    """Server-side apply refuses fields that the schema does not declare, whatever fieldValidation says."""
    unknown = schema.unknown_fields(operation.target.kind, applied)
    if not unknown:
        return
    target = operation.target
    texts = [f".{path}: field not declared in schema" for path in unknown]
    listed = texts[0] if len(texts) == 1 else "errors:\n" + "\n".join(f"  {text}" for text in texts)
    about = f"{target.namespace}/{target.name}; {target.kind.api_version}, Kind={target.kind.kind}"
    raise StatusRefusal(500, "", f"failed to create typed patch object ({about}): {listed}")


def completed(operation: Operation, body: Json, old: Json | None) -> Json:
    """The object with defaults and what the API server allocates."""
    kind = operation.target.kind
    body = copied(body)
    if kind == kinds.SERVICE and old is not None:
        _keep_addresses(body, old)
    elif kind == kinds.NAMESPACE:
        for key in ("spec", "status"):
            body.pop(key, None)
            if old is not None:
                body[key] = old[key]
    body = schema.default(kind, body)
    if kind == kinds.CRD:
        establish(body, operation.cluster.now())
    return body


def causes(kind: Kind, body: Json) -> list[Json]:
    """What is wrong beyond the schema."""
    if kind != kinds.CRD:
        return []
    spec, name = body.get("spec") or {}, body["metadata"].get("name", "")
    wanted = f"{(spec.get('names') or {}).get('plural', '')}.{spec.get('group', '')}"
    if name == wanted:
        return []
    message = f'Invalid value: "{name}": must be spec.names.plural+"."+spec.group'
    return [{"reason": "FieldValueInvalid", "message": message, "field": "metadata.name"}]


def after_create(operation: Operation, made: Json) -> None:
    """What controllers add at once."""
    if operation.target.kind == kinds.NAMESPACE:
        base.furnish(operation.cluster, made["metadata"]["name"])


def establish(body: Json, now: str) -> None:
    """Fill the status of a CustomResourceDefinition that is served."""
    spec = body.get("spec") or {}
    status = body.get("status") or {}
    if not status.get("conditions"):
        status["conditions"] = [
            {
                "type": type_,
                "status": "True",
                "lastTransitionTime": now,
                "reason": reason,
                "message": message,
            }
            for type_, reason, message in (
                ("NamesAccepted", "NoConflicts", "no conflicts found"),
                ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
            )
        ]
    status["acceptedNames"] = dict(spec.get("names") or {})
    storage = [version["name"] for version in spec.get("versions") or () if version.get("storage")]
    status["storedVersions"] = list(dict.fromkeys([*status.get("storedVersions", ()), *storage]))
    body["status"] = status


def _keep_addresses(body: Json, old: Json) -> None:
    """What an update leaves out of a Service and the API server allocated before stays."""
    spec, before = body.setdefault("spec", {}), old.get("spec") or {}
    if spec.get("type") != "ExternalName":
        for key in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"):
            if key in before and not spec.get(key):
                spec[key] = before[key]
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        ports = {
            port.get("port"): port["nodePort"] for port in before.get("ports") or () if "nodePort" in port
        }
        for port in spec.get("ports") or ():
            if port.get("port") in ports:
                port.setdefault("nodePort", ports[port.get("port")])
