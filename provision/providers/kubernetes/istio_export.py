"""The definitions of istio.io in a cluster and the objects of them, as documents that kubectl can apply."""

from __future__ import annotations

from typing import Any

from provision.providers.kubernetes.access import Ways
from provision.providers.kubernetes.calls import Call, Json
from provision.providers.kubernetes.errors import refusal
from provision.resources.manifest import DEFINITION, Api, Manifest

_SERVERS_OWN = frozenset(
    ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
)


async def documents(ways: Ways, definitions: list[Manifest]) -> list[Json]:
    """Definitions first, then the objects of each. Raises ProvisionError for what can't be read."""
    if not definitions:
        return []
    first = definitions[0]
    way = ways.into(
        first.cluster_id, access=first.access, private=first.private is True, entra=first.entra is True
    )
    found = await way.send([Call("get", each.path) for each in definitions])
    for each, reply in zip(definitions, found, strict=True):
        if not reply.ok:
            raise refusal(f"reading {each.address}", DEFINITION, reply)
    apis = [_api(reply.body) for reply in found]
    lists = await way.send([Call("get", api.path()) for api in apis])
    exported = [_exported(reply.body, "apiextensions.k8s.io/v1", DEFINITION.kind) for reply in found]
    for api, reply in zip(apis, lists, strict=True):
        if not reply.ok:
            raise refusal(f"listing {api.plural}", api, reply)
        exported += [_exported(item, api.api_version, api.kind) for item in reply.body.get("items") or ()]
    return exported


def _api(definition: Json) -> Api:
    spec: Any = definition["spec"]
    version = next(each["name"] for each in spec["versions"] if each.get("storage"))
    names = spec["names"]
    return Api(f"{spec['group']}/{version}", names["kind"], names["plural"], spec["scope"] == "Namespaced")


def _exported(item: Json, api_version: str, kind: str) -> Json:
    """What the server fills in left out: it would refuse or ignore it."""
    metadata = {key: value for key, value in item["metadata"].items() if key not in _SERVERS_OWN}
    rest = {
        key: value for key, value in item.items() if key not in ("apiVersion", "kind", "metadata", "status")
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}
