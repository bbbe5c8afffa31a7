"""The real az against the sandbox's AKS: what it reads, and what it sends when it changes a cluster."""

from __future__ import annotations

import pytest

from contract.az import Az, AzError
from provision.sandbox.azure import SUBSCRIPTION

ZONE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns/providers/Microsoft.Network/dnszones/az-aks.example"
)
PROD = ("-g", "rg-aks-prod", "-n", "aks-prod")
DEV = ("-g", "rg-aks-dev", "-n", "aks-dev")


def test_show_prints_the_cluster_as_aks_does(az: Az) -> None:
    shown = az("aks", "show", *PROD)
    assert shown["provisioningState"] == "Succeeded"
    assert shown["id"].split("/")[3] == "resourcegroups"
    assert shown["oidcIssuerProfile"]["issuerUrl"].endswith("/")
    assert shown["eTag"] not in [pool["eTag"] for pool in shown["agentPoolProfiles"]]


def test_app_routing_from_enable_over_zones_to_disable(az: Az) -> None:
    enabled = az("aks", "approuting", "enable", *PROD)["ingressProfile"]["webAppRouting"]
    assert enabled["identity"]["resourceId"].endswith("/webapprouting-aks-prod")
    assert enabled["nginx"] == {"defaultIngressControllerType": "AnnotationControlled"}
    az("network", "dns", "zone", "create", "-g", "rg-dns", "-n", "az-aks.example")
    attached = az("aks", "approuting", "zone", "add", *PROD, f"--ids={ZONE}", "--attach-zones")
    assert attached["ingressProfile"]["webAppRouting"]["dnsZoneResourceIds"] == [ZONE]
    granted = az("role", "assignment", "list", "--scope", ZONE)
    assert [each["roleDefinitionName"] for each in granted if each["scope"].lower() == ZONE.lower()] == [
        "DNS Zone Contributor"
    ]
    disabled = az("aks", "approuting", "disable", *PROD, "--yes")["ingressProfile"]["webAppRouting"]
    assert (disabled["enabled"], disabled["identity"], disabled["dnsZoneResourceIds"]) == (False, None, None)


def test_gateway_istio_and_the_mesh_exclude_each_other(az: Az) -> None:
    both = az("aks", "approuting", "enable", *DEV)
    assert both["ingressProfile"]["webAppRouting"]["gatewayApiImplementations"] == {
        "appRoutingIstio": {"mode": "Disabled"}
    }
    on = az("aks", "approuting", "gateway", "istio", "enable", *DEV)
    assert on["serviceMeshProfile"]["mode"] == "Disabled"
    with pytest.raises(AzError, match="BadRequest"):
        az("aks", "mesh", "enable", *DEV)
    az("aks", "approuting", "gateway", "istio", "disable", *DEV, "--yes")
    mesh = az("aks", "mesh", "enable", *DEV)["serviceMeshProfile"]
    assert mesh["istio"]["revisions"] == ["asm-1-29"]
    gateway = az("aks", "mesh", "enable-ingress-gateway", *DEV, "--ingress-gateway-type", "internal")
    (listed,) = gateway["serviceMeshProfile"]["istio"]["components"]["ingressGateways"]
    assert (listed["mode"], listed["enabled"]) == ("Internal", True)


def test_a_mesh_from_enable_over_upgrades_to_disable(az: Az) -> None:
    az("aks", "mesh", "enable", *PROD, "--revision", "asm-1-28")
    az("aks", "mesh", "enable-ingress-gateway", *PROD, "--ingress-gateway-type", "external")
    assert az("aks", "mesh", "get-upgrades", *PROD)["upgrades"] == ["asm-1-29", "asm-1-30"]
    started = az("aks", "mesh", "upgrade", "start", *PROD, "--revision", "asm-1-29")
    assert started["serviceMeshProfile"]["istio"]["revisions"] == ["asm-1-28", "asm-1-29"]
    back = az("aks", "mesh", "upgrade", "rollback", *PROD, "--yes")
    assert back["serviceMeshProfile"]["istio"]["revisions"] == ["asm-1-28"]
    with pytest.raises(AzError, match="Revision asm-1-20 is not supported by the service mesh add-on"):
        az("aks", "mesh", "upgrade", "start", *PROD, "--revision", "asm-1-20")
    az("aks", "mesh", "upgrade", "start", *PROD, "--revision", "asm-1-30")
    done = az("aks", "mesh", "upgrade", "complete", *PROD, "--yes")["serviceMeshProfile"]["istio"]
    assert done["revisions"] == ["asm-1-30"]
    assert az("aks", "mesh", "get-upgrades", *PROD)["upgrades"] is None
    chained = az("aks", "mesh", "proxy-redirection-mechanism", *PROD, "--mechanism", "CNIChaining")
    components = chained["serviceMeshProfile"]["istio"]["components"]
    assert components["proxyRedirectionMechanism"] == "CNIChaining"
    off = az("aks", "mesh", "disable-ingress-gateway", *PROD, "--ingress-gateway-type", "external", "--yes")
    (listed,) = off["serviceMeshProfile"]["istio"]["components"]["ingressGateways"]
    assert listed["enabled"] is False
    gone = az("aks", "mesh", "disable", *PROD, "--yes")
    assert gone["serviceMeshProfile"]["mode"] == "Disabled"


def test_a_precondition_of_az_is_the_sandboxes(az: Az) -> None:
    with pytest.raises(AzError, match="PreconditionFailed"):
        az("aks", "update", *PROD, "--tags", "a=b", "--if-match", "00000000-0000-0000-0000-000000000000")
    current = az("aks", "show", *PROD)["eTag"]
    updated = az("aks", "update", *PROD, "--tags", "a=b", "--if-match", current)
    assert updated["tags"] == {"a": "b"}
    assert updated["eTag"] != current


def test_create_and_delete(az: Az) -> None:
    new = ("-g", "rg-aks-dev", "-n", "aks-az-new")
    made = az("aks", "create", *new, "--no-ssh-key")
    assert made["provisioningState"] == "Succeeded"
    assert made["nodeResourceGroup"] == "MC_rg-aks-dev_aks-az-new_westeurope"
    az("aks", "delete", *new, "--yes")
    with pytest.raises(AzError, match="ResourceNotFound"):
        az("aks", "show", *new)


def test_versions_and_revisions(az: Az) -> None:
    revisions = az("aks", "mesh", "get-revisions", "-l", "westeurope")["meshRevisions"]
    assert revisions[-1]["upgrades"] is None
    versions = az("aks", "get-versions", "-l", "westeurope")["values"]
    assert [version["version"] for version in versions if version["isDefault"]] == ["1.35"]
