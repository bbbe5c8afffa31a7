"""destroy: the cluster is as it was, what is ours is gone, what is not stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from command_line import CLUSTER_KIND, PROD, VAULT, ZONE, Applied, CommandLine

from provision.sandbox.azure import SUBSCRIPTION, Json

ABSENT = "absent"

_ADDON = "properties.addonProfiles.azureKeyvaultSecretsProvider"
_ROUTING = "properties.ingressProfile.webAppRouting"
LEFTOVERS: dict[str, tuple[Any, str]] = {
    f"{_ADDON}.enabled": (False, "AKS keeps the block of an add-on that was on once"),
    f"{_ADDON}.config": (None, "of the same block"),
    f"{_ROUTING}.enabled": (False, "AKS keeps the block of app routing that was on once"),
    f"{_ROUTING}.dnsZoneResourceIds": (None, "of the same block"),
    f"{_ROUTING}.identity": (None, "of the same block"),
    f"{_ROUTING}.nginx.defaultIngressControllerType": (
        "AnnotationControlled",
        "of the same block; what a cluster gets that was never told otherwise",
    ),
    f"{_ROUTING}.gatewayAPIImplementations.appRoutingIstio.mode": ("Disabled", "of the same block"),
    "properties.ingressProfile.gatewayAPI.installation": ("Disabled", "how the managed CRDs are off"),
    "properties.serviceMeshProfile.mode": ("Disabled", "AKS adds it with approuting-istio"),
}
"""What AKS leaves in a cluster's document where there was nothing: value and reason."""

RENEWED = {
    "eTag": "every operation renews it",
    "properties.agentPoolProfiles.0.eTag": "an operation on the cluster renews the pools' tags too",
    "systemData.lastModifiedAt": "the time of the destroy itself",
}

CLUSTERS = {"prod": "aks-prod", "dev": "aks-dev", "nginx": "aks-legacy"}


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a document by its path; an empty object is a leaf of its own."""
    if isinstance(value, dict | list) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, below in pairs:
            yield from flat(below, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def everything(provision: CommandLine) -> dict[str, Json]:
    """Every Azure resource in the sandbox by its id."""
    with provision.azure() as azure:
        kinds = azure.store.dump()
    return {id_: each for kind, held in kinds.items() if "/" in kind for id_, each in held.items()}


@pytest.mark.parametrize("name", CLUSTERS)
def test_the_cluster_is_as_it_was_property_by_property(
    name: str, provision: CommandLine, applied: Applied
) -> None:
    profile = (f"profiles/{name}.yaml", "--sandbox")
    provision("plan", *profile)  # seeds
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{CLUSTERS[name]}"
    id_ = f"{group}/providers/{CLUSTER_KIND}/{CLUSTERS[name]}"
    before = dict(flat(provision.document(CLUSTER_KIND, id_)))
    others = everything(provision)

    assert provision("apply", *profile).code == 0
    assert dict(flat(provision.document(CLUSTER_KIND, id_))) != before
    destroyed = provision("destroy", *profile, "--yes")
    assert destroyed.code == 0
    assert len(destroyed.cluster_puts()) == 1

    after = dict(flat(provision.document(CLUSTER_KIND, id_)))
    for path, was in before.items():
        if path in RENEWED:
            assert after[path] != was, path
        elif was != {}:  # an empty object may have been filled, or dropped when sent back
            assert after.get(path, ABSENT) == was, path
    left = {path: value for path, value in after.items() if path not in before}
    assert left == {path: LEFTOVERS[path][0] for path in left}
    assert set(others) == set(everything(provision))

    again = provision("destroy", *profile, "--yes")
    assert (again.code, again.writes()) == (0, [])
    assert "Nothing to destroy." in again.out


def test_what_was_on_before_us_stays_on(provision: CommandLine) -> None:
    provision("plan", *PROD)
    with provision.azure() as azure:
        (cluster,) = azure.store.list(CLUSTER_KIND, _prod_group())
        cluster["properties"]["addonProfiles"] = {
            "azureKeyvaultSecretsProvider": {"enabled": True, "config": {"enableSecretRotation": "false"}}
        }
        cluster["properties"]["ingressProfile"] = {
            "webAppRouting": {"enabled": True, "nginx": {"defaultIngressControllerType": "Internal"}}
        }
        azure.store.put(CLUSTER_KIND, cluster["id"], cluster)
    assert provision("apply", *PROD).code == 0
    assert provision("destroy", *PROD, "--yes").code == 0
    with provision.azure() as azure:
        (cluster,) = azure.store.list(CLUSTER_KIND, _prod_group())
    addon = cluster["properties"]["addonProfiles"]["azureKeyvaultSecretsProvider"]
    routing = cluster["properties"]["ingressProfile"]["webAppRouting"]
    assert (addon["enabled"], addon["config"]["enableSecretRotation"]) == (True, "false")
    assert (routing["enabled"], routing["nginx"]["defaultIngressControllerType"]) == (True, "Internal")
    assert routing["gatewayAPIImplementations"]["appRoutingIstio"]["mode"] == "Disabled"


def _prod_group() -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-aks-prod/"


def test_a_foreign_record_stops_the_zone_alone(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    record = f"{ZONE}/A/www"
    with provision.azure() as azure:
        azure.store.put("Microsoft.Network/dnsZones/recordsets", record, _foreign_record(record))
    done = provision("destroy", *PROD, "--yes", "--format", "json")
    assert done.code == 1
    assert {address for address, status in done.statuses().items() if status == "failed"} == {
        "dns_zone/contoso.com"
    }
    assert set(done.statuses().values()) == {"updated", "deleted", "unchanged", "failed"}
    assert done.errors()["dns_zone/contoso.com"] == (
        "deleting dns_zone/contoso.com: the zone holds 1 record sets that are not ours: A www\n"
        "Remove them first, or keep the zone."
    )
    left = [id_ for id_ in everything(provision) if id_.startswith(ZONE)]
    assert [id_.removeprefix(f"{ZONE}/") for id_ in left] == [ZONE, "A/www", "NS/@", "SOA/@"]

    with provision.azure() as azure:
        azure.store.delete("Microsoft.Network/dnsZones/recordsets", record)
    assert provision("destroy", *PROD, "--yes").code == 0
    assert not [id_ for id_ in everything(provision) if id_.startswith(ZONE)]


def _foreign_record(id_: str) -> Json:
    properties = {"TTL": 60, "ARecords": [{"ipv4Address": "192.0.2.1"}], "fqdn": "www.contoso.com."}
    return {
        "id": id_,
        "name": "www",
        "type": "Microsoft.Network/dnszones/A",
        "etag": "1",
        "properties": properties,
    }


def test_what_is_not_ours_stays(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    with provision.azure() as azure:
        shop = f"{VAULT}/certificates/shop-tls/"
        (version,) = azure.store.list("keyvault.version", shop)
        unmarked = {**version, "tags": {"owner": "another team"}}
        azure.store.put("keyvault.version", f"{shop}{version['version']}", unmarked)
    done = provision("destroy", *PROD, "--yes", "--format", "json")
    assert done.code == 0
    kept = [address for address, status in done.statuses().items() if status == "unchanged"]
    assert set(kept) == {
        "key_vault/kv-contoso-prod",
        "certificate/kv-contoso-prod/shop-tls",
        "kubernetes/Namespace/api",
        "kubernetes/Namespace/shop",
    }
    assert "certificate/kv-contoso-prod/shop-tls  not ours: kept" in done.err


def test_without_yes_and_without_a_terminal_nothing_happens(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    before = everything(provision)
    done = provision("destroy", *PROD)
    assert (done.code, done.writes()) == (1, [])
    assert done.out.splitlines()[0].startswith("Plan for profile prod")
    assert done.err.splitlines() == [
        "Error: applying the plan: it deletes or replaces, and there is no terminal to ask on",
        "Review it, then run the same command with --yes.",
    ]
    assert everything(provision) == before


def test_everything_can_be_applied_again(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    assert provision("destroy", *PROD, "--yes").code == 0
    again = provision("apply", *PROD)
    assert again.code == 0, again.out
    assert provision("drift", *PROD).code == 0


def test_a_reader_destroys_nothing(
    provision: CommandLine, applied: Applied, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied("prod")
    before = set(everything(provision))
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", "reader")
    done = provision("destroy", *PROD, "--yes")
    assert done.code == 1
    assert set(everything(provision)) == before
