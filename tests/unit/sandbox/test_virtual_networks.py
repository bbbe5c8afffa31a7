"""Virtual networks and subnets: long operations, what is counted, what is refused while in use."""

from __future__ import annotations

import pytest
from arm_bench import GROUP, ArmBench

from provision.sandbox import virtual_networks
from provision.sandbox.azure import Json

NETWORKS = f"{GROUP}/providers/Microsoft.Network/virtualNetworks"
NETWORK = f"{NETWORKS}/vnet-aks"
NODES, GATEWAY = f"{NETWORK}/subnets/nodes", f"{NETWORK}/subnets/alb"
SERVICE = "Microsoft.ServiceNetworking/trafficControllers"
DELEGATION: Json = {"name": "0", "properties": {"serviceName": SERVICE}}
HOLDER = f"{GROUP}/providers/{SERVICE}/tc/associations/one"


@pytest.fixture
def bench() -> ArmBench:
    bench = ArmBench(virtual_networks.ROUTES, virtual_networks.SETTLERS)
    made = bench.send("PUT", NETWORK, body(nodes="10.0.0.0/20"))
    assert made.status == 201
    bench.pass_(10)
    return bench


def body(**subnets: str) -> Json:
    return {
        "location": "westeurope",
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [
                {"name": name, "properties": {"addressPrefix": prefix}} for name, prefix in subnets.items()
            ],
        },
    }


def subnet(prefix: str, *delegations: Json) -> Json:
    return {"properties": {"addressPrefix": prefix, "delegations": list(delegations)}}


def code(bench: ArmBench, method: str, path: str, sent: Json | None = None, **headers: str) -> str:
    return str(bench.send(method, path, sent, headers).body["error"]["code"])


def test_a_network_is_updating_until_its_operation_ends(bench: ArmBench) -> None:
    made = bench.send("PUT", f"{NETWORKS}/other", body())
    assert made.headers["azure-asyncnotification"] == "Enabled"
    assert made.body["properties"]["provisioningState"] == "Updating"
    assert bench.poll(made) == {"status": "InProgress"}
    bench.pass_(5)
    assert bench.poll(made) == {"status": "Succeeded"}
    shown = bench.send("GET", f"{NETWORKS}/other")
    assert shown.body["properties"]["provisioningState"] == "Succeeded"
    assert shown.headers["ETag"] == shown.body["etag"]
    assert shown.body["etag"].startswith('W/"')


def test_a_network_shows_its_subnets(bench: ArmBench) -> None:
    (shown,) = bench.send("GET", NETWORK).body["properties"]["subnets"]
    assert shown == bench.send("GET", NODES).body
    assert shown["properties"]["provisioningState"] == "Succeeded"
    assert shown["properties"]["privateEndpointNetworkPolicies"] == "Disabled"


def test_a_delegation_gets_id_and_actions(bench: ArmBench) -> None:
    made = bench.send("PUT", GATEWAY, subnet("10.0.16.0/24", DELEGATION))
    assert made.status == 201
    (found,) = made.body["properties"]["delegations"]
    assert found["id"] == f"{GATEWAY}/delegations/0"
    assert found["properties"]["actions"] == ["Microsoft.Network/virtualNetworks/subnets/join/action"]


def test_what_a_put_leaves_out_is_gone(bench: ArmBench) -> None:
    bench.send("PUT", GATEWAY, subnet("10.0.16.0/24", DELEGATION))
    again = bench.send("PUT", GATEWAY, subnet("10.0.16.0/24"))
    assert (again.status, again.body["properties"]["delegations"]) == (200, [])


def test_usages_count_what_is_held(bench: ArmBench) -> None:
    bench.send("PUT", GATEWAY, subnet("10.0.16.0/24", DELEGATION))
    virtual_networks.hold(bench.azure, GATEWAY, HOLDER, 3)
    virtual_networks.hold(bench.azure, GATEWAY, f"{HOLDER}2", 1)
    usage = {each["id"]: each for each in bench.send("GET", f"{NETWORK}/usages").body["value"]}
    assert (usage[GATEWAY]["currentValue"], usage[GATEWAY]["limit"]) == (4.0, 251.0)
    virtual_networks.hold(bench.azure, GATEWAY, HOLDER, 0)
    assert len(bench.send("GET", GATEWAY).body["properties"]["ipConfigurations"]) == 1


def test_a_subnet_in_use_keeps_range_and_delegation(bench: ArmBench) -> None:
    bench.send("PUT", GATEWAY, subnet("10.0.16.0/24", DELEGATION))
    virtual_networks.hold(bench.azure, GATEWAY, HOLDER, 1)
    refused = code(bench, "PUT", GATEWAY, subnet("10.0.16.0/25", DELEGATION))
    assert refused == "InUsePrefixCannotBeDeleted"
    assert code(bench, "PUT", GATEWAY, subnet("10.0.16.0/24")) == "SubnetMissingRequiredDelegation"
    assert code(bench, "DELETE", GATEWAY) == "InUseSubnetCannotBeDeleted"
    assert code(bench, "DELETE", NETWORK) == "InUseSubnetCannotBeDeleted"
    kept = bench.send("PUT", GATEWAY, subnet("10.0.16.0/24", DELEGATION))
    assert kept.body["properties"]["ipConfigurations"][0]["id"].startswith(HOLDER)


@pytest.mark.parametrize(
    ("prefix", "refused"),
    [
        ("10.1.0.0/24", "NetcfgInvalidSubnet"),
        ("10.0.8.0/24", "NetcfgSubnetRangesOverlap"),
        ("10.0.8.1/24", "InvalidAddressPrefixFormat"),
    ],
)
def test_ranges(bench: ArmBench, prefix: str, refused: str) -> None:
    assert code(bench, "PUT", GATEWAY, subnet(prefix)) == refused


def test_a_subnet_needs_its_network(bench: ArmBench) -> None:
    orphan = f"{NETWORKS}/none/subnets/x"
    assert code(bench, "PUT", orphan, subnet("10.0.0.0/24")) == "ParentResourceNotFound"
    assert code(bench, "GET", orphan) == "ResourceNotFound"
    assert code(bench, "GET", GATEWAY) == "NotFound"


def test_preconditions_are_checked_at_once(bench: ArmBench) -> None:
    sent, stale = subnet("10.0.0.0/20"), {"If-Match": 'W/"old"'}
    assert code(bench, "PUT", NODES, sent, **stale) == "PreconditionFailed"
    current = {"If-Match": bench.send("GET", NODES).body["etag"]}
    assert bench.send("PUT", NODES, sent, current).status == 200


def test_deletion(bench: ArmBench) -> None:
    accepted = bench.send("DELETE", NETWORK)
    assert accepted.status == 202
    assert bench.send("GET", accepted.headers["Location"]).status == 202
    bench.pass_(10)
    assert bench.send("GET", accepted.headers["Location"]).status == 204
    assert bench.send("DELETE", NETWORK).status == 204
    assert code(bench, "GET", NODES) == "ResourceNotFound"
