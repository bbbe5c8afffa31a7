"""Kubernetes objects of any kind, by server-side apply.

We own the fields that we apply and no others: a field that is no longer declared goes with the next apply,
and one that another manager applies is never taken on creation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from provision.apply.handler import Reading, Work
from provision.apply.together import together
from provision.plan.change import FieldChange
from provision.providers.azure.clients import Clients
from provision.providers.kubernetes.access import Ways
from provision.providers.kubernetes.calls import Call, Way
from provision.providers.kubernetes.errors import refusal
from provision.providers.kubernetes.observing import marked, outputs
from provision.providers.kubernetes.reading import read_cluster
from provision.providers.kubernetes.waiting import Patience, accepted, applied, existing, gone, ready
from provision.resources.manifest import INTERNAL, Manifest, annotation
from provision.resources.observed import Observed, Present


class Manifests:
    """Objects of every kind, in the clusters that the resources name."""

    def __init__(
        self, clients: Clients, on_wait: Callable[[str], None] | None = None, ways: Ways | None = None
    ) -> None:
        self._clients = clients
        self._on_wait = on_wait
        self._ways = ways or Ways(clients, on_wait)

    async def read(self, resources: Sequence[Manifest], profile: str) -> Reading:
        """One reading a cluster; what carries our mark there and is not among `resources` is an orphan."""
        by_cluster: defaultdict[Way, list[Manifest]] = defaultdict(list)
        for resource in resources:
            by_cluster[self._way(resource)].append(resource)
        readings = await together(read_cluster(way, members, profile) for way, members in by_cluster.items())
        objects: dict[str, Observed] = {}
        for reading in readings:
            objects.update(reading.objects)
        orphans = tuple(orphan for reading in readings for orphan in reading.orphans)
        unsearched = tuple(error for reading in readings for error in reading.unsearched)
        return Reading(objects, orphans, unsearched)

    async def create(self, resource: Manifest, work: Work) -> Present:
        """Without force: an object that came up meanwhile with other values is a conflict. What an add-on
        makes is waited for first."""
        if not resource.made_by:
            return await self._apply(resource, work, force=False)
        way = self._way(resource)
        patience = Patience(self._clients, way, resource.api)
        live = await existing(way, resource, patience, work.progress)
        if not resource.used:
            return await self._apply(resource, work, force=True)
        live = await ready(way, resource, live, patience, work.progress)
        return Present({}, outputs(resource, live))

    async def update(
        self, resource: Manifest, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        """Takes the fields that changed; those that the plan refuses to fight for never get here."""
        if work.release:
            return await self._release(resource)
        moves = any(f"[{INTERNAL}]" in field.path for field in fields)
        before = str(observed.outputs.get("address") or "") if moves else ""
        await self._strip(resource, fields)
        return await self._apply(resource, work, force=True, leaving=before)

    async def delete(self, resource: Manifest, observed: Present, work: Work) -> None:
        """Deletes that very object and waits until it is gone."""
        if resource.linger:
            work.progress(f"its hosts are served anew, {resource.linger:.0f} s until resolvers know that")
            await self._clients.sleep(resource.linger)
        way = self._way(resource)
        uid = str(observed.outputs.get("uid") or "")
        (reply,) = await way.send([Call("delete", resource.path, uid=uid)])
        if not accepted(reply):
            raise refusal(f"deleting {resource.address}", resource.api, reply)
        await gone(way, resource, uid, Patience(self._clients, way, resource.api), work.progress)

    async def _release(self, resource: Manifest) -> Present:
        """Give our fields back: to apply none takes them off. One that the object can't be without, and that
        was taken from its manager, stays as it is, and only our mark goes."""
        way = self._way(resource)
        for body in ({}, resource.body):
            (reply,) = await way.send([Call("apply", resource.path, resource.document(body), force=True)])
            if reply.ok or reply.no_such_object:
                return Present()
            if reply.reason != "Invalid":
                break
        raise refusal(f"giving back {resource.address}", resource.api, reply)

    async def _strip(self, resource: Manifest, fields: Sequence[FieldChange]) -> None:
        """Take off annotations that nobody may have put on it: an apply takes away only what was ours."""
        changed = {field.path for field in fields}
        keys = tuple(key for key in resource.without if annotation(key) in changed)
        if not keys:
            return
        (reply,) = await self._way(resource).send([Call("strip", resource.path, without=keys)])
        if not reply.ok:
            raise refusal(f"taking {', '.join(keys)} off {resource.address}", resource.api, reply)

    async def _apply(self, resource: Manifest, work: Work, *, force: bool, leaving: str = "") -> Present:
        way = self._way(resource)
        call = Call("apply", resource.path, marked(resource, work.mark), force=force)
        live = await applied(way, resource, call, Patience(self._clients, way, resource.api), work.progress)
        patience = Patience(self._clients, way, resource.api, roles=True)
        live = await ready(way, resource, live, patience, work.progress, leaving)
        return Present(
            resource.properties(), outputs(resource, live), owner=work.mark.profile, digest=work.mark.digest
        )

    def _way(self, resource: Manifest) -> Way:
        return self._ways.into(
            resource.cluster_id,
            access=resource.access,
            private=resource.private is True,
            entra=resource.entra is True,
        )
