"""Reading clusters: what AKS answers, in our vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from providers import clusters
from providers.bench import GROUP, PROFILE, SUBSCRIPTION, Bench, refusal
from provision.errors import AccessDeniedError, ProvisionError, ServiceError, StalePlanError
from provision.plan.diff import diff
from provision.providers.azure.clients import POLL_SECONDS
from provision.providers.azure.managed_clusters import ManagedClusters
from provision.resources.managed_cluster import (
    APP_ROUTING,
    APP_ROUTING_ISTIO,
    GATEWAY_API,
    LOAD_BALANCER,
    MESH,
    MESH_AUTHORITY,
    MESH_EXTERNAL,
    MESH_INTERNAL,
    MESH_REDIRECTION,
    MESH_REVISIONS,
    NGINX_CONTROLLER,
    OFF,
    OIDC_ISSUER,
    SECRET_ROTATION,
    SECRETS_PROVIDER,
    WORKLOAD_IDENTITY,
    ZONES,
)
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.values import CaseInsensitive

RESOURCE = clusters.cluster({})


async def read(bench: Bench, on_wait: Any = None) -> Observed:
    reading = await ManagedClusters(bench.clients, on_wait).read([RESOURCE], PROFILE)
    assert reading.orphans == ()
    return reading.objects[RESOURCE.address]


async def present(bench: Bench, **properties: Any) -> Present:
    bench.clusters.get.return_value = clusters.model(**properties)
    observed = await read(bench)
    assert isinstance(observed, Present)
    return observed


async def test_the_id_names_subscription_group_and_cluster(bench: Bench) -> None:
    await present(bench)
    bench.clients.containers.assert_called_with(SUBSCRIPTION, "")
    bench.clusters.get.assert_awaited_once_with(GROUP, "aks-prod")


@pytest.mark.parametrize(
    "properties",
    [
        {"ingressProfile": None, "oidcIssuerProfile": None, "addonProfiles": None},
        {
            "ingressProfile": {
                "gatewayAPI": {"installation": "Disabled"},
                "webAppRouting": {
                    "enabled": False,
                    "dnsZoneResourceIds": None,
                    "identity": None,
                    "gatewayAPIImplementations": {"appRoutingIstio": {"mode": "Disabled"}},
                },
            },
            "oidcIssuerProfile": {"enabled": False},
            "securityProfile": {"workloadIdentity": {"enabled": False}},
            "addonProfiles": {
                "azureKeyvaultSecretsProvider": {
                    "enabled": False,
                    "config": {"enableSecretRotation": "false"},
                }
            },
        },
        {
            "ingressProfile": {"gatewayAPI": None, "webAppRouting": {"dnsZoneResourceIds": []}},
            "oidcIssuerProfile": {},
            "securityProfile": {"workloadIdentity": None},
            "addonProfiles": {"azureKeyvaultSecretsProvider": {"config": None}},
        },
    ],
    ids=["absent", "spelled-out", "null-and-empty"],
)
async def test_absent_null_empty_and_off_are_one(bench: Bench, properties: Mapping[str, Any]) -> None:
    observed = await present(bench, **properties)
    assert observed.properties == OFF
    assert diff(OFF, observed.properties) == ()


async def test_settings_are_read_wherever_aks_keeps_them(bench: Bench) -> None:
    observed = await present(
        bench,
        ingressProfile={
            "gatewayAPI": {"installation": "Standard"},
            "webAppRouting": {
                "enabled": True,
                "dnsZoneResourceIds": [clusters.ZONE, clusters.OTHER_ZONE],
                "nginx": {"defaultIngressControllerType": "Internal"},
                "gatewayAPIImplementations": {"appRoutingIstio": {"mode": "Enabled"}},
            },
        },
        securityProfile={"workloadIdentity": {"enabled": True}},
        addonProfiles={
            "azureKeyvaultSecretsProvider": {"enabled": True, "config": {"enableSecretRotation": "true"}}
        },
    )
    assert observed.properties == {
        APP_ROUTING: True,
        NGINX_CONTROLLER: "Internal",
        ZONES: frozenset({CaseInsensitive(clusters.ZONE), CaseInsensitive(clusters.OTHER_ZONE)}),
        GATEWAY_API: "Standard",
        APP_ROUTING_ISTIO: "Enabled",
        LOAD_BALANCER: False,
        OIDC_ISSUER: True,
        WORKLOAD_IDENTITY: True,
        SECRETS_PROVIDER: True,
        SECRET_ROTATION: "true",
        MESH: "Disabled",
        MESH_REVISIONS: frozenset(),
        MESH_EXTERNAL: False,
        MESH_INTERNAL: False,
        MESH_REDIRECTION: None,
        MESH_AUTHORITY: None,
    }


MESHED: dict[str, Any] = {
    "mode": "Istio",
    "istio": {
        "revisions": ["asm-1-30", "asm-1-29"],
        "components": {
            "ingressGateways": [
                {"mode": "Internal", "enabled": True},
                {"mode": "External", "enabled": False},
            ],
            "egressGateways": [{"name": "out", "enabled": True}],
            "proxyRedirectionMechanism": "CNIChaining",
        },
        "certificateAuthority": {"plugin": {"keyVaultId": "/subscriptions/S", "rootCertObjectName": "root"}},
    },
}


async def test_a_mesh_is_read(bench: Bench) -> None:
    observed = await present(bench, serviceMeshProfile=MESHED)
    assert {
        path: observed.properties[path] for path in observed.properties if path.startswith("service")
    } == {
        MESH: "Istio",
        MESH_REVISIONS: frozenset({"asm-1-29", "asm-1-30"}),
        MESH_EXTERNAL: False,
        MESH_INTERNAL: True,
        MESH_REDIRECTION: "CNIChaining",
        MESH_AUTHORITY: {"keyVaultId": "/Subscriptions/s", "rootCertObjectName": "root"},
    }


async def test_zones_are_a_set_and_their_ids_have_no_case(bench: Bench) -> None:
    desired = {ZONES: frozenset({CaseInsensitive(clusters.ZONE), CaseInsensitive(clusters.OTHER_ZONE)})}
    spelled = [clusters.OTHER_ZONE.lower(), clusters.ZONE.replace("dnsZones", "dnszones")]
    observed = await present(bench, ingressProfile=clusters.routing(enabled=True, dnsZoneResourceIds=spelled))
    assert diff(desired, observed.properties) == ()


async def test_outputs_marks_and_who_changed_it_last(bench: Bench) -> None:
    answer = clusters.model(
        ingressProfile=clusters.routing(enabled=True, identity={"objectId": "object", "clientId": "client"}),
        serviceMeshProfile={"mode": "Istio"},
    )
    answer["tags"] = {"provision-profile": "prod", "provision-digest": "d1", "provision-before": "app=0"}
    bench.clusters.get.return_value = answer
    observed = await read(bench)
    assert isinstance(observed, Present)
    assert observed.outputs == {
        "id": CaseInsensitive(clusters.ID),
        "location": "westeurope",
        "oidcIssuerURL": "https://oidc/issuer/",
        "addonObjectId": "object",
        "addonClientId": "client",
        "albObjectId": None,
        "secretsObjectId": None,
        "routingIstio": False,
        "openServiceMesh": False,
        "nodeGroup": None,
        "kubernetesVersion": "1.35.4",
        "networkPlugin": "azure",
        "networkPluginMode": "overlay",
        "identityType": "UserAssigned",
        "meshMode": "Istio",
        "private": False,
        "entra": False,
        "powerState": "Running",
        "before": "app=0",
    }
    assert (observed.owner, observed.digest) == ("prod", "d1")
    assert observed.changed_by == "ops@contoso.com"
    assert observed.changed_at == "2026-08-01T10:00:00.1234567Z"


async def test_the_identity_of_the_gateways_controller_and_the_group_that_aks_keeps(bench: Bench) -> None:
    identity = {"objectId": "alb", "clientId": "c"}
    balancer = {"applicationLoadBalancer": {"enabled": True, "identity": identity}}
    observed = await present(bench, ingressProfile=balancer, nodeResourceGroup="MC_web_aks")
    assert observed.properties[LOAD_BALANCER] is True
    assert observed.outputs["albObjectId"] == "alb"
    # ARM spells resourceGroups in any casing, and so does AKS.
    assert observed.outputs["nodeGroup"] == f"/subscriptions/{SUBSCRIPTION}/resourcegroups/mc_web_aks"


async def test_what_only_a_preview_knows_is_read_and_written_through_it(bench: Bench) -> None:
    preview = replace(RESOURCE, api_version="2026-07-02-preview")
    bench.clusters.get.return_value = clusters.model()
    await ManagedClusters(bench.clients).read([preview], PROFILE)
    bench.clients.containers.assert_called_with(SUBSCRIPTION, "2026-07-02-preview")


async def test_how_the_cluster_is_reached(bench: Bench) -> None:
    observed = await present(
        bench,
        apiServerAccessProfile={"enablePrivateCluster": True},
        aadProfile={"managed": True},
        powerState={"code": "Stopped"},
    )
    told = [observed.outputs[name] for name in ("private", "entra", "powerState")]
    assert told == [True, True, "Stopped"]
    silent = await present(bench, apiServerAccessProfile={}, aadProfile=None, powerState=None)
    assert [silent.outputs[name] for name in ("private", "entra", "powerState")] == [False, False, "Running"]


async def test_a_cluster_without_our_tags_has_no_owner(bench: Bench) -> None:
    observed = await present(bench)
    assert (observed.owner, observed.digest, observed.outputs["before"]) == (None, None, None)


async def test_a_cluster_that_is_not_there_is_absent(bench: Bench) -> None:
    bench.clusters.get.side_effect = refusal(404, "ResourceNotFound")
    assert await read(bench) == Absent()


async def test_one_that_may_not_be_read_hides_no_other(bench: Bench) -> None:
    bench.clusters.get.side_effect = [refusal(403, "AuthorizationFailed"), clusters.model()]
    other = replace(RESOURCE, name="aks-test")
    reading = await ManagedClusters(bench.clients).read([RESOURCE, other], PROFILE)
    unread = reading.objects[RESOURCE.address]
    assert isinstance(unread, Unread)
    assert isinstance(unread.error, AccessDeniedError)
    assert unread.error.doing == "reading managed_cluster/aks-prod"
    assert isinstance(reading.objects[other.address], Present)


@pytest.mark.parametrize(
    "state", ["Updating", "updating", "Upgrading", "Scaling", "Starting", "Stopping", "Creating", "Deleting"]
)
async def test_an_apply_waits_for_a_busy_cluster_and_tells_so(bench: Bench, state: str) -> None:
    settled = clusters.model(ingressProfile=clusters.routing(enabled=True))
    bench.clusters.get.side_effect = [clusters.model(state=state)] * 3 + [settled]
    observed = await read(bench, bench.told.append)
    assert isinstance(observed, Present)
    assert observed.properties[APP_ROUTING] is True
    assert bench.told == [f"cluster is {state}, waiting for that operation to end"] * 2
    assert bench.waits() == [POLL_SECONDS] * 2


async def test_a_drift_check_is_not_held_up_by_a_busy_cluster(bench: Bench) -> None:
    observed = await present(bench, state="Updating")
    assert observed.properties[OIDC_ISSUER] is True
    assert bench.waits() == []


@pytest.mark.parametrize("state", ["Succeeded", "Failed", "Canceled"])
async def test_a_settled_cluster_is_not_waited_for(bench: Bench, state: str) -> None:
    bench.clusters.get.return_value = clusters.model(state=state)
    assert isinstance(await read(bench, bench.told.append), Present)
    assert bench.told == []


async def test_a_cluster_busy_for_an_hour_is_unread(bench: Bench) -> None:
    bench.clusters.get.return_value = clusters.model(state="Updating")
    observed = await read(bench, bench.told.append)
    assert isinstance(observed, Unread)
    assert isinstance(observed.error, ServiceError)
    assert "busy for an hour" in observed.error.why
    assert sum(bench.waits()) == 3600


async def test_a_cluster_that_goes_while_it_is_waited_for(bench: Bench) -> None:
    bench.clusters.get.side_effect = [
        clusters.model(state="Deleting"),
        clusters.model(state="Deleting"),
        refusal(404, "ResourceNotFound"),
    ]
    observed = await read(bench, bench.told.append)
    assert isinstance(observed, Unread)
    assert isinstance(observed.error, StalePlanError)


async def test_clusters_are_neither_made_nor_deleted(bench: Bench) -> None:
    handler = ManagedClusters(bench.clients)
    with pytest.raises(ProvisionError, match="not made by provision"):
        await handler.create(RESOURCE, bench.work())
    with pytest.raises(ProvisionError, match="not deleted by provision"):
        await handler.delete(RESOURCE, Present(), bench.work())
    assert bench.clusters.method_calls == []
