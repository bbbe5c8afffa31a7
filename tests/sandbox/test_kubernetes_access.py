"""Ways into a cluster of a running sandbox, straight and through run command: the same replies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from provision.apply.handler import Mark, Work
from provision.cli.connect import _sandbox_clients
from provision.errors import AccessDeniedError, ConflictError, NotFoundError, ProvisionError, ServiceError
from provision.plan.diff import diff
from provision.providers.azure.clients import Clients
from provision.providers.kubernetes.calls import Call, Reply, Way
from provision.providers.kubernetes.direct import Direct
from provision.providers.kubernetes.manifests import Manifests
from provision.providers.kubernetes.run_command import RunCommand
from provision.resources.manifest import CONFIG_MAP, GATEWAY, NAMESPACE, Api, Manifest
from provision.resources.observed import Absent, Present, Unread
from provision.resources.values import CaseInsensitive, Value
from provision.sandbox import faults, run_command
from provision.sandbox.azure import SUBSCRIPTION, Request
from provision.sandbox.cluster_document import KIND
from provision.sandbox.kubernetes import access, api
from provision.sandbox.server import Sandbox

PROFILE = "prod"


@dataclass(frozen=True)
class Target:
    """A seeded cluster and how to get in. `aks-dev` has local accounts, the others Entra's and Azure RBAC."""

    name: str
    access: str = "auto"

    @property
    def id(self) -> str:
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{self.name}"
        return f"{group}/providers/Microsoft.ContainerService/managedClusters/{self.name}"

    @property
    def entra(self) -> bool:
        return self.name != "aks-dev"

    @property
    def private(self) -> bool:
        return self.name == "aks-private"


DEV = Target("aks-dev")
TARGETS = (DEV, Target("aks-dev", "run-command"), Target("aks-prod"), Target("aks-private"))
each_way = pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.name}-{target.access}")


@pytest_asyncio.fixture
async def clients(sandbox: Sandbox) -> AsyncIterator[Clients]:
    async with _sandbox_clients(sandbox.url, str(sandbox.ca_path), sandbox.azure.clock.speed) as clients:
        yield clients


def config_map(namespace: str, data: dict[str, Value], target: Target = DEV) -> Manifest:
    return manifest(CONFIG_MAP, "settings", namespace, {"data": data}, target)


def manifest(
    kind: Api, name: str, namespace: str = "", body: dict[str, Value] | None = None, target: Target = DEV
) -> Manifest:
    return Manifest(
        name="/".join(part for part in (kind.kind, namespace, name) if part),
        api=kind,
        cluster_id=CaseInsensitive(target.id),
        private=target.private,
        entra=target.entra,
        access=target.access,
        object_name=name,
        namespace=namespace,
        body=body or {},
    )


def work(told: list[str] | None = None) -> Work:
    return Work(Mark(PROFILE, "0123456789abcdef"), (told if told is not None else []).append)


def ways(clients: Clients) -> Sequence[Way]:
    return Direct(clients, DEV.id, entra=False), RunCommand(clients, DEV.id, entra=False)


def as_another_applies(sandbox: Sandbox, target: Target, path: str, body: dict[str, Any]) -> None:
    document = sandbox.azure.store.get(KIND, target.id)
    assert document is not None
    request = Request(
        "PATCH",
        f"/kubernetes/{document['properties']['resourceUID']}{path}",
        {"fieldmanager": "argocd"},
        {"content-type": "application/apply-patch+yaml"},
        body,
        sandbox.url,
    )
    with sandbox.azure.store.transaction():
        assert api.handle(request, sandbox.azure, access.ADMINISTRATOR).status == 201


async def both(clients: Clients, call: Call) -> tuple[Reply, Reply]:
    direct, through_azure = [(await way.send([call]))[0] for way in ways(clients)]
    return direct, through_azure


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (Call("get", "/api/v1/namespaces/nope"), "NotFound"),
        (Call("get", "/apis/nowhere.example/v1/things"), "NotFound"),
        (Call("delete", "/api/v1/namespaces/default/configmaps/nope"), "NotFound"),
        (
            Call(
                "apply",
                "/api/v1/namespaces/nope/configmaps/a",
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "nope"}},
            ),
            "NotFound",
        ),
        (
            Call(
                "apply",
                "/apis/nowhere.example/v1/namespaces/default/things/a",
                {"apiVersion": "nowhere.example/v1", "kind": "Thing", "metadata": {"name": "a"}},
            ),
            "NotFound",
        ),
        (
            Call(
                "apply",
                "/api/v1/namespaces/default/configmaps/Not_A_Name",
                {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": "Not_A_Name", "namespace": "default"},
                },
            ),
            "Invalid",
        ),
    ],
)
async def test_both_ways_refuse_alike(clients: Clients, call: Call, reason: str) -> None:
    direct, through_azure = await both(clients, call)
    assert (direct.reason, direct.status) == (reason, through_azure.status)
    assert through_azure.reason == reason
    assert direct.no_such_kind == through_azure.no_such_kind
    assert [cause.get("field") for cause in direct.causes] == [
        cause.get("field") for cause in through_azure.causes
    ]


async def test_both_ways_read_alike(clients: Clients) -> None:
    direct, through_azure = await both(clients, Call("get", "/api/v1/namespaces/default"))
    assert direct.ok
    assert direct == through_azure


@each_way
async def test_an_object_from_creation_to_deletion(clients: Clients, target: Target) -> None:
    handler = Manifests(clients)
    wanted = config_map("default", {"a": "1", "b": "2"}, target)
    assert (await handler.read([wanted], PROFILE)).objects[wanted.address] == Absent()
    await handler.create(wanted, work())
    created = (await handler.read([wanted], PROFILE)).objects[wanted.address]
    assert isinstance(created, Present)
    assert not diff(wanted.properties(), created.properties)
    assert (created.owner, created.digest) == (PROFILE, "0123456789abcdef")
    fewer = config_map("default", {"a": "3"}, target)
    before = (await handler.read([fewer], PROFILE)).objects[fewer.address]
    assert isinstance(before, Present)
    assert before.properties == {"data.a": "1"}
    assert before.surplus == {"data.b": "2"}
    await handler.update(fewer, before, (), work())
    after = (await handler.read([fewer], PROFILE)).objects[fewer.address]
    assert isinstance(after, Present)
    assert (after.properties, after.surplus) == ({"data.a": "3"}, {})
    await handler.delete(fewer, after, work())
    assert (await handler.read([fewer], PROFILE)).objects[fewer.address] == Absent()


@each_way
async def test_a_field_that_another_manager_has(clients: Clients, sandbox: Sandbox, target: Target) -> None:
    handler = Manifests(clients)
    theirs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"a": "theirs"},
    }
    as_another_applies(sandbox, target, CONFIG_MAP.path("default", "settings"), theirs)
    wanted = config_map("default", {"a": "ours"}, target)
    with pytest.raises(ConflictError, match=r"argocd manages data\.a"):
        await handler.create(wanted, work())
    seen = (await handler.read([wanted], PROFILE)).objects[wanted.address]
    assert isinstance(seen, Present)
    assert seen.properties == {"data.a": "theirs"}
    assert seen.claimed == {"data.a": "argocd"}
    assert seen.owner is None


@each_way
async def test_what_is_missing_is_named(clients: Clients, target: Target) -> None:
    handler = Manifests(clients)
    with pytest.raises(NotFoundError, match="the namespace nope does not exist"):
        await handler.create(config_map("nope", {}, target), work())
    told: list[str] = []
    with pytest.raises(NotFoundError, match="the cluster does not serve Gateway"):
        await handler.create(manifest(GATEWAY, "prod", "default", target=target), work(told))
    assert told


async def test_orphans_are_ours_only(clients: Clients) -> None:
    handler = Manifests(clients)
    space = manifest(NAMESPACE, "shop")
    kept, dropped = config_map("default", {}), config_map("shop", {})
    for each in (space, kept, dropped):
        await handler.create(each, work())
    reading = await handler.read([kept], PROFILE)
    assert [orphan.address for orphan, _ in reading.orphans] == [dropped.address]
    for orphan, present in reading.orphans:
        assert isinstance(orphan, Manifest)
        await handler.delete(orphan, present, work())
    assert (await handler.read([kept], PROFILE)).orphans == ()


async def test_a_server_that_can_not_be_reached(clients: Clients) -> None:
    wanted = config_map("default", {}, Target("aks-private", "direct"))
    seen = (await Manifests(clients).read([wanted], PROFILE)).objects[wanted.address]
    assert isinstance(seen, Unread)
    assert isinstance(seen.error, ServiceError)
    assert "cluster.access: run-command" in seen.error.fix


async def test_a_cluster_that_is_not_there_is_an_error_of_the_way(clients: Clients) -> None:
    with pytest.raises(ProvisionError, match="reading the credentials"):
        await Direct(clients, Target("aks-nope").id, entra=False).send([Call("get", "/version")])


async def test_a_reader_sees_drift_and_is_told_what_it_lacks(
    sandbox: Sandbox, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target("aks-prod")
    wanted = config_map("default", {"a": "1"}, target)
    await Manifests(clients).create(wanted, work())
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", "reader")
    speed = sandbox.azure.clock.speed
    async with _sandbox_clients(sandbox.url, str(sandbox.ca_path), speed) as reader:
        changed = config_map("default", {"a": "2"}, target)
        seen = (await Manifests(reader).read([changed], PROFILE)).objects[wanted.address]
        assert isinstance(seen, Present)
        assert seen.properties == {"data.a": "1"}
        with pytest.raises(AccessDeniedError) as denied:
            await Manifests(reader).update(changed, seen, (), work())
    assert "may not patch configmaps in the namespace default" in denied.value.why
    assert "Azure Kubernetes Service RBAC Writer" in denied.value.fix


async def test_without_any_right_nothing_is_read(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", "nobody")
    wanted = config_map("default", {})
    speed = sandbox.azure.clock.speed
    async with _sandbox_clients(sandbox.url, str(sandbox.ca_path), speed) as nobody:
        seen = (await Manifests(nobody).read([wanted], PROFILE)).objects[wanted.address]
    assert isinstance(seen, Unread)
    assert "Cluster User Role" in seen.error.fix


async def test_a_webhook_that_refuses_is_named(clients: Clients, sandbox: Sandbox) -> None:
    message = 'admission webhook "policy.x" denied the request: no'
    status = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": message, "code": 403}
    faults.inject(sandbox.azure, method="PATCH", path="/kubernetes/.*", status=403, body=status)
    wanted = config_map("default", {})
    seen = (await Manifests(clients).read([wanted], PROFILE)).objects[wanted.address]
    assert isinstance(seen, Unread)
    assert seen.error.why == "the admission webhook policy.x refused it: no"


@pytest.mark.parametrize("status", [429, 503, faults.DISCONNECT])
async def test_what_passes_by_itself_is_waited_for(clients: Clients, sandbox: Sandbox, status: int) -> None:
    faults.inject(sandbox.azure, path="/kubernetes/.*", status=status, count=2)
    wanted = config_map("default", {})
    assert (await Manifests(clients).read([wanted], PROFILE)).objects[wanted.address] == Absent()


async def test_pods_that_start_late_are_waited_for(clients: Clients, sandbox: Sandbox) -> None:
    told: list[str] = []
    run_command.hold_pods(sandbox.azure, 2)
    way = RunCommand(clients, DEV.id, entra=False, tell=told.append)
    (reply,) = await way.send([Call("get", "/api/v1/namespaces/default")])
    assert reply.ok
    assert len(told) == 2
