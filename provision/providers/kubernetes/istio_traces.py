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
_DISCOVERY = "/apis"
_LOOKS: Mapping[Api, str] = {DEPLOYMENT: "app=istiod", NAMESPACE: _REVISION}
"""What is listed, and by which label selector."""


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
        lists = [Call("get", query(api.path(), labelSelector=label)) for api, label in _LOOKS.items()]
        doing = f"looking for Istio in {resource.name}"
        try:
            groups, *listed = await way.send([Call("get", _DISCOVERY), *lists])
            replies = dict(zip(_LOOKS, listed, strict=True))
            for api, reply in replies.items():
                if not (reply.ok or lacks_right(reply)):
                    raise refusal(doing, api, reply)
            # The definitions themselves are megabytes, where the names of what is served will do.
            versions = _versions(groups)
            served = await way.send([Call("get", f"{_DISCOVERY}/{each}") for each in versions])
        except CredentialError:
            raise
        except ProvisionError as error:
            return Unread(error)
        for reply in (groups, *served):
            if not reply.ok:
                return Unread(refusal(doing, DEFINITION, reply))
        return Present(outputs={"definitions": _definitions(versions, served), **_outputs(replies)})


def _versions(groups: Reply) -> list[str]:
    """Every version of Istio's groups, as `group/version`."""
    found = groups.body.get("groups") or () if groups.ok else ()
    return [
        version["groupVersion"]
        for group in found
        if group["name"].endswith(_GROUP)
        for version in group["versions"]
    ]


def _definitions(versions: Sequence[str], served: Sequence[Reply]) -> tuple[str, ...]:
    """Names of the definitions behind what is served: plural and group."""
    return tuple(
        sorted(
            {
                f"{each['name']}.{version.partition('/')[0]}"
                for version, reply in zip(versions, served, strict=True)
                for each in reply.body.get("resources") or ()
                if "/" not in each["name"]
            }
        )
    )


def _outputs(replies: Mapping[Api, Reply]) -> dict[str, Value]:
    planes = [each["metadata"] for each in _items(replies[DEPLOYMENT])]
    injected: dict[str, tuple[str, ...]] = {}
    for namespace in _items(replies[NAMESPACE]):
        revision = namespace["metadata"]["labels"][_REVISION]
        injected[revision] = (*injected.get(revision, ()), namespace["metadata"]["name"])
    return {
        "controlPlanes": tuple(
            f"{each['namespace']}/{each['name']}" for each in planes if each["namespace"] != OWN_NAMESPACE
        ),
        "injected": injected,
        "unseen": tuple(f"{api.plural} ({reply.message})" for api, reply in replies.items() if not reply.ok),
    }


def _items(reply: Reply) -> list[Json]:
    return (reply.body.get("items") or []) if reply.ok else []
