"""What of Istio is in a cluster: definitions, control planes of others, namespaces that have sidecars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from provision.apply.handler import Reading, Untouched
from provision.apply.together import together
from provision.errors import CredentialError, ProvisionError
from provision.providers.azure.clients import Clients
from provision.providers.kubernetes.access import Ways
from provision.providers.kubernetes.calls import Call, Json, Reply, query
from provision.providers.kubernetes.errors import lacks_right, refusal
from provision.resources.manifest import DEFINITION, DEPLOYMENT, NAMESPACE, Api
from provision.resources.mesh import OWN_NAMESPACE
from provision.resources.mesh import IstioTraces as Traces
from provision.resources.observed import Observed, Present, Unread
from provision.resources.values import Value

_REVISION = "istio.io/rev"
_GROUP = ".istio.io"
_LOOKS: Mapping[Api, Mapping[str, str]] = {
    DEFINITION: {},
    DEPLOYMENT: {"labelSelector": "app=istiod"},
    NAMESPACE: {"labelSelector": _REVISION},
}
"""What is listed, and by which selector."""


class IstioTraces(Untouched):
    """Looked at, never changed."""

    def __init__(
        self, clients: Clients, on_wait: Callable[[str], None] | None = None, ways: Ways | None = None
    ) -> None:
        self._ways = ways or Ways(clients, on_wait)

    async def read(self, resources: Sequence[Traces], profile: str) -> Reading:
        seen = await together(self._read(resource) for resource in resources)
        return Reading(dict(zip((each.address for each in resources), seen, strict=True)))

    async def _read(self, resource: Traces) -> Observed:
        way = self._ways.into(
            resource.cluster_id,
            access=resource.access,
            private=resource.private is True,
            entra=resource.entra is True,
        )
        calls = [Call("get", query(api.path(), **selector)) for api, selector in _LOOKS.items()]
        try:
            replies = dict(zip(_LOOKS, await way.send(calls), strict=True))
            for api, reply in replies.items():
                if not (reply.ok or lacks_right(reply)):
                    raise refusal(f"looking for Istio in {resource.name}", api, reply)
        except CredentialError:
            raise
        except ProvisionError as error:
            return Unread(error)
        return Present(outputs=_outputs(replies))


def _outputs(replies: Mapping[Api, Reply]) -> dict[str, Value]:
    definitions = [each["metadata"]["name"] for each in _items(replies[DEFINITION])]
    planes = [each["metadata"] for each in _items(replies[DEPLOYMENT])]
    injected: dict[str, tuple[str, ...]] = {}
    for namespace in _items(replies[NAMESPACE]):
        revision = namespace["metadata"]["labels"][_REVISION]
        injected[revision] = (*injected.get(revision, ()), namespace["metadata"]["name"])
    return {
        "definitions": tuple(sorted(name for name in definitions if name.endswith(_GROUP))),
        "controlPlanes": tuple(
            f"{each['namespace']}/{each['name']}" for each in planes if each["namespace"] != OWN_NAMESPACE
        ),
        "injected": injected,
        "unseen": tuple(f"{api.plural} ({reply.message})" for api, reply in replies.items() if not reply.ok),
    }


def _items(reply: Reply) -> list[Json]:
    return (reply.body.get("items") or []) if reply.ok else []
