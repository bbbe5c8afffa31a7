"""AKS clusters: life of a PUT, entity tags, what is kept and what is refused."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from arm_bench import GROUP, ArmBench

from provision.sandbox import identities, managed_clusters, rbac, registrations, roles
from provision.sandbox.azure import SUBSCRIPTION, Answer, Json
from provision.sandbox.managed_clusters import new_cluster

CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/aks-test"
ZONE = f"{GROUP}/providers/Microsoft.Network/dnszones/zone{{}}.example"
ROUTING = "webAppRouting"
PREVIEW = "?api-version=2026-07-02-preview"

READ_ONLY = ("id", "name", "type", "eTag", "systemData")
READ_ONLY_PROPERTIES = (
    "provisioningState",
    "powerState",
    "maxAgentPools",
    "currentKubernetesVersion",
    "fqdn",
    "azurePortalFQDN",
    "resourceUID",
)


@pytest.fixture
def bench() -> ArmBench:
    bench = ArmBench(managed_clusters.ROUTES, {**managed_clusters.SETTLERS, **registrations.SETTLERS})
    new_cluster(bench.azure, SUBSCRIPTION, "rg-test", "aks-test", "westeurope", tags={"team": "platform"})
    return bench


def observed(bench: ArmBench, query: str = "") -> Json:
    answer = bench.send("GET", CLUSTER + query)
    assert answer.status == 200
    body: Json = answer.body
    return body


def echo(bench: ArmBench, query: str = "") -> Json:
    """The body of a read-modify-write: what was read, less what is read-only, as the SDKs send it."""
    body = deepcopy(observed(bench, query))
    for key in READ_ONLY:
        del body[key]
    for key in READ_ONLY_PROPERTIES:
        del body["properties"][key]
    body["identity"] = {"type": "SystemAssigned"}
    body["properties"]["oidcIssuerProfile"].pop("issuerURL", None)
    for pool in body["properties"]["agentPoolProfiles"]:
        for key in ("eTag", "provisioningState", "currentOrchestratorVersion"):
            del pool[key]
    body["properties"].get("ingressProfile", {}).get(ROUTING, {}).pop("identity", None)
    return body


def put(bench: ArmBench, body: Json, query: str = "", **headers: str) -> Answer:
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return bench.send("PUT", CLUSTER + query, body, spelled)


def settle(bench: ArmBench, body: Json, query: str = "") -> Json:
    """PUT, wait, and read."""
    answer = put(bench, body, query)
    assert answer.status == 200, answer.body
    bench.pass_(1000)
    assert bench.poll(answer)["status"] == "Succeeded"
    return observed(bench, query)


def route_with(bench: ArmBench, **routing: Any) -> Json:
    body = echo(bench)
    body["properties"]["ingressProfile"] = {ROUTING: routing}
    return body


def test_new_cluster_looks_like_one_of_aks(bench: ArmBench) -> None:
    cluster = observed(bench)
    properties = cluster["properties"]
    assert cluster["id"] == CLUSTER.replace("resourceGroups", "resourcegroups")
    assert cluster["type"] == "Microsoft.ContainerService/ManagedClusters"
    assert properties["oidcIssuerProfile"]["issuerURL"].endswith("/")
    assert properties["provisioningState"] == "Succeeded"
    assert "ingressProfile" not in properties
    assert "serviceMeshProfile" not in properties
    assert len({cluster["eTag"], *(pool["eTag"] for pool in properties["agentPoolProfiles"])}) == 2
    assert "ETag" not in bench.send("GET", CLUSTER).headers
    kubelet = properties["identityProfile"]["kubeletidentity"]["resourceId"]
    assert kubelet.endswith("/aks-test-agentpool")
    assert "/resourcegroups/MC_rg-test_aks-test_westeurope/" in kubelet
    node_group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_rg-test_aks-test_westeurope"
    group = bench.azure.store.get("Microsoft.Resources/resourceGroups", node_group)
    assert group is not None
    assert group["managedBy"] == cluster["id"]


def test_create_answers_201_and_counts_nodes_on_the_way(bench: ArmBench) -> None:
    other = CLUSTER.replace("aks-test", "aks-new")
    body = {"location": "West Europe", "properties": {"agentPoolProfiles": [{"name": "np", "count": 2}]}}
    created = bench.send("PUT", other, body)
    assert created.status == 201
    assert created.body["location"] == "westeurope"
    assert created.body["properties"]["provisioningState"] == "Creating"
    assert created.body["properties"]["kubernetesVersion"] == "1.35"
    assert "principalId" not in created.body["identity"]
    assert bench.poll(created)["status"] == "InProgress"
    bench.pass_(132)
    assert bench.poll(created)["status"] == "CreatingAgentPools: 0/2 nodes completed"
    bench.pass_(100)
    assert bench.poll(created)["status"] == "ReconcilingAddons"
    bench.pass_(32)
    done = bench.poll(created)
    assert done["status"] == "Succeeded"
    assert len(done["endTime"].partition(".")[2]) == len("1234567Z")
    principal = bench.send("GET", other).body["identity"]["principalId"]
    assert bench.azure.store.get(identities.PRINCIPAL, principal) is not None


def test_an_echo_changes_nothing_but_the_etags(bench: ArmBench) -> None:
    before = observed(bench)
    after = settle(bench, echo(bench))
    assert after["eTag"] != before["eTag"]
    for cluster in (before, after):
        del cluster["eTag"], cluster["systemData"]
        for pool in cluster["properties"]["agentPoolProfiles"]:
            del pool["eTag"]
    assert after == before


def test_put_answers_the_old_etag_and_shows_updating_everywhere(bench: ArmBench) -> None:
    before = observed(bench)
    answer = put(bench, echo(bench))
    assert answer.status == 200
    assert answer.body["eTag"] == before["eTag"]
    assert answer.body["properties"]["provisioningState"] == "Updating"
    assert {pool["provisioningState"] for pool in answer.body["properties"]["agentPoolProfiles"]} == {
        "Updating"
    }
    assert observed(bench)["properties"]["provisioningState"] == "Updating"
    assert answer.headers["Retry-After"] == "30"
    assert "&s=" in answer.headers["Azure-AsyncOperation"]
    assert "Location" not in answer.headers
    bench.pass_(150)
    assert observed(bench)["eTag"] != before["eTag"]


def test_app_routing_from_first_enable_to_disable(bench: ArmBench) -> None:
    answer = put(bench, route_with(bench, enabled=True))
    running = {"enabled": True, "dnsZoneResourceIds": None, "identity": None}
    assert answer.body["properties"]["ingressProfile"][ROUTING] == running
    bench.pass_(150)
    routing = observed(bench)["properties"]["ingressProfile"][ROUTING]
    assert routing["nginx"] == {"defaultIngressControllerType": "AnnotationControlled"}
    assert routing["gatewayAPIImplementations"] == {"appRoutingIstio": {"mode": "Disabled"}}
    identity = routing["identity"]
    assert identity["resourceId"].endswith("/webapprouting-aks-test")
    assert bench.azure.store.get(identities.PRINCIPAL, identity["objectId"]) is not None

    zones = [ZONE.format(1)]
    after = settle(bench, route_with(bench, enabled=True, dnsZoneResourceIds=zones))
    assert after["properties"]["ingressProfile"][ROUTING]["dnsZoneResourceIds"] == zones
    assert after["properties"]["ingressProfile"][ROUTING]["identity"] == identity

    answer = put(bench, route_with(bench, enabled=False, nginx={"defaultIngressControllerType": "Internal"}))
    assert answer.body["properties"]["ingressProfile"][ROUTING]["identity"] == identity
    bench.pass_(150)
    routing = observed(bench)["properties"]["ingressProfile"][ROUTING]
    assert routing["enabled"] is False
    assert routing["identity"] is None
    assert routing["dnsZoneResourceIds"] is None
    assert routing["nginx"] == {"defaultIngressControllerType": "Internal"}
    assert bench.azure.store.get(identities.PRINCIPAL, identity["objectId"]) is None


def test_absent_fields_go_back_to_their_defaults(bench: ArmBench) -> None:
    body = route_with(bench, enabled=True, nginx={"defaultIngressControllerType": "Internal"})
    body["properties"]["autoUpgradeProfile"] = {"upgradeChannel": "patch"}
    settle(bench, body)
    body = route_with(bench, enabled=True)
    del body["properties"]["autoUpgradeProfile"], body["tags"], body["properties"]["securityProfile"]
    after = settle(bench, body)
    routing = after["properties"]["ingressProfile"][ROUTING]
    assert routing["nginx"] == {"defaultIngressControllerType": "AnnotationControlled"}
    assert after["properties"]["autoUpgradeProfile"] == {"nodeOSUpgradeChannel": "NodeImage"}
    assert after["properties"]["securityProfile"] == {}
    assert "tags" not in after
    body = echo(bench)
    del body["properties"]["ingressProfile"]
    assert "ingressProfile" not in settle(bench, body)["properties"]


def test_fields_unknown_to_the_sdk_survive_an_echo_and_are_lost_without_one(bench: ArmBench) -> None:
    body = route_with(bench, enabled=True)
    body["properties"]["ingressProfile"]["futureProfile"] = {"mode": "On"}
    after = settle(bench, body)
    assert after["properties"]["ingressProfile"]["futureProfile"] == {"mode": "On"}
    assert after["managedBy"] == ""
    assert after["properties"]["controlPlaneScalingProfile"] == {"scalingSize": "H2"}
    assert after["properties"]["agentPoolProfiles"][0]["upgradeStrategy"] == "Rolling"
    body = echo(bench)
    del (
        body["properties"]["controlPlaneScalingProfile"],
        body["properties"]["ingressProfile"]["futureProfile"],
    )
    after = settle(bench, body)
    assert "controlPlaneScalingProfile" not in after["properties"]
    assert "futureProfile" not in after["properties"]["ingressProfile"]


def test_gateway_istio_shows_a_disabled_mesh_and_excludes_it(bench: ArmBench) -> None:
    istio = {"appRoutingIstio": {"mode": "Enabled"}}
    answer = put(bench, route_with(bench, gatewayAPIImplementations=istio))
    assert answer.body["properties"]["serviceMeshProfile"] == {"mode": "Disabled"}
    bench.pass_(150)
    routing = observed(bench)["properties"]["ingressProfile"][ROUTING]
    assert routing["gatewayAPIImplementations"] == istio
    assert routing["identity"] is None
    body = echo(bench)
    body["properties"]["serviceMeshProfile"] = {"mode": "Istio", "istio": {}}
    refused = put(bench, body)
    assert (refused.status, refused.body["code"]) == (400, "BadRequest")
    assert refused.body["target"] == "serviceMeshProfile.mode"


def test_mesh_gets_its_components_and_the_default_revision(bench: ArmBench) -> None:
    body = echo(bench)
    body["properties"]["serviceMeshProfile"] = {"mode": "Istio", "istio": {}}
    answer = put(bench, body)
    revisions = {"components": {}, "revisions": ["asm-1-29"]}
    assert answer.body["properties"]["serviceMeshProfile"] == {"mode": "Istio", "istio": revisions}
    bench.pass_(150)
    body["properties"]["serviceMeshProfile"] = {"mode": "Istio", "istio": {"revisions": ["asm-1-20"]}}
    assert put(bench, body).body["target"] == "serviceMeshProfile.istio.revisions"
    del body["properties"]["serviceMeshProfile"]
    assert settle(bench, body)["properties"]["serviceMeshProfile"] == {"mode": "Disabled"}


def test_the_newest_mesh_revision_has_no_upgrades(bench: ArmBench) -> None:
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/WestEurope"
    listed = bench.send("GET", f"{path}/meshRevisionProfiles").body["value"][0]
    revisions = listed["properties"]["meshRevisions"]
    assert revisions[0]["upgrades"]
    assert "upgrades" not in revisions[-1]
    assert bench.send("GET", f"{path}/meshRevisionProfiles/istio").body == listed
    assert bench.send("GET", f"{path}/meshRevisionProfiles/linkerd").status == 404
    versions = bench.send("GET", f"{path}/kubernetesVersions").body["values"]
    assert [version["version"] for version in versions if version.get("isDefault")] == ["1.35"]


def test_addon_gets_an_identity_and_leaves_a_shell_behind(bench: ArmBench) -> None:
    body = echo(bench)
    config = {"enableSecretRotation": "false", "rotationPollInterval": "2m"}
    body["properties"]["addonProfiles"] = {
        "azureKeyvaultSecretsProvider": {"enabled": True, "config": config},
    }
    addon = settle(bench, body)["properties"]["addonProfiles"]["azureKeyvaultSecretsProvider"]
    assert addon["config"] == config
    assert addon["identity"]["resourceId"].endswith("/azurekeyvaultsecretsprovider-aks-test")
    body["properties"]["addonProfiles"]["azureKeyvaultSecretsProvider"]["enabled"] = False
    after = settle(bench, body)
    left = {"azureKeyvaultSecretsProvider": {"enabled": False, "config": None}}
    assert after["properties"]["addonProfiles"] == left


FEATURES = ("ManagedGatewayAPIPreview", "ApplicationLoadBalancerPreview")


def preview_feature(bench: ArmBench, name: str) -> None:
    registrations.register_feature(bench.azure, SUBSCRIPTION, "Microsoft.ContainerService", name)
    bench.pass_(registrations.FEATURE_SECONDS)
    bench.azure.settle()


def test_application_load_balancer_is_for_previews_and_survives_stable_puts(bench: ArmBench) -> None:
    for feature in FEATURES:
        preview_feature(bench, feature)
    body = echo(bench, PREVIEW)
    balancer = {"enabled": True}
    body["properties"]["ingressProfile"] = {
        "gatewayAPI": {"installation": "Standard"},
        "applicationLoadBalancer": balancer,
    }
    after = settle(bench, body, PREVIEW)["properties"]["ingressProfile"]["applicationLoadBalancer"]
    identity = after["identity"]["resourceId"]
    assert identity.endswith("/applicationloadbalancer-aks-test")
    (credential,) = bench.azure.store.list(identities.CREDENTIAL, f"{identity}/")
    assert credential["name"] == "aksfic"
    assert credential["properties"]["subject"] == "system:serviceaccount:kube-system:alb-controller-sa"
    given = bench.azure.store.list(
        rbac.ASSIGNMENT, identity.split("/providers/")[0].replace("groups", "Groups")
    )
    roles_given = {each["properties"]["roleDefinitionId"].rsplit("/", 1)[1] for each in given}
    assert {roles.READER, roles.NETWORK_CONTRIBUTOR, roles.AGC_CONFIGURATION_MANAGER} == roles_given
    assert observed(bench)["properties"]["ingressProfile"] == {"gatewayAPI": {"installation": "Standard"}}
    settle(bench, echo(bench))
    assert observed(bench, PREVIEW)["properties"]["ingressProfile"]["applicationLoadBalancer"] == after
    body["properties"]["ingressProfile"]["gatewayAPI"] = {"installation": "Disabled"}
    refused = put(bench, body, PREVIEW)
    assert "managed Gateway API" in refused.body["message"]
    balancer["enabled"] = False
    off = settle(bench, body, PREVIEW)["properties"]["ingressProfile"]["applicationLoadBalancer"]
    assert off == {"enabled": False}


def test_only_later_previews_know_the_application_load_balancer(bench: ArmBench) -> None:
    body = echo(bench)
    body["properties"]["ingressProfile"] = {"applicationLoadBalancer": {"enabled": True}}
    for version in ("", "?api-version=2025-08-02-preview", "?api-version=2024-01-01"):
        refused = put(bench, body, version)
        assert (refused.status, refused.body["code"]) == (400, "UnmarshalError")
        assert 'unknown field "applicationLoadBalancer"' in refused.body["message"]
    settle(bench, body, "?api-version=2023-11-01")
    assert "ingressProfile" not in observed(bench, PREVIEW)["properties"]


def test_the_application_load_balancer_wants_its_features(bench: ArmBench) -> None:
    body = echo(bench, PREVIEW)
    body["properties"]["ingressProfile"] = {
        "gatewayAPI": {"installation": "Standard"},
        "applicationLoadBalancer": {"enabled": True},
    }
    for feature in FEATURES:
        refused = put(bench, body, PREVIEW)
        assert (refused.status, refused.body["code"]) == (400, "BadRequest")
        assert f"Feature Microsoft.ContainerService/{feature} is not enabled" in refused.body["message"]
        preview_feature(bench, feature)
    assert put(bench, body, PREVIEW).status == 200


def test_the_default_domain_gets_a_name_that_stays(bench: ArmBench) -> None:
    routing = settle(bench, route_with(bench, enabled=True, defaultDomain={"enabled": True}))
    domain = routing["properties"]["ingressProfile"][ROUTING]["defaultDomain"]
    assert domain["domainName"].endswith(".westeurope.aksapp.io")
    again = settle(bench, route_with(bench, enabled=True, defaultDomain={"enabled": True}))
    assert again["properties"]["ingressProfile"][ROUTING]["defaultDomain"] == domain


def test_a_user_assigned_identity_is_filled_in(bench: ArmBench) -> None:
    identity = identities.new_identity(bench.azure, SUBSCRIPTION, "rg-test", "id-aks", "westeurope")
    body = echo(bench)
    body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {identity["id"]: {}}}
    shown = settle(bench, body)["identity"]
    assert "principalId" not in shown
    filled = {key: identity["properties"][key] for key in ("clientId", "principalId")}
    assert shown["userAssignedIdentities"] == {identity["id"]: filled}


@pytest.mark.parametrize(("method", "body"), [("PUT", None), ("PATCH", {"tags": {}}), ("DELETE", None)])
def test_an_operation_ends_also_when_its_cluster_is_gone(bench: ArmBench, method: str, body: Any) -> None:
    accepted = bench.send(method, CLUSTER, echo(bench) if method == "PUT" else body)
    bench.azure.store.delete("Microsoft.ContainerService/managedClusters", CLUSTER)
    bench.pass_(300)
    assert bench.poll(accepted)["status"] == "Succeeded"
    assert bench.send("GET", CLUSTER).status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_Match": "wrong"}, 412),
        ({"If_Match": "*"}, 200),
        ({"If_None_Match": "*"}, 412),
        ({"If_None_Match": "abc"}, 400),
        ({}, 200),
    ],
)
def test_preconditions(bench: ArmBench, headers: dict[str, str], status: int) -> None:
    before = observed(bench)
    answer = put(bench, echo(bench), **headers)
    assert answer.status == status
    if status != 200:
        assert "error" not in answer.body
        assert observed(bench) == before


def test_the_current_etag_is_a_precondition_with_and_without_quotes(bench: ArmBench) -> None:
    for quote in ("", '"'):
        assert put(bench, echo(bench), If_Match=f"{quote}{observed(bench)['eTag']}{quote}").status == 200
        bench.pass_(150)


def test_if_match_on_a_cluster_that_is_not_there(bench: ArmBench) -> None:
    absent = CLUSTER.replace("aks-test", "absent")
    assert bench.send("PUT", absent, {"location": "westeurope"}, {"If-Match": "*"}).status == 412
    assert bench.send("PATCH", absent, {"tags": {}}, {"If-Match": "*"}).status == 404
    assert bench.send("DELETE", absent, headers={"If-Match": "*"}).status == 204
    missing = bench.send("GET", absent)
    assert missing.body["error"]["code"] == "ResourceNotFound"
    assert missing.headers["x-ms-failure-cause"] == "gateway"


def test_one_operation_at_a_time(bench: ArmBench) -> None:
    accepted = put(bench, echo(bench))
    name = bench.poll(accepted)["name"]
    for method, body in (("PUT", echo(bench)), ("PATCH", {"tags": {}}), ("DELETE", None)):
        refused = bench.send(method, CLUSTER, body)
        assert (refused.status, refused.body["code"]) == (409, "OperationNotAllowed")
        assert (
            f"in progress update managed cluster operation (operation ID: {name})" in refused.body["message"]
        )
    bench.pass_(150)
    assert bench.send("PATCH", CLUSTER, {"tags": {"a": "b"}}).status == 200


def test_every_third_update_carries_an_error_while_it_runs(bench: ArmBench) -> None:
    first_polls, last_polls = [], []
    for _ in range(3):
        accepted = put(bench, echo(bench))
        first_polls.append(bench.poll(accepted))
        bench.pass_(100)
        assert bench.poll(accepted)["status"] == "ReconcilingAddons"
        bench.pass_(50)
        last_polls.append(bench.poll(accepted))
    assert [poll["status"] for poll in first_polls] == ["InProgress"] * 3
    assert [poll.get("error", {}).get("code") for poll in first_polls] == [None, None, "NotLatestOperation"]
    assert [poll["status"] for poll in last_polls] == ["Succeeded"] * 3
    assert all("error" not in poll for poll in last_polls)


def test_patch_replaces_the_tags(bench: ArmBench) -> None:
    before = observed(bench)
    accepted = bench.send("PATCH", CLUSTER, {"tags": {"a": "b"}})
    assert accepted.status == 200
    bench.pass_(30)
    assert bench.poll(accepted)["status"] == "Succeeded"
    after = observed(bench)
    assert after["tags"] == {"a": "b"}
    assert after["eTag"] != before["eTag"]


def test_delete_takes_the_node_group_with_it(bench: ArmBench) -> None:
    cluster = settle(bench, route_with(bench, enabled=True))
    identity = cluster["properties"]["ingressProfile"][ROUTING]["identity"]
    accepted = bench.send("DELETE", CLUSTER)
    assert accepted.status == 202
    assert "/operationresults/" in accepted.headers["Location"]
    assert bench.send("GET", accepted.headers["Location"]).status == 202
    assert observed(bench)["properties"]["provisioningState"] == "Deleting"
    bench.pass_(240)
    assert bench.poll(accepted)["status"] == "Succeeded"
    assert bench.send("GET", accepted.headers["Location"]).status == 204
    assert bench.send("GET", CLUSTER).status == 404
    assert bench.azure.store.get(identities.IDENTITY, identity["resourceId"]) is None
    assert bench.azure.store.ids(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_") == []


def test_lists_by_group_and_subscription(bench: ArmBench) -> None:
    new_cluster(bench.azure, SUBSCRIPTION, "rg-test-2", "aks-two", "westeurope")
    by_group = bench.send("GET", CLUSTER.rpartition("/")[0]).body["value"]
    everything = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/managedClusters"
    assert [cluster["name"] for cluster in by_group] == ["aks-test"]
    assert len(bench.send("GET", everything).body["value"]) == 2


def changed(body: Json, path: str, value: Any) -> Json:
    below = body["properties"]
    *parents, last = path.split(".")
    for key in parents:
        below = below.setdefault(key, {})
    below[last] = value
    return body


ZONES = [ZONE.format(number) for number in range(6)]
ELSEWHERE = ZONE.format(9).replace("rg-test", "rg-other")


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("oidcIssuerProfile", {"enabled": False}, "OIDCIssuerFeatureCannotBeDisabled"),
        ("kubernetesVersion", "1.99", "K8sVersionNotSupported"),
        ("kubernetesVersion", "1.32.11", "K8sVersionNotSupported"),
        ("kubernetesVersion", "1.33.7", "OperationNotAllowed"),
        ("dnsPrefix", "other", "PropertyChangeNotAllowed"),
        ("networkProfile.serviceCidr", "10.9.0.0/16", "PropertyChangeNotAllowed"),
        ("addonProfiles.azurepolicy", {"enabled": True, "config": {"x": True}}, "UnmarshalError"),
        ("ingressProfile.gatewayAPI.installation", "Experimental", "InvalidParameter"),
        ("ingressProfile.webAppRouting.nginx.defaultIngressControllerType", "Public", "InvalidParameter"),
        ("ingressProfile.webAppRouting.dnsZoneResourceIds", ZONES, "BadRequest"),
        ("ingressProfile.webAppRouting.dnsZoneResourceIds", ["/not/a/zone"], "InvalidParameter"),
        ("ingressProfile.webAppRouting.dnsZoneResourceIds", [ZONES[0], ELSEWHERE], "BadRequest"),
    ],
)
def test_refusals(bench: ArmBench, path: str, value: Any, code: str) -> None:
    before = observed(bench)
    refused = put(bench, changed(echo(bench), path, value))
    assert (refused.status, refused.body["code"]) == (400, code)
    assert refused.body["subcode"] == ""
    assert observed(bench) == before


def test_other_refusals(bench: ArmBench) -> None:
    new = CLUSTER.replace("aks-test", "aks-new")
    body = {"location": "westeurope", "properties": {}}
    assert bench.send("PUT", new, body).body["target"] == "agentPoolProfiles"
    assert bench.send("PUT", new, {}).body["error"]["code"] == "LocationRequired"
    assert bench.send("PUT", f"{new}-", body).body["target"] == "resourceName"
    moved = {**echo(bench), "location": "eastus"}
    assert put(bench, moved).body["error"]["code"] == "InvalidResourceLocation"


def test_upgrades_go_one_minor_at_a_time(bench: ArmBench) -> None:
    old = {"kubernetesVersion": "1.33"}
    new_cluster(bench.azure, SUBSCRIPTION, "rg-test", "aks-old", "westeurope", properties=old)
    path = CLUSTER.replace("aks-test", "aks-old")

    def upgrade(version: str) -> Answer:
        body = {"location": "westeurope", "properties": {"kubernetesVersion": version}}
        return bench.send("PUT", path, body)

    assert upgrade("1.35").body["code"] == "OperationNotAllowed"
    assert upgrade("1.34").status == 200
    bench.pass_(150)
    assert bench.send("GET", path).body["properties"]["currentKubernetesVersion"] == "1.34.7"


def test_at_most_two_mesh_revisions(bench: ArmBench) -> None:
    body = echo(bench)
    revisions = ["asm-1-28", "asm-1-29", "asm-1-30"]
    body["properties"]["serviceMeshProfile"] = {"mode": "Istio", "istio": {"revisions": revisions}}
    assert "At most two" in put(bench, body).body["message"]


def test_workload_identity_needs_the_issuer(bench: ArmBench) -> None:
    body = {
        "location": "westeurope",
        "properties": {
            "agentPoolProfiles": [{"name": "np"}],
            "oidcIssuerProfile": {"enabled": False},
            "securityProfile": {"workloadIdentity": {"enabled": True}},
        },
    }
    refused = bench.send("PUT", CLUSTER.replace("aks-test", "aks-new"), body)
    assert refused.body["target"] == "securityProfile.workloadIdentity"


def test_managed_gateway_api_needs_a_version_that_has_it(bench: ArmBench) -> None:
    new_cluster(
        bench.azure,
        SUBSCRIPTION,
        "rg-test",
        "aks-old",
        "westeurope",
        properties={"kubernetesVersion": "1.25"},
    )
    body = {
        "location": "westeurope",
        "properties": {"ingressProfile": {"gatewayAPI": {"installation": "Standard"}}},
    }
    refused = bench.send("PUT", CLUSTER.replace("aks-test", "aks-old"), body)
    assert refused.body["target"] == "ingressProfile.gatewayAPI.installation"
