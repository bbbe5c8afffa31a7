"""Resource groups, subscriptions, providers, identities and the seed."""

from __future__ import annotations

import pytest
from core_bench import GROUP, ROOT, CoreBench, error

from provision.sandbox import resource_groups, roles, seed, waf_policies
from provision.sandbox.authorization import LONG_AGO, new_assignment
from provision.sandbox.azure import SUBSCRIPTION
from provision.sandbox.identities import IDENTITY
from provision.sandbox.seed import CLIENTS

OTHER = "11111111-1111-4111-8111-111111111111"
IDENTITY_ID = f"{GROUP}/providers/{IDENTITY}/id-ingress"
CREDENTIAL = {"issuer": "https://oidc.example/", "subject": "system:serviceaccount:a:b", "audiences": ["x"]}


@pytest.fixture
def bench() -> CoreBench:
    return CoreBench()


def names(bench: CoreBench, url: str) -> list[str]:
    return [each["name"] for each in bench.send("GET", url).body["value"]]


def test_a_group_is_made_read_tagged_and_checked(bench: CoreBench) -> None:
    url = f"{ROOT}/resourcegroups/rg-new"
    assert bench.send("HEAD", url).status == 404
    made = bench.send("PUT", url, {"location": "westeurope"})
    assert (made.status, made.body["id"]) == (201, f"{ROOT}/resourceGroups/rg-new")
    assert bench.send("HEAD", url).status == 204
    assert bench.send("PATCH", url, {"tags": {"a": "b"}}).body["tags"] == {"a": "b"}
    moved = bench.send("PUT", url, {"location": "eastus"})
    assert error(moved)[:2] == (409, "InvalidResourceGroupLocation")


def test_deleting_a_group_takes_its_time_and_everything_in_it(bench: CoreBench) -> None:
    bench.send("PUT", IDENTITY_ID, {"location": "westeurope"})
    accepted = bench.send("DELETE", GROUP)
    poll = accepted.headers["Location"]
    assert (accepted.status, accepted.headers["Retry-After"]) == (202, "15")
    assert bench.send("GET", poll).status == 202
    assert bench.send("GET", GROUP).body["properties"]["provisioningState"] == "Deleting"
    assert error(bench.send("PUT", GROUP, {"location": "westeurope"}))[1] == "ResourceGroupBeingDeleted"
    bench.pass_(resource_groups.DELETE_SECONDS)
    assert bench.send("GET", poll).status == 200
    assert error(bench.send("GET", IDENTITY_ID))[1] == "ResourceGroupNotFound"
    assert bench.azure.store.ids(f"{GROUP}/") == []


def test_a_clusters_group_takes_the_node_group_with_it_and_vaults_go_softly(bench: CoreBench) -> None:
    for group in ("rg-aks-prod", "rg-security"):
        bench.send("DELETE", f"{ROOT}/resourceGroups/{group}")
    bench.pass_(resource_groups.DELETE_SECONDS)
    left = names(bench, f"{ROOT}/resourceGroups")
    assert not [name for name in left if "prod" in name or name == "rg-security"]
    deleted = names(bench, f"{ROOT}/providers/Microsoft.KeyVault/deletedVaults")
    assert sorted(deleted) == ["kv-contoso-dev", "kv-contoso-legacy", "kv-contoso-prod"]


def test_resources_are_filtered_by_type_and_name(bench: CoreBench) -> None:
    url = f"{ROOT}/resources?api-version=2015-11-01&$filter="
    vaults = names(bench, f"{url}resourceType eq 'microsoft.keyvault/VAULTS'")
    assert vaults == ["kv-contoso-dev", "kv-contoso-legacy", "kv-contoso-prod"]
    one = f"{url}resourceType eq 'Microsoft.KeyVault/vaults' and name eq 'kv-contoso-dev'"
    assert names(bench, one) == ["kv-contoso-dev"]
    tagged = names(bench, f"{url}tagName eq 'team' and tagValue eq 'platform'")
    assert tagged == ["aks-dev", "aks-legacy", "aks-private", "aks-prod"]


def test_subscriptions_are_seen_by_those_with_a_role(bench: CoreBench) -> None:
    assert bench.send("GET", "/subscriptions", client="reader").body["value"][0]["displayName"] == "Contoso"
    assert bench.send("GET", "/subscriptions", client="nobody").body["value"] == []


def test_a_provider_and_a_feature_are_registered(bench: CoreBench) -> None:
    provider = f"{ROOT}/providers/Microsoft.ServiceNetworking"
    assert bench.send("GET", provider).body["registrationState"] == "NotRegistered"
    assert bench.send("POST", f"{provider}/register").body["registrationState"] == "Registering"
    bench.pass_(60)
    assert bench.send("GET", provider).body["registrationState"] == "Registered"
    feature = (
        f"{ROOT}/providers/Microsoft.Features/providers/Microsoft.ContainerService/features"
        "/ApplicationLoadBalancerPreview"
    )
    assert bench.send("GET", feature).body["properties"]["state"] == "NotRegistered"
    assert bench.send("POST", f"{feature}/register").body["properties"]["state"] == "Registering"
    bench.pass_(299)
    assert bench.send("GET", feature).body["properties"]["state"] == "Registering"
    bench.pass_(1)
    assert bench.send("GET", feature).body["properties"]["state"] == "Registered"
    listed = bench.send("GET", feature.rpartition("/")[0]).body["value"]
    assert feature in [each["id"] for each in listed]
    every = bench.send("GET", f"{ROOT}/providers/Microsoft.Features/features").body["value"]
    assert [each["name"] for each in every] == [each["name"] for each in listed]
    bench.send("POST", f"{feature}/unregister")
    assert bench.send("GET", feature).body["properties"]["state"] == "NotRegistered"
    assert error(bench.send("GET", f"{feature}2"))[:2] == (404, "FeatureNotFound")
    assert error(bench.send("GET", f"{ROOT}/providers/Microsoft.Nope"))[1] == "InvalidResourceNamespace"


def test_writing_wants_the_provider_registered(bench: CoreBench) -> None:
    path = f"{GROUP}/providers/Microsoft.ServiceNetworking/trafficControllers/tc"
    refused = bench.send("PUT", path, {"location": "westeurope"})
    assert error(refused)[:2] == (409, "MissingSubscriptionRegistration")
    assert error(bench.send("GET", path))[:2] == (404, "ResourceNotFound")
    bench.send("POST", f"{ROOT}/providers/Microsoft.ServiceNetworking/register")
    bench.pass_(60)
    assert bench.send("PUT", path, {"location": "westeurope"}).status == 201


def test_a_body_wants_rights_where_it_leads(bench: CoreBench) -> None:
    bench.send("POST", f"{ROOT}/providers/Microsoft.ServiceNetworking/register")
    bench.pass_(60)
    path = f"{GROUP}/providers/Microsoft.ServiceNetworking/trafficControllers/tc"
    new_assignment(
        bench.azure,
        GROUP,
        roles.AGC_CONFIGURATION_MANAGER,
        CLIENTS["nobody"].object_id,
        created=LONG_AGO,
    )
    assert bench.send("PUT", path, {"location": "westeurope"}, client="nobody").status == 201
    subnet = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
    body = {"location": "westeurope", "properties": {"subnet": {"id": subnet}}}
    refused = bench.send("PUT", f"{path}/associations/as", body, client="nobody")
    assert error(refused)[1] == "LinkedAuthorizationFailed"
    assert "virtualNetworks/subnets/join/action" in error(refused)[2]


def test_an_identity_lives_as_recorded(bench: CoreBench) -> None:
    made = bench.send("PUT", IDENTITY_ID, {"location": "westeurope"})
    answered = IDENTITY_ID.replace("resourceGroups", "resourcegroups")
    assert (made.status, made.body["id"], made.headers["Location"]) == (201, answered, answered)
    assert "provisioningState" not in made.body["properties"]
    again = bench.send("PUT", IDENTITY_ID, {"location": "westeurope", "tags": {"a": "b"}})
    assert (again.status, again.body["properties"]) == (200, made.body["properties"])
    assert bench.send("GET", f"{GROUP}/providers/{IDENTITY}").body == {"value": [again.body]}
    assert [bench.send("DELETE", IDENTITY_ID).status for _ in range(2)] == [200, 204]
    assert bench.azure.store.get("principal", made.body["properties"]["principalId"]) is None


def test_federated_credentials_are_unique_and_at_most_twenty(bench: CoreBench) -> None:
    bench.send("PUT", IDENTITY_ID, {"location": "westeurope"})
    url = f"{IDENTITY_ID}/federatedIdentityCredentials"
    statuses = [bench.send("PUT", f"{url}/fic", {"properties": CREDENTIAL}).status for _ in range(2)]
    assert statuses == [201, 200]
    twin = bench.send("PUT", f"{url}/twin", {"properties": CREDENTIAL})
    assert error(twin)[:2] == (409, "Conflict")
    for number in range(19):
        other = {**CREDENTIAL, "subject": f"system:serviceaccount:a:{number}"}
        assert bench.send("PUT", f"{url}/fic{number}", {"properties": other}).status == 201
    assert bench.send("PUT", f"{url}/one-more", {"properties": {**CREDENTIAL, "subject": "s"}}).status == 400
    listed = bench.send("GET", url).body
    assert (len(listed["value"]), "nextLink" in listed) == (20, False)
    assert [bench.send("DELETE", f"{url}/fic").status for _ in range(2)] == [200, 204]


def test_a_credential_needs_its_identity(bench: CoreBench) -> None:
    url = f"{IDENTITY_ID}/federatedIdentityCredentials/fic"
    assert error(bench.send("PUT", url, {"properties": CREDENTIAL}))[:2] == (404, "ParentResourceNotFound")


def test_the_seed_is_planted_once(bench: CoreBench) -> None:
    bench.send("DELETE", GROUP)
    bench.pass_(resource_groups.DELETE_SECONDS)
    bench.azure.settle()
    seed.seed(bench.azure)
    assert "rg-dns" not in names(bench, f"{ROOT}/resourceGroups")


def test_ensure_makes_what_never_existed_and_only_once(bench: CoreBench) -> None:
    def ensure() -> list[str]:
        return seed.ensure(
            bench.azure,
            OTHER,
            cluster=("rg-shop", "aks-shop"),
            vaults={"kv-shop": "rg-keys"},
            groups=["rg-dns"],
        )

    made = ensure()
    assert [line.split()[0] for line in made] == ["subscription", *["resource"] * 3, "AKS", "key"]
    cluster = (
        f"/subscriptions/{OTHER}/resourceGroups/rg-shop/providers/Microsoft.ContainerService/managedClusters"
    )
    assert bench.send("GET", f"{cluster}/aks-shop", client="contributor").status == 200
    bench.send("DELETE", f"/subscriptions/{OTHER}/resourceGroups/rg-shop")
    bench.pass_(resource_groups.DELETE_SECONDS)
    assert ensure() == []
    assert bench.send("GET", f"/subscriptions/{OTHER}/resourceGroups/rg-shop").status == 404


def test_ensure_leaves_the_seeded_alone(bench: CoreBench) -> None:
    assert (
        seed.ensure(bench.azure, SUBSCRIPTION, cluster=("rg-aks-prod", "aks-prod"), groups=["rg-dns"]) == []
    )


def test_what_a_profile_names_of_networks_is_made_once(bench: CoreBench) -> None:
    network = f"{ROOT}/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/hub"
    subnets = [f"{network}/subnets/{name}" for name in ("one", "two")]
    firewall = f"{ROOT}/resourceGroups/rg-net/providers/{waf_policies.WAF_POLICY}/waf"
    made = seed.ensure(bench.azure, SUBSCRIPTION, subnets=subnets, firewalls=[firewall])
    assert made[0] == "resource group rg-net in westeurope"
    assert len(made) == 4
    assert seed.ensure(bench.azure, SUBSCRIPTION, subnets=subnets, firewalls=[firewall]) == []
    shown = bench.send("GET", network).body["properties"]["subnets"]
    assert [each["properties"]["addressPrefix"] for each in shown] == ["10.100.0.0/24", "10.100.1.0/24"]
    services = {each["properties"]["delegations"][0]["properties"]["serviceName"] for each in shown}
    assert services == {"Microsoft.ServiceNetworking/trafficControllers"}
    assert bench.send("GET", firewall).body["properties"]["policySettings"]["mode"] == "Prevention"
