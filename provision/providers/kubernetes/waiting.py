"""Waiting for what Kubernetes does in its own time, with an end to it and a word about each wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provision.errors import ProvisionError, ServiceError
from provision.providers.azure.clients import EFFECTIVE, Clients
from provision.providers.kubernetes.calls import Call, Json, Reply, Way, query
from provision.providers.kubernetes.errors import is_starting, lacks_right, refusal
from provision.providers.kubernetes.readiness import obstacles, synced_secrets
from provision.resources.manifest import APPLICATION_LOAD_BALANCER, EVENT, NAMESPACE, SECRET, Api, Manifest

_PATIENCE = 300.0
"""Seconds: a load balancer's address takes one to three minutes, an add-on's start about as long."""
_SLOW = {APPLICATION_LOAD_BALANCER: 1200.0}
"""Seconds: behind it are resources of Azure. An association took 193 s to be made and more than 285 s to be
deleted. Source: Azure/azure-cli-extensions, src/alb, recording test_alb_resources.yaml."""
_LONGEST_WAIT = 10.0
_EVENTS = 3

Progress = Callable[[str], None]


class Patience:
    """Pauses between looks, ever longer, until there is no patience left.

    How long that is depends on the kind of object. With `roles` what is waited for takes a role that this run
    may have assigned.
    """

    def __init__(self, clients: Clients, way: Way, api: Api, *, roles: bool = False) -> None:
        self._clients = clients
        usual = _SLOW.get(api, _PATIENCE)
        self._waits_for_roles = roles and clients.assigned_roles and usual < EFFECTIVE
        self._limit = EFFECTIVE if self._waits_for_roles else usual
        self._next = way.wait
        self._longest = max(way.wait, _LONGEST_WAIT)
        self.waited = 0.0

    @property
    def clock(self) -> str:
        """How long it has been, and how long it may be."""
        why = ", as a role that was just assigned may take" if self._waits_for_roles else ""
        return f"{self.waited:.0f} s of at most {self._limit:.0f} s{why}"

    async def pause(self) -> bool:
        """Wait for the next look; False when there shall be none."""
        if self.waited >= self._limit:
            return False
        await self._clients.sleep(self._next)
        self.waited += self._next
        self._next = min(self._next * 1.5, self._longest)
        return True


async def existing(way: Way, resource: Manifest, patience: Patience, tell: Progress) -> Json:
    """The object once the add-on that makes it has made it."""
    while True:
        (reply,) = await way.send([Call("get", resource.path)])
        if reply.ok:
            return reply.body
        if not reply.no_such_object:
            raise refusal(f"waiting for {resource.address}", resource.api, reply)
        tell(f"waiting for {resource.made_by} to make it ({patience.clock})")
        if not await patience.pause():
            raise ServiceError(
                f"waiting for {resource.address}",
                f"{resource.made_by} has not made it after {patience.waited:.0f} s",
                "Look at the pods and events of aks-istio-system, then apply again: it goes on from here.",
            )


async def applied(way: Way, resource: Manifest, call: Call, patience: Patience, tell: Progress) -> Json:
    """The object as it is once applied, when the add-on behind its kind has started."""
    while True:
        (reply,) = await way.send([call])
        if reply.ok:
            return reply.body
        if not (resource.api.provided_by and is_starting(reply)):
            raise refusal(f"applying {resource.address}", resource.api, reply)
        tell(f"waiting for {resource.api.provided_by}: {reply.message}")
        if not await patience.pause():
            raise refusal(f"applying {resource.address}", resource.api, reply)


async def ready(
    way: Way, resource: Manifest, live: Json, patience: Patience, tell: Progress, leaving: str = ""
) -> Json:
    """The object once it works, and no longer has the address that it is `leaving`. Raises ServiceError with
    its conditions and events when time is over."""
    while waits_for := obstacles(resource.api, live, leaving) or await _unsynced(way, resource, live, tell):
        tell(f"{waits_for[0]} ({patience.clock})")
        if not await patience.pause():
            raise await _not_ready(way, resource, waits_for, patience.waited)
        (reply,) = await way.send([Call("get", resource.path)])
        if not reply.ok:
            raise refusal(f"waiting for {resource.address}", resource.api, reply)
        live = reply.body
    return live


async def _unsynced(way: Way, resource: Manifest, live: Json, tell: Progress) -> list[str]:
    """The Secrets with certificates that have not come yet. Who may not read Secrets can't wait for them."""
    names = synced_secrets(resource.api, live)
    paths = [SECRET.path(resource.namespace, name) for name in names]
    replies = await way.send([Call("get", path, only="tls.crt") for path in paths]) if paths else []
    missing = []
    for name, reply in zip(names, replies, strict=True):
        if reply.no_such_object:
            missing.append(f"app routing has not synced the certificate to Secret {name} yet")
        elif lacks_right(reply):
            tell(f"whether Secret {name} has its certificate is not known: the caller may not read Secrets")
        elif not reply.ok:
            raise refusal(f"waiting for Secret {name} of {resource.address}", SECRET, reply)
    return missing


async def gone(way: Way, resource: Manifest, uid: str, patience: Patience, tell: Progress) -> None:
    """Returns once the object does not exist any more. Raises ServiceError when something holds it."""
    while True:
        (reply,) = await way.send([Call("get", resource.path)])
        if reply.status == 404 or (reply.ok and uid and reply.body["metadata"].get("uid") != uid):
            return
        if not reply.ok:
            raise refusal(f"deleting {resource.address}", resource.api, reply)
        held = ", ".join(reply.body["metadata"].get("finalizers") or ())
        tell(f"waiting for it to go, held by {held}" if held else "waiting for it to go")
        if not await patience.pause():
            raise ServiceError(
                f"deleting {resource.address}",
                f"it is still there after {patience.waited:.0f} s" + (f", held by {held}" if held else ""),
                "See that the controller which has to let go of it runs, then apply again.",
            )


async def _not_ready(way: Way, resource: Manifest, waits_for: list[str], waited: float) -> ProvisionError:
    told = [*waits_for, *await _warnings(way, resource)]
    return ServiceError(
        f"waiting for {resource.address}",
        f"not ready after {waited:.0f} s: {'; '.join(told)}",
        "Mend what it names, then apply again: it goes on from here.",
    )


async def _warnings(way: Way, resource: Manifest) -> list[str]:
    """The latest warnings about the object, or why they can't be read."""
    name = str(resource.object_name)
    namespace = name if resource.api == NAMESPACE else resource.namespace or "default"
    about = f"involvedObject.kind={resource.api.kind},involvedObject.name={name},type=Warning"
    (reply,) = await way.send([Call("get", query(EVENT.path(namespace), fieldSelector=about))])
    if not reply.ok:
        return [f"its events are not known: {refusal('', EVENT, reply).why}"]
    events = reply.body.get("items") or []
    latest = sorted(events, key=_when)[-_EVENTS:]
    return [f"event {event.get('reason')}: {str(event.get('message', '')).strip()}" for event in latest]


def _when(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def accepted(reply: Reply) -> bool:
    """Whether a deletion was taken up, or there is nothing left to delete."""
    return reply.ok or reply.status == 404
