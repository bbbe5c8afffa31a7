"""What a profile no longer names: found wherever it is, deleted when told, in no destroy's way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from command_line import CLUSTER, CLUSTER_KIND, IDENTITY, PROD, ROOT, VAULT, Applied, CommandLine, Ran

from provision.sandbox.azure import SUBSCRIPTION, Json

KINDS = (
    "certificate/",
    "dns_zone/",
    "federated_credential/",
    "host_record/",
    "private_dns_zone/",
    "record_set/",
    "role_assignment/",
    "user_assigned_identity/",
    "virtual_network_link/",
)
ZONE_ROLE = "role_assignment/contoso.com/dns-zone-contributor/id-ingress-prod"
VAULT_ROLE = "role_assignment/kv-contoso-prod/key-vault-secrets-user/id-ingress-prod"
RECORDS = {"record_set/contoso.com/CAA/@", "record_set/contoso.com/CNAME/status"}
API_CREDENTIALS = {
    "federated_credential/id-ingress-prod/provision_prod_api_api-ingress",
    "federated_credential/id-ingress-prod/provision_prod_api_prod-ingress",
}
CREDENTIALS = {*API_CREDENTIALS, "federated_credential/id-ingress-prod/provision_prod_shop_prod-ingress"}
CORP = "corp.contoso.com"
LINK = f"virtual_network_link/{CORP}/vnet-hub"
CORP_ROLE = f"role_assignment/{CORP}/private-dns-zone-contributor/webapprouting"
# What the cluster's DNS controller wrote into a zone is not ours, and keeps the zone from being deleted.
NO_HOSTS: Mapping[str, object] = {"hosts": None}
NO_INTRANET: Mapping[str, object] = {"hosts": {f"intranet.{CORP}": None}}
SHOPS = "shops.contoso.com"
TWO_ZONES: Mapping[str, object] = {
    "dns": {"zones": {SHOPS: {"resourceGroup": "rg-aks-prod"}}},
    "hosts": {f"www.{SHOPS}": {"namespace": "shop", "service": {"name": "shop", "port": 80}}},
}


@dataclass(frozen=True)
class Edit:
    """A profile that was applied, what a later version of it says (null takes a key away), what that
    leaves over, and what else it changes. `first` is said by a version between the two."""

    title: str
    says: Mapping[str, object]
    left: set[str]
    profile: str = "prod"
    others: Mapping[str, str] = field(default_factory=dict)
    first: Mapping[str, object] = field(default_factory=dict)


EDITS = [
    Edit("the last records of a zone", {"dns": {"records": []}}, RECORDS),
    Edit(
        "a certificate",
        {"certificates": {"api-tls": None}, "hosts": {"api.contoso.com": None}},
        {"certificate/kv-contoso-prod/api-tls", *API_CREDENTIALS, "host_record/contoso.com/api.contoso.com"},
    ),
    Edit(
        "all certificates",
        {"certificates": None, "hosts": None},
        {"certificate/kv-contoso-prod/api-tls", "certificate/kv-contoso-prod/shop-tls", *CREDENTIALS},
    ),
    Edit("the last credentials", {"hosts": None}, CREDENTIALS),
    Edit(
        "a whole zone",
        {**NO_HOSTS, "dns": None},
        {"dns_zone/contoso.com", ZONE_ROLE, *RECORDS},
        first=NO_HOSTS,
    ),
    Edit(
        "a zone that moves",
        {**NO_HOSTS, "dns": {"zones": {"contoso.com": {"resourceGroup": "rg-aks-prod"}}}},
        {
            "dns_zone/contoso.com@rg-dns",
            f"{ZONE_ROLE}@rg-dns",
            *(f"{record}@rg-dns" for record in RECORDS),
        },
        others={"dns_zone/contoso.com": "created", ZONE_ROLE: "created", **dict.fromkeys(RECORDS, "created")},
        first=NO_HOSTS,
    ),
    Edit(
        "an identity of another name",
        {"identity": {"name": "id-other"}},
        {"user_assigned_identity/id-ingress-prod", ZONE_ROLE, VAULT_ROLE},
        others={
            "user_assigned_identity/id-other": "created",
            **{each.replace("id-ingress-prod", "id-other"): "created" for each in CREDENTIALS},
            **{each.replace("id-ingress-prod", "id-other"): "created" for each in (ZONE_ROLE, VAULT_ROLE)},
        },
    ),
    Edit("a link", {"dns": {"zones": {CORP: {"links": []}}}}, {LINK}, "nginx"),
    Edit(
        "a whole private zone",
        {"dns": {"zones": {CORP: None}}, **NO_INTRANET},
        {f"private_dns_zone/{CORP}", LINK, CORP_ROLE, f"host_record/{CORP}/intranet.{CORP}"},
        "nginx",
        {"managed_cluster/aks-legacy": "updated"},
    ),
    Edit(
        "a zone and its last host",
        {},
        {
            f"dns_zone/{SHOPS}",
            f"role_assignment/{SHOPS}/dns-zone-contributor/id-ingress-prod",
            "record_set/contoso.com/NS/shops",
            f"host_record/{SHOPS}/www.{SHOPS}",
        },
        first=TWO_ZONES,
    ),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edited.yaml"


def write(file: Path, profile: str, says: Mapping[str, object]) -> tuple[str, str]:
    """The profile as edited; the arguments that name it."""
    file.write_text(yaml.safe_dump({"extends": f"{ROOT}/profiles/{profile}.yaml", **says}))
    return str(file), "--sandbox"


def prepare(edit: Edit, provision: CommandLine, applied: Applied, file: Path) -> None:
    """Apply the profile, and what was said between: without any host nobody looks into the cluster, where the
    DNS controller stays, and somebody takes its records."""
    applied(edit.profile)
    if edit.first:
        assert provision("apply", *write(file, edit.profile, edit.first), "--yes").code == 0
    if edit.first is NO_HOSTS:
        with provision.azure() as azure:
            for record in azure.store.list("Microsoft.Network/dnsZones/recordsets"):
                if record["name"] != "@" and "provision_profile" not in metadata(record):
                    azure.store.delete("Microsoft.Network/dnsZones/recordsets", record["id"])


def metadata(record: Json) -> Json:
    return record["properties"].get("metadata") or {}


def of_azure(addresses: Mapping[str, str]) -> dict[str, str]:
    return {address: each for address, each in addresses.items() if address.startswith((*KINDS, "managed"))}


def left_over(drift: Ran) -> set[str]:
    (report,) = drift.json()
    found = {each["resource"] for each in report["findings"] if each["kind"] == "left over"}
    return {address for address in found if address.startswith(KINDS)}


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.title)
def test_it_is_found_and_an_apply_deletes_it(
    edit: Edit, provision: CommandLine, applied: Applied, file: Path
) -> None:
    prepare(edit, provision, applied, file)
    edited = write(file, edit.profile, edit.says)
    drift = provision("drift", *edited, "--format", "json")
    assert drift.code == 2
    assert left_over(drift) == edit.left
    apply = provision("apply", *edited, "--yes", "--format", "json")
    assert apply.code == 0, apply.out
    done = {address: status for address, status in apply.statuses().items() if status != "unchanged"}
    assert of_azure(done) == {**dict.fromkeys(edit.left, "deleted"), **edit.others}
    assert provision("drift", *edited).code == 0


def test_nothing_is_deleted_unasked(provision: CommandLine, applied: Applied, file: Path) -> None:
    prepare(EDITS[0], provision, applied, file)
    apply = provision("apply", *write(file, EDITS[0].profile, EDITS[0].says))
    assert apply.code == 1
    assert not apply.writes()


# Without a host, nothing in the profile says whose the DNS controller's records in its zone are.
DESTROYED = [edit for edit in EDITS if edit.first or edit.says.get("hosts", {}) is not None]


@pytest.mark.parametrize("edit", DESTROYED, ids=lambda edit: edit.title)
def test_a_destroy_takes_it_too(edit: Edit, provision: CommandLine, applied: Applied, file: Path) -> None:
    prepare(edit, provision, applied, file)
    destroyed = provision("destroy", *write(file, edit.profile, edit.says), "--yes", "--format", "json")
    assert destroyed.code == 0, destroyed.out
    assert {address for address, status in destroyed.statuses().items() if status == "deleted"} >= edit.left
    again = provision("drift", f"profiles/{edit.profile}.yaml", "--sandbox", "--format", "json")
    (report,) = again.json()
    assert {each["kind"] for each in report["findings"] if each["resource"].startswith(KINDS)} == {"missing"}


def test_of_two_clusters_of_one_profile_nothing_is_left_over(
    provision: CommandLine, applied: Applied, file: Path
) -> None:
    """Which of the two a zone belongs to can't be told, so none may be deleted."""
    applied("prod")
    other = write(file, "prod", {"cluster": {"name": "aks-dev", "resourceGroup": "rg-aks-dev"}, "dns": None})
    drift = provision("drift", *other, "--format", "json")
    assert not {each for each in left_over(drift) if each.startswith("dns_zone/")}
    plan = provision("plan", *other)
    assert "- dns_zone/contoso.com" not in plan.out


def test_what_aks_gave_its_clusters_tags_is_not_ours(provision: CommandLine, applied: Applied) -> None:
    """AKS copies a cluster's tags to the identities that it makes."""
    applied("prod")
    kind = "Microsoft.ManagedIdentity/userAssignedIdentities"
    with provision.azure() as azure:
        cluster = azure.store.get(CLUSTER_KIND, CLUSTER)
        assert cluster is not None
        identity = azure.store.get(kind, IDENTITY)
        assert identity is not None
        group = cluster["properties"]["nodeResourceGroup"]
        id_ = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{kind}/aks-prod-agentpool"
        azure.store.put(
            kind, id_, {**identity, "id": id_, "name": "aks-prod-agentpool", "tags": cluster["tags"]}
        )
    assert provision("drift", *PROD).code == 0


def test_what_carries_another_profiles_mark_is_not_left_over(
    provision: CommandLine, applied: Applied
) -> None:
    applied("prod")
    provision("apply", "profiles/dev.yaml", "--sandbox", "--yes")
    assert provision("drift", *PROD).code == 0
    assert provision("drift", "profiles/dev.yaml", "--sandbox").code == 0


def test_a_role_that_somebody_else_gave_stays(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    kind = "Microsoft.Authorization/roleAssignments"
    with provision.azure() as azure:
        (ours,) = azure.store.list(kind, f"{VAULT}/providers/")
        theirs = {**ours, "id": f"{CLUSTER}/providers/{kind}/theirs", "name": "theirs"}
        theirs["properties"] = {**ours["properties"], "scope": CLUSTER, "description": "for the web team"}
        azure.store.put(kind, theirs["id"], theirs)
    assert provision("drift", *PROD).code == 0
