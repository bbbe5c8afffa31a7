"""The service mesh of a cluster as ARM sees it: revisions and their order, components, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from arm_bench import GROUP, ArmBench

from provision.sandbox import managed_clusters
from provision.sandbox.azure import SUBSCRIPTION, Answer, Json
from provision.sandbox.managed_clusters import new_cluster

CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/aks-test"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-test"
PLUGIN = {
    "keyVaultId": VAULT,
    "certObjectName": "ca-cert",
    "keyObjectName": "ca-key",
    "rootCertObjectName": "root-cert",
    "certChainObjectName": "cert-chain",
}
KEY_VAULT = {"azureKeyvaultSecretsProvider": {"enabled": True}}


class MeshBench(ArmBench):
    """`aks-test`, with properties."""

    def __init__(self, **properties: Any) -> None:
        super().__init__(managed_clusters.ROUTES, managed_clusters.SETTLERS)
        wanted = {"kubernetesVersion": "1.35", **properties}
        new_cluster(self.azure, SUBSCRIPTION, "rg-test", "aks-test", "westeurope", properties=wanted)

    def put(self, mesh: Json, **properties: Any) -> Answer:
        body = self.send("GET", CLUSTER).body
        body["properties"] |= {"serviceMeshProfile": mesh, **properties}
        return self.send("PUT", CLUSTER, body)

    def settle(self, mesh: Json, **properties: Any) -> Json:
        answer = self.put(mesh, **properties)
        assert answer.status == 200, answer.body
        self.pass_(1000)
        found: Json = self.send("GET", CLUSTER).body["properties"]["serviceMeshProfile"]
        return found

    def refused(self, mesh: Json, **properties: Any) -> Json:
        answer = self.put(mesh, **properties)
        assert answer.status == 400, answer.body
        found: Json = answer.body
        return found

    def upgrades(self) -> list[Json]:
        found: list[Json] = self.send("GET", f"{CLUSTER}/meshUpgradeProfiles").body["value"]
        return found


def mesh(*revisions: str, **istio: Any) -> Json:
    return {"mode": "Istio", "istio": {"revisions": list(revisions), **istio}}


def test_an_upgrade_goes_beside_and_is_completed_or_rolled_back() -> None:
    bench = MeshBench()
    assert bench.upgrades() == []
    assert bench.send("GET", f"{CLUSTER}/meshUpgradeProfiles/istio").status == 404
    bench.settle(mesh("asm-1-28"))
    (profile,) = bench.upgrades()
    assert profile["type"] == "Microsoft.ContainerService/managedClusters/meshUpgradeProfiles"
    assert profile["properties"]["revision"] == "asm-1-28"
    assert profile["properties"]["upgrades"] == ["asm-1-29", "asm-1-30"]
    assert [each["name"] for each in profile["properties"]["compatibleWith"]] == [
        "KubernetesOfficial",
        "AKSLongTermSupport",
    ]
    assert bench.send("GET", f"{CLUSTER}/meshUpgradeProfiles/istio").body == profile
    bench.settle(mesh("asm-1-28", "asm-1-30"))
    assert "upgrades" not in bench.upgrades()[0]["properties"]
    bench.settle(mesh("asm-1-28"))
    bench.settle(mesh("asm-1-28", "asm-1-29"))
    assert bench.settle(mesh("asm-1-29"))["istio"]["revisions"] == ["asm-1-29"]
    assert bench.upgrades()[0]["properties"]["upgrades"] == ["asm-1-30"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([], ["asm-1-20"], "Revision asm-1-20 is not supported by the service mesh add-on."),
        ([], ["asm-1-28", "asm-1-29"], "A new installation has one revision."),
        (
            ["asm-1-28"],
            ["asm-1-29"],
            "Revision asm-1-28 must stay until the upgrade to asm-1-29 is completed.",
        ),
        (["asm-1-30"], ["asm-1-30", "asm-1-29"], "Revision asm-1-30 cannot be upgraded to asm-1-29."),
        (["asm-1-28", "asm-1-29"], ["asm-1-28", "asm-1-30"], "Complete or roll back the upgrade"),
        (["asm-1-28", "asm-1-29"], ["asm-1-30"], "Complete or roll back the upgrade"),
        (["asm-1-26"], ["asm-1-26", "asm-1-29"], "Available upgrades: asm-1-28."),
        (["asm-1-28"], ["asm-1-28", "asm-1-28"], "At most two different revisions are allowed."),
    ],
)
def test_revisions_change_in_their_order(before: list[str], after: list[str], told: str) -> None:
    bench = MeshBench(**({"serviceMeshProfile": mesh(*before)} if before else {}))
    refused = bench.refused(mesh(*after))
    assert (refused["code"], refused["target"]) == ("BadRequest", "serviceMeshProfile.istio.revisions")
    assert refused["message"].startswith("Requested change in revisions is not allowed. Reason: ")
    assert told in refused["message"]


def test_a_revision_out_of_support_stays_and_leads_to_the_nearest() -> None:
    bench = MeshBench(serviceMeshProfile=mesh("asm-1-26"))
    assert bench.settle(mesh("asm-1-26"))["istio"]["revisions"] == ["asm-1-26"]
    assert bench.upgrades()[0]["properties"]["upgrades"] == ["asm-1-28"]


def test_a_cluster_is_not_upgraded_past_its_mesh() -> None:
    bench = MeshBench(serviceMeshProfile=mesh("asm-1-28"))
    refused = bench.refused(mesh("asm-1-28"), kubernetesVersion="1.36")
    assert "Revision asm-1-28 is not compatible with cluster version 1.36." in refused["message"]


@pytest.mark.parametrize(
    ("before", "after", "mechanism"),
    [
        ({"mode": "Disabled"}, "asm-1-30", "CNIChaining"),
        ({"mode": "Disabled"}, "asm-1-29", None),
        (mesh("asm-1-29"), "asm-1-29", None),
    ],
)
def test_new_installations_of_1_30_use_istio_cni(before: Json, after: str, mechanism: str | None) -> None:
    bench = MeshBench(serviceMeshProfile=before)
    components = bench.settle(mesh(after))["istio"]["components"]
    assert components.get("proxyRedirectionMechanism") == mechanism
    upgraded = bench.settle(mesh(after, components={"proxyRedirectionMechanism": "InitContainers"}))
    assert upgraded["istio"]["components"] == {"proxyRedirectionMechanism": "InitContainers"}


EGRESS = {"enabled": True, "name": "out", "gatewayConfigurationName": "sgc"}


@pytest.mark.parametrize(
    ("istio", "told"),
    [
        ({"components": {"ingressGateways": [{"mode": "Public", "enabled": True}]}}, "External, Internal"),
        (
            {"components": {"ingressGateways": [{"mode": "External", "enabled": True}] * 2}},
            "Only one internal",
        ),
        ({"components": {"proxyRedirectionMechanism": "Ambient"}}, "InitContainers, CNIChaining"),
        ({"components": {"egressGateways": [EGRESS]}}, "require the Static Egress Gateway"),
        ({"components": {"egressGateways": [{**EGRESS, "name": "Out"}]}}, "name 'Out' is invalid"),
        (
            {"components": {"egressGateways": [{"enabled": True, "name": "out"}]}},
            "needs a gatewayConfigurationName",
        ),
        ({"certificateAuthority": {"plugin": {"keyVaultId": VAULT}}}, "certObjectName is missing"),
        ({"certificateAuthority": {"plugin": {**PLUGIN, "keyVaultId": "kv"}}}, "not a valid Key Vault"),
        ({"certificateAuthority": {"plugin": PLUGIN}}, "requires the azureKeyvaultSecretsProvider add-on"),
    ],
)
def test_components_and_authorities_are_checked(istio: Json, told: str) -> None:
    assert told in MeshBench().refused(mesh("asm-1-29", **istio))["message"]


def test_an_egress_gateway_needs_the_static_one() -> None:
    bench = MeshBench()
    network = bench.send("GET", CLUSTER).body["properties"]["networkProfile"]
    network["staticEgressGatewayProfile"] = {"enabled": True}
    found = bench.settle(mesh("asm-1-29", components={"egressGateways": [EGRESS]}), networkProfile=network)
    assert found["istio"]["components"]["egressGateways"] == [EGRESS]


def test_an_authority_is_plugged_in_at_the_start_only() -> None:
    plugged = mesh("asm-1-29", certificateAuthority={"plugin": PLUGIN})
    assert (
        MeshBench(addonProfiles=KEY_VAULT).settle(plugged)["istio"]["certificateAuthority"]["plugin"]
        == PLUGIN
    )
    signed = MeshBench(addonProfiles=KEY_VAULT, serviceMeshProfile=mesh("asm-1-29"))
    assert "Switching from the self-signed" in signed.refused(plugged)["message"]


def test_the_mesh_stands_beside_no_open_service_mesh() -> None:
    bench = MeshBench(addonProfiles={"openServiceMesh": {"enabled": True}})
    assert bench.refused(mesh("asm-1-29"))["target"] == "serviceMeshProfile.mode"
