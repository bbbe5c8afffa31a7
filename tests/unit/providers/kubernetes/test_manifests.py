"""Manifests read, applied and deleted in a cluster of the sandbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import create_autospec

import pytest

from providers.bench import MARK, Bench
from providers.kubernetes.cluster import (
    PROFILE,
    Cluster,
    account,
    gateway,
    ingress,
    manifest,
    route,
    settings,
    writer,
)
from provision.errors import ConflictError, NotFoundError, ProvisionError, ServiceError
from provision.plan.change import FieldChange
from provision.plan.diff import diff
from provision.providers.kubernetes.access import Ways
from provision.providers.kubernetes.calls import Reply, failure
from provision.providers.kubernetes.manifests import Manifests
from provision.resources.manifest import (
    CERTIFICATE_OPTION,
    CONFIG_MAP,
    GATEWAY,
    INGRESS,
    INTERNAL,
    NAMESPACE,
    OWNED,
    SERVICE_ACCOUNT,
    Api,
    Manifest,
)
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.ref import Ref
from provision.resources.values import Value

DENIED = (
    'configmaps is forbidden: User "x" cannot patch resource "configmaps" in API group "" in the namespace'
    ' "shop"'
)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def handler(bench: Bench, cluster: Cluster) -> Manifests:
    ways = create_autospec(Ways, instance=True)
    ways.into.return_value = cluster
    return Manifests(bench.clients, bench.told.append, ways)


async def read(handler: Manifests, resource: Manifest, *others: Manifest) -> Observed:
    return (await handler.read([resource, *others], PROFILE)).objects[resource.address]


async def present(handler: Manifests, resource: Manifest) -> Present:
    seen = await read(handler, resource)
    assert isinstance(seen, Present), seen
    return seen


async def test_one_turn_reads_everything(handler: Manifests, cluster: Cluster) -> None:
    await handler.read([account(), settings({"a": "1"})], PROFILE)
    assert len(cluster.sent) == 1
    assert [call.verb for call in cluster.sent[0]].count("apply") == 2
    assert all(call.dry_run and call.force for call in cluster.sent[0] if call.verb == "apply")


async def test_what_was_created_is_in_sync(handler: Manifests, cluster: Cluster, bench: Bench) -> None:
    cluster.serve_gateway_api()
    for resource in (account(), settings({"a": "1"})):
        assert await read(handler, resource) == Absent()
        made = await handler.create(resource, bench.work())
        seen = await present(handler, resource)
        assert diff(resource.properties(), seen.properties) == ()
        assert seen.surplus == {}
        assert (made.owner, made.digest) == (seen.owner, seen.digest) == (PROFILE, MARK.digest)
        assert made.outputs == seen.outputs


async def test_what_somebody_edits_differs_and_is_theirs(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    resource = settings({"a": "1", "b": "2"})
    await handler.create(resource, bench.work())
    cluster.edit(resource.path, {"data": {"a": "9", "c": "3"}}, "kubectl-edit")
    seen = await present(handler, resource)
    assert seen.properties == {"data.a": "9", "data.b": "2"}
    assert seen.authors["data.a"][0] == seen.changed_by == "kubectl-edit"
    assert seen.changed_at
    assert seen.claimed == {}
    await handler.update(resource, seen, (), bench.work())
    assert (await present(handler, resource)).properties == {"data.a": "1", "data.b": "2"}
    live = cluster.live(resource)
    assert live is not None
    assert live["data"]["c"] == "3"  # never ours


async def test_what_another_applies_is_claimed(handler: Manifests, cluster: Cluster, bench: Bench) -> None:
    resource = settings({"a": "1"})
    await handler.create(resource, bench.work())
    cluster.apply(resource.path, {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "2"}}, "argocd")
    seen = await present(handler, resource)
    assert seen.claimed == {"data.a": "argocd"}


async def test_what_is_no_longer_declared_goes_with_an_update(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    cluster.serve_gateway_api()
    _program(cluster, gateway("a.contoso.com", "b.contoso.com"))
    await handler.create(gateway("a.contoso.com", "b.contoso.com"), bench.work())
    fewer = gateway("a.contoso.com")
    seen = await present(handler, fewer)
    assert list(seen.surplus) == ["spec.listeners[b-contoso-com]"]
    await handler.update(fewer, seen, (), bench.work())
    assert (await present(handler, fewer)).surplus == {}


async def test_a_parent_that_somebody_adds_to_a_route_is_surplus(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    cluster.serve_gateway_api()
    resource = route("a.contoso.com")
    cluster.request("PATCH", f"{resource.path}?fieldManager=provision", _document(resource))
    parents = [{"name": "prod", "sectionName": "a-contoso-com"}, {"name": "other"}]
    cluster.edit(resource.path, {"spec": {"parentRefs": parents}})
    seen = await present(handler, resource)
    assert list(seen.surplus) == ["spec.parentRefs[other]"]


async def test_a_kind_that_is_not_served_is_planned_without_it(handler: Manifests) -> None:
    seen = await read(handler, gateway("a.contoso.com"))
    assert isinstance(seen, Absent)
    assert "the managed Gateway API" in seen.note


async def test_a_namespace_yet_to_be_made_is_no_refusal(handler: Manifests) -> None:
    assert await read(handler, account(namespace="later")) == Absent()


async def test_what_the_server_refuses_is_not_read(handler: Manifests, cluster: Cluster) -> None:
    cluster.serve_gateway_api()
    bad = manifest(gateway().api, "prod", {"spec": {"gatewayClassName": "x", "listeners": ({"name": "a"},)}})
    seen = await read(handler, bad)
    assert isinstance(seen, Unread)
    assert "spec.listeners" in seen.error.why
    assert seen.error.doing == f"trying to apply {bad.address}"


async def test_a_webhook_refusal_is_not_read(handler: Manifests, cluster: Cluster) -> None:
    resource = settings({"a": "1"})
    refused = failure(403, 'admission webhook "policy.x" denied the request: no')
    cluster.answers["apply", resource.path] = refused
    seen = await read(handler, resource)
    assert isinstance(seen, Unread)
    assert "policy.x" in seen.error.why


NO_DRY_RUNS = 'admission webhook "audit.x" does not support dry run'


@pytest.mark.parametrize("refused", [failure(403, DENIED), failure(400, NO_DRY_RUNS)])
async def test_without_a_dry_run_we_compare_by_ourselves(
    handler: Manifests, cluster: Cluster, bench: Bench, refused: Reply
) -> None:
    """A caller that may only read; a webhook that takes no dry runs."""
    resource = settings({"a": "1", "b": "2"})
    await handler.create(resource, bench.work())
    cluster.edit(resource.path, {"data": {"a": "9"}})
    cluster.answers["apply", resource.path] = refused
    assert (await present(handler, resource)).properties == {"data.a": "9", "data.b": "2"}


async def test_an_unknown_ref_is_compared_without_a_dry_run(handler: Manifests, cluster: Cluster) -> None:
    later = manifest(
        SERVICE_ACCOUNT, "ingress", {"metadata": {"annotations": {"a": Ref("identity/x", "clientId")}}}
    )
    cluster.apply(later.path, {"apiVersion": "v1", "kind": "ServiceAccount"}, "kubectl")
    cluster.sent.clear()
    seen = await present(handler, later)
    assert seen.properties == {"metadata.annotations.a": None}
    assert not [call for call in cluster.sent[0] if call.verb == "apply"]


async def test_a_dns_controller_of_others_for_our_zone(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    cluster.serve_app_routing()
    resource = writer("ours", "contoso.com", "x.net")
    await handler.create(resource, bench.work())
    assert "rivals" not in (await present(handler, resource)).outputs
    for name, zone in (("elsewhere", "other.net"), ("theirs", "CONTOSO.com")):
        theirs = writer(name, zone)
        cluster.apply(theirs.path, theirs.document(), "kubectl")
    seen = await present(handler, resource)
    assert seen.outputs["rivals"] == {"theirs": ("contoso.com",)}


async def test_a_dns_controller_of_ours_that_is_left_over_is_no_rival(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    cluster.serve_app_routing()
    for name in ("before", "now"):
        await handler.create(writer(name, "contoso.com"), bench.work())
    reading = await handler.read([writer("now", "contoso.com")], PROFILE)
    (seen,) = reading.objects.values()
    assert isinstance(seen, Present)
    assert "rivals" not in seen.outputs
    assert [orphan.name for orphan, _ in reading.orphans] == ["ClusterExternalDNS/before"]


async def test_an_object_on_its_way_out_is_not_read(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    resource = settings({"a": "1"})
    await handler.create(resource, bench.work())
    cluster.edit(resource.path, {"metadata": {"finalizers": ["example.com/hold"]}})
    cluster.request("DELETE", resource.path)
    seen = await read(handler, resource)
    assert isinstance(seen, Unread)
    assert "example.com/hold" in seen.error.why


async def test_a_way_that_fails_leaves_all_unread(handler: Manifests, cluster: Cluster) -> None:
    error = ServiceError("reaching", "no")
    cluster.answers["get", "/api/v1/configmaps"] = error
    resources = [account(), settings({})]
    reading = await handler.read(resources, PROFILE)
    assert reading.objects == {resource.address: Unread(error) for resource in resources}


async def test_a_list_that_fails_leaves_all_unread(handler: Manifests, cluster: Cluster) -> None:
    cluster.answers["get", "/api/v1/configmaps"] = failure(500, "etcd")
    seen = await read(handler, account())
    assert isinstance(seen, Unread)
    assert seen.error.doing == "listing configmaps"


async def test_orphans_are_what_we_made_and_go_in_order(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    space = manifest(NAMESPACE, "web")
    await handler.create(space, bench.work())
    for resource in (settings({"a": "1"}), account()):
        await handler.create(resource, bench.work())
    live = cluster.request("PATCH", f"{ingress().path}?fieldManager=provision", _document(ingress()))
    assert live.ok
    # Istio copies the labels of a Gateway to the service account it makes for it.
    copied = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"labels": {"provision/profile": PROFILE}},
    }
    cluster.apply(SERVICE_ACCOUNT.path("shop", "prod-istio"), copied, "istiod")
    kept = settings({"a": "1"})
    reading = await handler.read([kept], PROFILE)
    assert [orphan.address for orphan, _ in reading.orphans] == [
        ingress().address,
        account().address,
    ]
    last = reading.orphans[-1][0]
    assert last.after == last.outlives == (ingress().address,)
    assert (await handler.read([kept], "another")).orphans == ()


async def test_what_is_ours_of_any_kind_is_an_orphan(handler: Manifests, cluster: Cluster) -> None:
    """Of each kind of which a profile may own objects."""
    ours = {
        "labels": {"provision/profile": PROFILE},
        "managedFields": [{"manager": "provision", "operation": "Apply"}],
    }
    for api in OWNED:
        namespace = {"namespace": "shop"} if api.namespaced else {}
        item = {"metadata": {"name": "old", "uid": "1", **namespace, **ours}}
        cluster.answers["get", api.path()] = Reply(200, {"items": [item]})
    reading = await handler.read([settings({})], PROFILE)
    found = {orphan.api for orphan, _ in reading.orphans if isinstance(orphan, Manifest)}
    assert found == set(OWNED)


async def test_without_the_right_to_list_the_profiles_namespaces_are_searched(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    await handler.create(account(), bench.work())
    denied = DENIED.replace("patch", "list").replace("configmaps", "serviceaccounts")
    cluster.answers["get", "/api/v1/serviceaccounts"] = failure(403, denied)
    reading = await handler.read([settings({})], PROFILE)
    assert [orphan.address for orphan, _ in reading.orphans] == [account().address]
    [error] = reading.unsearched
    assert "the caller may not list serviceaccounts" in error.why


def may_not_list(api: Api) -> Reply:
    """A refusal as AKS gives it where Azure's roles decide."""
    group, _, _ = api.api_version.rpartition("/")
    name = f"{api.plural}.{group}" if group else api.plural
    return failure(
        403,
        f'{name} is forbidden: User "x" cannot list resource "{api.plural}" in API group "{group}" at the'
        " cluster scope: User does not have access to the resource in Azure. Update role assignment to allow"
        " access.",
    )


@pytest.mark.parametrize("api", OWNED, ids=lambda api: str(api.plural))
async def test_each_kind_that_was_not_looked_for_is_told_with_its_action(
    api: Api, handler: Manifests, cluster: Cluster
) -> None:
    cluster.serve_gateway_api()
    cluster.answers["get", api.path()] = may_not_list(api)
    reading = await handler.read([settings({})], PROFILE)
    assert not isinstance(reading.objects[settings({}).address], Unread)
    [error] = reading.unsearched
    group, _, _ = api.api_version.rpartition("/")
    kind = "customresources" if api.provided_by else f"{group}/{api.plural}".lstrip("/")
    assert f", which is Microsoft.ContainerService/managedClusters/{kind}/read in Azure" in error.why
    assert "looking for objects that the profile no longer declares" in error.doing


async def test_kinds_that_were_not_looked_for_are_told_together(handler: Manifests, cluster: Cluster) -> None:
    for api in (CONFIG_MAP, INGRESS, GATEWAY):
        cluster.answers["get", api.path()] = may_not_list(api)
    [error] = (await handler.read([settings({})], PROFILE)).unsearched
    assert [each.partition(" in the")[0] for each in error.why.split("; ")] == [
        "the caller may not list configmaps",
        "the caller may not list ingresses.networking.k8s.io",
        "the caller may not list gateways.gateway.networking.k8s.io",
    ]
    assert "Azure Kubernetes Service RBAC Cluster Admin" in error.fix


async def test_a_used_namespace_is_only_looked_at(handler: Manifests, cluster: Cluster) -> None:
    used = manifest(NAMESPACE, "shop", used=True)
    seen = await present(handler, used)
    assert (seen.properties, seen.surplus, seen.owner) == ({}, {}, None)
    assert await read(handler, replace(used, object_name="nope")) == Absent()


async def test_a_creation_takes_nothing_from_others(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    resource = settings({"a": "1"})
    cluster.apply(resource.path, {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "2"}}, "argocd")
    with pytest.raises(ConflictError, match=r"argocd manages data\.a"):
        await handler.create(resource, bench.work())


async def test_an_add_on_that_starts_is_waited_for(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    resource = gateway("a.contoso.com")

    async def appear(_: float) -> None:
        if len(bench.waits()) == 3:
            cluster.serve_gateway_api()
            _program(cluster, resource)

    bench.clients.sleep.side_effect = appear
    made = await handler.create(resource, bench.work())
    assert made.outputs["address"] == "20.1.2.3"
    assert bench.waits()[:3] == [2.0, 3.0, 4.5]
    assert "waiting for the managed Gateway API" in bench.told[0]


async def test_a_gateway_that_moves_inside_the_network_has_its_address_there(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    """Until the cloud provider has got round to it, its status has the old one."""
    cluster.serve_gateway_api()
    resource = gateway("a.contoso.com")
    _program(cluster, resource)
    before = Present({}, {"address": "20.1.2.3"})

    async def move(_: float) -> None:
        if len(bench.waits()) == 2:
            live = cluster.live(resource)
            assert live is not None
            addresses = [{"type": "IPAddress", "value": "10.0.0.4"}]
            cluster.set_status(resource, {**live["status"], "addresses": addresses})

    bench.clients.sleep.side_effect = move
    moved = FieldChange(f"spec.infrastructure.annotations[{INTERNAL}]", None, "true")
    made = await handler.update(resource, before, [moved], bench.work())
    assert made.outputs["address"] == "10.0.0.4"
    assert "its address is 20.1.2.3 still" in bench.told[0]


async def test_an_add_on_that_never_starts(handler: Manifests, bench: Bench) -> None:
    with pytest.raises(NotFoundError, match="does not serve Gateway"):
        await handler.create(gateway("a.contoso.com"), bench.work())
    assert 300 <= sum(bench.waits()) < 320


async def test_what_never_becomes_ready_tells_its_conditions_and_events(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    cluster.serve_gateway_api()
    resource = gateway("a.contoso.com")
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "x.1", "namespace": "shop"},
        "involvedObject": {"kind": "Gateway", "name": "prod", "namespace": "shop"},
        "type": "Warning",
        "reason": "NoAddress",
        "message": "quota exceeded",
        "lastTimestamp": "2026-11-01T00:00:00Z",
    }
    assert cluster.request("POST", "/api/v1/namespaces/shop/events", event).ok
    with pytest.raises(ProvisionError) as failed:
        await handler.create(resource, bench.work())
    assert "Programmed is" in failed.value.why
    assert "event NoAddress: quota exceeded" in failed.value.why
    assert 300 <= sum(bench.waits()) < 320
    assert bench.told[1].endswith("(2 s of at most 300 s)")


async def test_events_that_may_not_be_read_are_told_of_what_never_becomes_ready(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    cluster.serve_gateway_api()
    event = Api("v1", "Event", "events")
    cluster.answers["get", event.path("shop")] = may_not_list(event)
    with pytest.raises(ProvisionError, match="its events are not known: the caller may not list events"):
        await handler.create(gateway("a.contoso.com"), bench.work())


async def test_a_role_that_was_just_assigned_is_given_its_time(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    cluster.serve_gateway_api()
    bench.clients.assigned_roles = True
    with pytest.raises(ProvisionError, match="not ready after 6"):
        await handler.create(gateway("a.contoso.com"), bench.work())
    assert 600 <= sum(bench.waits()) < 620
    assert bench.told[1].endswith("(2 s of at most 600 s, as a role that was just assigned may take)")


SECRET_PATH = "/api/v1/namespaces/shop/secrets/keyvault-shop"


def _with_certificate(cluster: Cluster) -> Manifest:
    """An Ingress that has its address and wants a certificate."""
    plain = ingress()
    spec: Any = plain.body["spec"]
    tls: Value = {"hosts": ("shop.contoso.com",), "secretName": "keyvault-shop"}
    resource = replace(
        plain,
        body={
            "metadata": {"annotations": {CERTIFICATE_OPTION: "https://kv/x"}},
            "spec": {**spec, "tls": (tls,)},
        },
    )
    cluster.apply(resource.path, resource.document(), "provision")
    cluster.set_status(resource, {"loadBalancer": {"ingress": [{"ip": "20.1.2.3"}]}})
    return resource


async def test_an_ingress_waits_for_its_certificate(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    resource = _with_certificate(cluster)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keyvault-shop"}}

    async def sync(_: float) -> None:
        if len(bench.waits()) == 2:
            assert cluster.request("POST", "/api/v1/namespaces/shop/secrets", secret).ok

    bench.clients.sleep.side_effect = sync
    made = await handler.create(resource, bench.work())
    assert made.outputs["address"] == "20.1.2.3"
    assert len(bench.waits()) == 2
    assert bench.told[0].startswith("app routing has not synced the certificate to Secret keyvault-shop yet")
    asked = [call for calls in cluster.sent for call in calls if call.path == SECRET_PATH]
    assert {call.only for call in asked} == {"tls.crt"}  # never the key


async def test_a_certificate_that_never_comes(handler: Manifests, cluster: Cluster, bench: Bench) -> None:
    resource = _with_certificate(cluster)
    with pytest.raises(ServiceError, match="not synced the certificate to Secret keyvault-shop"):
        await handler.create(resource, bench.work())
    assert 300 <= sum(bench.waits()) < 320


async def test_who_may_not_read_secrets_does_not_wait_for_them(
    handler: Manifests, cluster: Cluster, bench: Bench
) -> None:
    resource = _with_certificate(cluster)
    message = 'secrets "x" is forbidden: User "u" cannot get resource "secrets" in API group ""'
    cluster.answers["get", SECRET_PATH] = failure(403, message)
    await handler.create(resource, bench.work())
    assert bench.waits() == []
    assert "the caller may not read Secrets" in bench.told[0]
    cluster.answers["get", SECRET_PATH] = failure(500, "etcd")
    with pytest.raises(ServiceError, match="etcd"):
        await handler.create(resource, bench.work())


async def test_a_deletion_waits_for_finalizers(handler: Manifests, cluster: Cluster, bench: Bench) -> None:
    resource = settings({"a": "1"})
    await handler.create(resource, bench.work())
    cluster.edit(resource.path, {"metadata": {"finalizers": ["example.com/hold"]}})

    async def let_go(_: float) -> None:
        cluster.edit(resource.path, {"metadata": {"finalizers": []}})

    bench.clients.sleep.side_effect = let_go
    await handler.delete(resource, Present(), bench.work())
    assert "held by example.com/hold" in bench.told[-1]
    assert cluster.live(resource) is None


async def test_a_finalizer_that_never_lets_go(handler: Manifests, cluster: Cluster, bench: Bench) -> None:
    resource = settings({"a": "1"})
    await handler.create(resource, bench.work())
    cluster.edit(resource.path, {"metadata": {"finalizers": ["example.com/hold"]}})
    with pytest.raises(ServiceError, match=r"held by example\.com/hold"):
        await handler.delete(resource, Present(), bench.work())


async def test_a_deletion_is_of_that_very_object(handler: Manifests, cluster: Cluster, bench: Bench) -> None:
    resource = settings({"a": "1"})
    await handler.create(resource, bench.work())
    with pytest.raises(ConflictError):
        await handler.delete(resource, Present(outputs={"uid": "another"}), bench.work())
    assert cluster.live(resource) is not None
    await handler.delete(settings({}, "nope"), Present(), bench.work())  # gone is gone


def _document(resource: Manifest) -> dict[str, Any]:
    document = resource.document()
    document["metadata"]["labels"] = {"provision/profile": PROFILE}
    return document


def _program(cluster: Cluster, resource: Manifest) -> None:
    """The Gateway as app routing and its controller leave it, before it is applied."""
    made = cluster.apply(resource.path, resource.document(), "provision")
    for listener in made["spec"]["listeners"]:
        listener["tls"]["certificateRefs"] = [{"name": f"kv-{listener['name']}"}]
    cluster.edit(resource.path, {"spec": made["spec"]}, "operator")
    generation = made["metadata"]["generation"] + 9
    resolved = {"type": "ResolvedRefs", "status": "True", "reason": "R", "observedGeneration": generation}
    now = {"lastTransitionTime": "2026-11-01T00:00:00Z", "message": ""}
    listeners = [
        {
            "name": listener["name"],
            "attachedRoutes": 0,
            "supportedKinds": [],
            "conditions": [{**resolved, **now}],
        }
        for listener in made["spec"]["listeners"]
    ]
    cluster.set_status(
        resource,
        {
            "addresses": [{"type": "IPAddress", "value": "20.1.2.3"}],
            "conditions": [{**resolved, **now, "type": "Programmed"}],
            "listeners": listeners,
        },
    )
