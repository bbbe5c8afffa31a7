"""Reads the objects of one cluster: the declared ones by name, each with a dry run, ours by label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from provision.apply.handler import Mark, Reading
from provision.errors import ConflictError, CredentialError, ProvisionError
from provision.providers.kubernetes.calls import Call, Json, Reply, Way, query
from provision.providers.kubernetes.errors import (
    all_denied,
    can_not_be_tried,
    lacks_right,
    not_served,
    refusal,
)
from provision.providers.kubernetes.observing import (
    digest_of,
    made_by_us,
    marked,
    observed,
    outputs,
    owner_of,
)
from provision.providers.kubernetes.readiness import obstacles
from provision.providers.kubernetes.rivals import with_rivals
from provision.resources.manifest import (
    ALB_POLICIES,
    APPLICATION_LOAD_BALANCER,
    CLUSTER_EXTERNAL_DNS,
    CONFIG_MAP,
    DEPLOYMENT,
    GATEWAY,
    HTTP_ROUTE,
    INGRESS,
    ISTIO_GATEWAY,
    NGINX_INGRESS_CONTROLLER,
    OWNED,
    PROFILE_LABEL,
    SECRET_PROVIDER_CLASS,
    SERVICE_ACCOUNT,
    TLS_ROUTE,
    VIRTUAL_SERVICE,
    Api,
    Manifest,
)
from provision.resources.observed import Absent, Observed, Present, Unread

_REMOVAL: tuple[tuple[Api, ...], ...] = (
    (HTTP_ROUTE, TLS_ROUTE, INGRESS, VIRTUAL_SERVICE),
    (GATEWAY, ISTIO_GATEWAY, NGINX_INGRESS_CONTROLLER, CLUSTER_EXTERNAL_DNS),
    ALB_POLICIES,
    (APPLICATION_LOAD_BALANCER, DEPLOYMENT),
    (SECRET_PROVIDER_CLASS, SERVICE_ACCOUNT, CONFIG_MAP),
)
"""Kinds in the order in which orphans go: what uses another goes first, what protects a route after it."""

_Listed = list[tuple[Api, Json]]


async def read_cluster(way: Way, resources: Sequence[Manifest], profile: str) -> Reading:
    """Every object and orphan of one cluster. All of the profile's objects there must be among `resources`.

    Lists, objects and dry runs are asked for together, since a way may take long for each turn. When the way
    fails, or a list for another reason than a missing right, all is `Unread`. Without the right, the declared
    namespaces are looked through, and the rest is unsearched.
    """
    tried = [resource for resource in resources if _can_be_tried(resource)]
    calls = [
        *(_list(api, profile) for api in OWNED),
        *(Call("get", resource.path) for resource in resources),
        *(_dry_run(resource, profile) for resource in tried),
    ]
    try:
        replies = iter(await way.send(calls))
        lists = {api: next(replies) for api in OWNED}
        listed = await _listed(way, lists, resources, profile)
    except CredentialError:
        raise
    except ProvisionError as error:
        return Reading({resource.address: Unread(error) for resource in resources})
    lives = {resource.address: next(replies) for resource in resources}
    dry = {resource.address: next(replies) for resource in tried}
    objects = {
        resource.address: _object(resource, lives[resource.address], dry.get(resource.address))
        for resource in resources
    }
    writers = [item for api, item in listed if api == CLUSTER_EXTERNAL_DNS]
    told = with_rivals(objects, resources, writers, profile)
    return Reading(told, _orphans(listed, resources, profile), tuple(_unsearched(lists)))


def _list(api: Api, profile: str, namespace: str = "") -> Call:
    """Ours alone, but every DNS controller: another's may write our zones."""
    if api == CLUSTER_EXTERNAL_DNS:
        return Call("get", api.path())
    return Call("get", query(api.path(namespace), labelSelector=f"{PROFILE_LABEL}={profile}"))


def _can_be_tried(resource: Manifest) -> bool:
    """Whether there is all that a dry run needs: every ref has its value."""
    return not resource.used and not resource.references()


def _dry_run(resource: Manifest, profile: str) -> Call:
    # Which digest is written makes no difference to the fields that are compared.
    document = marked(resource, Mark(profile, "dry-run"))
    return Call("apply", resource.path, document, dry_run=True, force=True)


def _object(resource: Manifest, live: Reply, dry: Reply | None) -> Observed:
    doing = f"reading {resource.address}"
    if live.no_such_kind:
        return _without_kind(doing, resource.api)
    if not live.ok and not live.no_such_object:
        return Unread(refusal(doing, resource.api, live))
    if live.no_such_object and resource.made_by:
        return Absent(f"does not exist; {resource.made_by} makes it")
    if live.no_such_object and resource.must_exist():
        return Absent()
    if dry is not None and _refused(live, dry):
        return Unread(refusal(f"trying to apply {resource.address}", resource.api, dry))
    if live.no_such_object:
        return Absent()
    if live.body["metadata"].get("deletionTimestamp"):
        return Unread(_leaving(doing, live.body))
    if resource.used and resource.made_by and (waits := obstacles(resource.api, live.body)):
        return Absent(f"it is there, and not ready: {waits[0]}")
    if resource.used:
        return Present({}, outputs(resource, live.body), owner_of(live.body), digest_of(live.body))
    return observed(resource, live.body, dry.body if dry is not None and dry.ok else None)


def _refused(live: Reply, dry: Reply) -> bool:
    """Whether a dry run tells that the object can't be as declared.

    A caller that may only read is not refused, nor is one whose namespace is yet to be made, nor one behind a
    webhook that takes no dry runs.
    """
    untold = lacks_right(dry) or can_not_be_tried(dry) or (dry.status == 404 and live.no_such_object)
    return not (dry.ok or untold)


def _without_kind(doing: str, api: Api) -> Observed:
    if not api.provided_by:
        return Unread(not_served(doing, api))
    return Absent(f"does not exist; to be checked once {api.provided_by} serves {api.kind}")


def _leaving(doing: str, live: Json) -> ProvisionError:
    held = ", ".join(live["metadata"].get("finalizers") or ())
    return ConflictError(
        doing,
        "it is being deleted" + (f" and held by {held}" if held else ""),
        "Run it again when the object is gone.",
    )


async def _listed(
    way: Way, lists: Mapping[Api, Reply], resources: Sequence[Manifest], profile: str
) -> _Listed:
    """Objects with our label. Where the whole cluster may not be listed, those of the declared namespaces."""
    found = list(_items(lists))
    narrow = [
        (api, namespace)
        for api, reply in lists.items()
        if lacks_right(reply) and api.namespaced
        for namespace in sorted({resource.namespace for resource in resources if resource.namespace})
    ]
    replies = await way.send([_list(api, profile, namespace) for api, namespace in narrow]) if narrow else []
    for (api, _), reply in zip(narrow, replies, strict=True):
        found += _items({api: reply})
    return found


def _unsearched(lists: Mapping[Api, Reply]) -> Iterator[ProvisionError]:
    """One error for all kinds that may not be listed everywhere."""
    if denied := [(api, reply) for api, reply in lists.items() if lacks_right(reply)]:
        yield all_denied("looking for objects that the profile no longer declares", denied)


def _items(lists: Mapping[Api, Reply]) -> Iterator[tuple[Api, Json]]:
    for api, reply in lists.items():
        if not (reply.ok or reply.no_such_kind or lacks_right(reply)):
            raise refusal(f"listing {api.plural}", api, reply)
        for item in reply.body.get("items") or () if reply.ok else ():
            yield api, item


def _orphans(
    listed: _Listed, resources: Sequence[Manifest], profile: str
) -> tuple[tuple[Manifest, Present], ...]:
    declared = {resource.path for resource in resources}
    gone = [
        (_orphan(api, item, resources[0]), item)
        for api, item in listed
        if owner_of(item) == profile and made_by_us(item)
    ]
    orphans = {orphan.path: (orphan, item) for orphan, item in gone if orphan.path not in declared}
    ordered: list[tuple[Manifest, Present]] = []
    for kinds in _REMOVAL:
        before = tuple(orphan.address for orphan, _ in ordered)
        ordered += [
            (_following(orphan, before), Present({}, outputs(orphan, item), owner_of(item), digest_of(item)))
            for orphan, item in orphans.values()
            if orphan.api in kinds
        ]
    return tuple(ordered)


def _orphan(api: Api, item: Json, cluster: Manifest) -> Manifest:
    name = item["metadata"]["name"]
    namespace = item["metadata"].get("namespace", "")
    return Manifest(
        name="/".join(part for part in (api.name, namespace, name) if part),
        api=api,
        cluster_id=cluster.cluster_id,
        private=cluster.private,
        entra=cluster.entra,
        access=cluster.access,
        object_name=name,
        namespace=namespace,
    )


def _following(orphan: Manifest, before: tuple[str, ...]) -> Manifest:
    """The orphan, to be deleted after others, in a destroy too."""
    return replace(orphan, after=before, outlives=before)
