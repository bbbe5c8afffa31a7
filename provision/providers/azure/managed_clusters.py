"""AKS clusters: our ingress settings inside somebody else's cluster.

AKS has no partial update. Each change is a read, an edit of the fields we own and a PUT of the whole
cluster with If-Match, so that everything else comes back as it was, known to the SDK or not.
Source for the life of `ingressProfile` and the error codes: recordings of the Azure CLI's own tests,
2024 to 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError

from provision.apply.handler import Reading, Work
from provision.errors import ConflictError, ProvisionError, ServiceError, StalePlanError
from provision.plan.change import FieldChange
from provision.plan.diff import same
from provision.providers.azure.clients import POLL_SECONDS, Clients
from provision.providers.azure.cluster_paths import Body, assign, lookup
from provision.providers.azure.errors import code_of, reason_of, translating
from provision.providers.azure.reading import DIGEST_TAG, PROFILE_TAG, found, read_each, tags_of
from provision.resources.arm import ArmId, group_id
from provision.resources.managed_cluster import (
    APP_ROUTING_ISTIO,
    MESH,
    MESH_AUTHORITY,
    MESH_REVISIONS,
    OFF,
    ZONES,
    ManagedCluster,
    remember,
)
from provision.resources.observed import Absent, Observed, Present
from provision.resources.values import CaseInsensitive, Value, plain

if TYPE_CHECKING:
    from azure.mgmt.containerservice.models import ManagedCluster as ManagedClusterModel

BEFORE_TAG = "provision-before"

_SECRETS_PROVIDER = "addonProfiles.azureKeyvaultSecretsProvider"

_BUSY = frozenset({"creating", "updating", "upgrading", "scaling", "starting", "stopping", "deleting"})
_RUNNING = "OperationNotAllowed"
_ATTEMPTS = 5
_PATIENCE = 3600.0 / POLL_SECONDS
"""Polls of a cluster that another operation keeps busy: an hour, longer than any AKS update seen."""


class ManagedClusters:
    """Reads and updates clusters; they are never created or deleted here.

    With `on_wait`, a read of a cluster that an operation keeps busy waits for its end and tells so:
    an apply must see the settled cluster, a drift check must not be held up.
    """

    def __init__(self, clients: Clients, on_wait: Callable[[str], None] | None = None) -> None:
        self._clients = clients
        self._on_wait = on_wait

    async def read(self, resources: Sequence[ManagedCluster], profile: str) -> Reading:
        return await read_each(resources, self._read)

    async def _read(self, resource: ManagedCluster) -> Observed:
        cluster = await self._get(resource)
        if cluster is None:
            return Absent()
        if self._on_wait and _is_busy(cluster):
            cluster = await self._idle(resource, self._on_wait)
        return _present(cluster)

    async def create(self, resource: ManagedCluster, work: Work) -> Present:
        raise ProvisionError(f"creating {resource.address}", "clusters are not made by provision")

    async def delete(self, resource: ManagedCluster, observed: Present, work: Work) -> None:
        raise ProvisionError(f"deleting {resource.address}", "clusters are not deleted by provision")

    async def update(
        self, resource: ManagedCluster, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        """One PUT with everything that changes. Goes on after a lost race if our fields were not touched."""
        attempt = 0
        while True:
            attempt += 1
            cluster = await self._existing(resource)
            if _is_busy(cluster):
                cluster = await self._idle(resource, work.progress)
            if not _still_as_planned(fields, settings(cluster)):
                raise _stale(resource.address, fields, settings(cluster))
            with translating(f"updating {resource.address}"):
                try:
                    return await self._put(resource, _edited(cluster, fields, work), cluster.get("eTag"))
                except HttpResponseError as error:
                    await self._lost(resource, error, attempt, work)

    async def _lost(
        self, resource: ManagedCluster, error: HttpResponseError, attempt: int, work: Work
    ) -> None:
        """Make ready for another try after a lost race. Raises where another try can't help."""
        race = _race(error)
        if not race:
            raise error
        if attempt == _ATTEMPTS:
            raise ConflictError(
                f"updating {resource.address}",
                f"refused {_ATTEMPTS} times, at last with {reason_of(error)}",
                "Find out what else updates the cluster, then apply again.",
            ) from error
        work.progress(race)
        if code_of(error) == _RUNNING:
            # The cluster itself may say Succeeded while the operation is an agent pool's.
            await self._clients.sleep(POLL_SECONDS)

    async def _put(self, resource: ManagedCluster, body: Body, etag: str | None) -> Present:
        arm = ArmId.parse(resource.id)
        client = self._clients.containers(arm.subscription, resource.api_version).managed_clusters
        poller = await client.begin_create_or_update(
            arm.group,
            arm.name,
            cast("ManagedClusterModel", body),  # a dict is sent as it stands; a model would be rebuilt
            etag=etag,
            match_condition=MatchConditions.IfNotModified if etag else None,
        )
        return _present((await poller.result()).as_dict())

    async def _get(self, resource: ManagedCluster) -> Body | None:
        arm = ArmId.parse(resource.id)
        client = self._clients.containers(arm.subscription, resource.api_version).managed_clusters
        cluster = await found(f"reading {resource.address}", client.get(arm.group, arm.name))
        return None if cluster is None else _bodies(cluster)

    async def _existing(self, resource: ManagedCluster) -> Body:
        cluster = await self._get(resource)
        if cluster is None:
            raise StalePlanError(f"updating {resource.address}", "the cluster is gone", "Run plan again.")
        return cluster

    async def _idle(self, resource: ManagedCluster, tell: Callable[[str], None]) -> Body:
        """The cluster once no operation runs on it any more."""
        for _ in range(int(_PATIENCE)):
            cluster = await self._existing(resource)
            if not _is_busy(cluster):
                return cluster
            tell(
                f"cluster is {cluster['properties']['provisioningState']}, waiting for that operation to end"
            )
            await self._clients.sleep(POLL_SECONDS)
        raise ServiceError(
            f"updating {resource.address}",
            "another operation kept the cluster busy for an hour",
            "Apply again later.",
        )


def _bodies(cluster: Any) -> Body:
    """The whole answer, and under `writable` the part of it that a PUT may send back."""
    return {**cluster.as_dict(), "writable": cluster.as_dict(exclude_readonly=True)}


def settings(cluster: Body) -> dict[str, Value]:
    """Every property that we may own, as AKS means it: what it leaves out has its off value."""
    return {path: _value(path, lookup(cluster.get("properties") or {}, path)) for path in OFF}


def _value(path: str, raw: Any) -> Value:
    if path == ZONES:
        return frozenset(CaseInsensitive(zone) for zone in raw or ())
    if path == MESH_REVISIONS:
        return frozenset(raw or ())
    if path == MESH_AUTHORITY and raw:
        return {**raw, "keyVaultId": CaseInsensitive(raw.get("keyVaultId") or "")}
    return OFF[path] if raw is None else raw


def _present(cluster: Body) -> Present:
    """A cluster of the service in our vocabulary."""
    properties = cluster.get("properties") or {}
    tags = cluster.get("tags") or {}
    system = cluster.get("systemData") or {}
    add_on = lookup(properties, "ingressProfile.webAppRouting.identity") or {}
    balancer = lookup(properties, "ingressProfile.applicationLoadBalancer.identity") or {}
    return Present(
        properties=settings(cluster),
        outputs={
            "id": CaseInsensitive(cluster.get("id", "")),
            "location": cluster.get("location"),
            "oidcIssuerURL": lookup(properties, "oidcIssuerProfile.issuerURL"),
            "addonObjectId": add_on.get("objectId"),
            "addonClientId": add_on.get("clientId"),
            "albObjectId": balancer.get("objectId"),
            "secretsObjectId": lookup(properties, f"{_SECRETS_PROVIDER}.identity.objectId"),
            "nodeGroup": _node_group(cluster),
            "kubernetesVersion": properties.get("currentKubernetesVersion")
            or properties.get("kubernetesVersion"),
            "networkPlugin": lookup(properties, "networkProfile.networkPlugin"),
            "networkPluginMode": lookup(properties, "networkProfile.networkPluginMode"),
            "identityType": (cluster.get("identity") or {}).get("type"),
            "meshMode": lookup(properties, MESH),
            "routingIstio": lookup(properties, APP_ROUTING_ISTIO) == "Enabled",
            "openServiceMesh": lookup(properties, "addonProfiles.openServiceMesh.enabled") is True,
            "private": lookup(properties, "apiServerAccessProfile.enablePrivateCluster") is True,
            "entra": bool(properties.get("aadProfile")),
            "powerState": lookup(properties, "powerState.code") or "Running",
            "before": tags.get(BEFORE_TAG),
        },
        owner=tags.get(PROFILE_TAG),
        digest=tags.get(DIGEST_TAG),
        changed_by=system.get("lastModifiedBy") or "",
        changed_at=system.get("lastModifiedAt") or "",
    )


def _node_group(cluster: Body) -> CaseInsensitive | None:
    name = (cluster.get("properties") or {}).get("nodeResourceGroup")
    return group_id(ArmId.parse(cluster["id"]).subscription, name) if name and cluster.get("id") else None


def _race(error: HttpResponseError) -> str:
    """What kept the PUT from being accepted, where reading again and another try can help."""
    code = code_of(error)
    if error.status_code == 412 or (error.status_code == 409 and code == "EtagMismatch"):
        return "changed by another client meanwhile, reading it again"
    if error.status_code == 409 and code == _RUNNING:
        return "another operation is running on the cluster, waiting for it"
    return ""


def _is_busy(cluster: Body) -> bool:
    return str((cluster.get("properties") or {}).get("provisioningState", "")).lower() in _BUSY


def _still_as_planned(fields: Sequence[FieldChange], current: Mapping[str, Value]) -> bool:
    return all(
        same(current.get(field.path), field.before) or same(current.get(field.path), field.after)
        for field in fields
    )


def _stale(address: str, fields: Sequence[FieldChange], current: Mapping[str, Value]) -> StalePlanError:
    moved = [
        f"{field.path} was {plain(field.before)!r} and is now {plain(current.get(field.path))!r}"
        for field in fields
        if not same(current.get(field.path), field.before)
    ]
    return StalePlanError(f"updating {address}", "; ".join(moved), "The plan is stale: run plan again.")


def _edited(cluster: Body, fields: Sequence[FieldChange], work: Work) -> Body:
    body: Body = cluster["writable"]
    properties = body.setdefault("properties", {})
    for field in fields:
        assign(properties, field.path, plain(field.after))
    if any(field.path == MESH and field.after == OFF[MESH] for field in fields):
        properties["serviceMeshProfile"] = {"mode": OFF[MESH]}  # as `az aks mesh disable` sends it
    tags = dict(body.get("tags") or {})
    earlier = tags.get(BEFORE_TAG, "")
    for tag in (PROFILE_TAG, DIGEST_TAG, BEFORE_TAG):
        tags.pop(tag, None)
    if not work.release:
        tags |= tags_of(work.mark) | {BEFORE_TAG: remember(earlier, _before(fields))}
    body["tags"] = tags
    return body


def _before(fields: Sequence[FieldChange]) -> list[tuple[str, Value]]:
    return [(field.path, field.before) for field in fields]
