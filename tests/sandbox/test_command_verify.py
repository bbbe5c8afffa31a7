"""One link of a host's chain is broken behind the tool's back: verify names just that, apply mends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_line import (
    CLUSTER,
    CLUSTER_KIND,
    IDENTITY,
    LEGACY,
    PROD,
    ROOT,
    VAULT,
    ZONE,
    ZONE_KIND,
    Applied,
    CommandLine,
    Ran,
)

from provision.sandbox import faults
from provision.sandbox.azure import Azure
from provision.sandbox.edge.names import UNDELEGATED
from provision.sandbox.kubernetes import kinds
from provision.sandbox.kubernetes.objects import Cluster, Kind

Change = Callable[[Azure], None]

SHOP, API = "shop.contoso.com", "api.contoso.com"
_RECORD = f"{ZONE_KIND}/recordsets"
_ZONE_ROLES = f"{ZONE}/providers/Microsoft.Authorization/roleAssignments/"


def links(ran: Ran) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Host → status → links."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for host in ran.json()["hosts"]:
        by_status = found.setdefault(host["host"], {})
        for link in host["links"]:
            by_status.setdefault(link["status"], []).append(link)
    return found


def broken(ran: Ran) -> dict[str, set[str]]:
    """Host → subjects of the links that are broken or could not be checked."""
    return {
        host: {link["subject"] for status in ("broken", "not checked") for link in found.get(status, [])}
        for host, found in links(ran).items()
    }


def test_every_link_holds(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    done = provision("verify", *PROD, "--format", "json")
    assert done.code == 0, done.out
    assert broken(done) == {SHOP: set(), API: set()}
    for host, found in links(done).items():
        # The certificates of this profile are self-signed.
        assert [link["link"] for link in found["warning"]] == ["trust"]
        by_kind = {link["link"]: link for link in found["ok"]}
        thumbprints = {by_kind[kind]["detail"][:8] for kind in ("certificate", "secret", "wire")}
        assert len(thumbprints) == 1
        assert by_kind["record"]["detail"] == by_kind["gateway"]["detail"]
        assert by_kind["http"]["detail"] == f"200; plain HTTP: 301 → https://{host}/"
    assert [call for call in done.calls if call.method in ("PUT", "DELETE")] == []


def test_nginx_and_private_zones(provision: CommandLine, applied: Applied) -> None:
    applied("nginx")
    done = provision("verify", *LEGACY, "--format", "json")
    assert broken(done) == {"orders.legacy.contoso.com": set(), "intranet.corp.contoso.com": set()}
    plain = links(done)["intranet.corp.contoso.com"]["ok"]
    assert {link["link"] for link in plain} == {"resource", "delegation", "record", "gateway", "http"}


def test_some_hosts(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    done = provision("verify", *PROD, "--host", API)
    assert done.code == 0
    assert done.out.startswith(f"{API}: 1 warning; ")
    assert f"\n{SHOP}" not in done.out
    strange = provision("verify", *PROD, "--host", "x.contoso.com")
    assert strange.code == 1
    assert f"no host x.contoso.com in this profile\nIt has: {SHOP}, {API}" in strange.err


def gone(*prefixes: str) -> Change:
    def change(azure: Azure) -> None:
        for prefix in prefixes:
            found = azure.store.ids(prefix)
            assert found, f"nothing at {prefix}"
            for kind, id_ in found:
                azure.store.delete(kind, id_)

    return change


def in_cluster(kind: Kind, namespace: str, name: str, edit: Callable[[dict[str, Any]], None]) -> Change:
    """Changes an object as another client would."""

    def change(azure: Azure) -> None:
        cluster = azure.store.get(CLUSTER_KIND, CLUSTER)
        assert cluster is not None
        objects = Cluster(azure, cluster["properties"]["resourceUID"])
        body = objects.get(kind, name, namespace)
        assert body is not None
        edit(body)
        objects.put(kind, body)

    return change


def without_label(body: dict[str, Any]) -> None:
    del body["metadata"]["labels"]["azure.workload.identity/use"]


def without_rotation(azure: Azure) -> None:
    cluster = azure.store.get(CLUSTER_KIND, CLUSTER)
    assert cluster is not None
    addon = cluster["properties"]["addonProfiles"]["azureKeyvaultSecretsProvider"]
    addon["config"]["enableSecretRotation"] = "false"
    azure.store.put(CLUSTER_KIND, CLUSTER, cluster)


def undelegated(azure: Azure) -> None:
    azure.store.put(UNDELEGATED, "contoso.com", {"name": "contoso.com"})


def moved(azure: Azure) -> None:
    """Somebody points the record elsewhere, and the controller may not set it right."""
    gone(_ZONE_ROLES)(azure)
    record = azure.store.get(_RECORD, f"{ZONE}/A/shop")
    assert record is not None
    (address,) = record["properties"]["ARecords"]
    address["ipv4Address"] = "20.9.9.9"
    azure.store.put(_RECORD, f"{ZONE}/A/shop", record)


Finding = tuple[str, str | None]
"""Address and field, None where the whole resource is missing."""


@dataclass(frozen=True)
class Break:
    """A change, the links that are broken by it, for the host of the shop and for the API's, and what drift
    finds."""

    change: Change
    shop: set[str]
    api: set[str]
    drift: set[Finding]


ROLE = "role assignment kv-contoso-prod/key-vault-secrets-user/id-ingress-prod"
DNS_ROLE = "role assignment contoso.com/dns-zone-contributor/id-ingress-prod"
CREDENTIAL = "federated credential id-ingress-prod/provision_prod_shop_prod-ingress"
ACCOUNT = "kubernetes ServiceAccount/shop/prod-ingress"
SHOP_CERTIFICATE = "certificate/kv-contoso-prod/shop-tls"
_ROTATION = "addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation"


def address(subject: str) -> str:
    """`role assignment kv/x` → `role_assignment/kv/x`."""
    *words, name = subject.split(" ")
    return f"{'_'.join(words)}/{name}"


BREAKS = {
    "role": Break(
        gone(f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/"),
        {ROLE},
        {ROLE},
        {(address(ROLE), None)},
    ),
    "federated credential": Break(
        gone(f"{IDENTITY}/federatedIdentityCredentials/provision_prod_shop_prod-ingress"),
        {CREDENTIAL},
        set(),
        {(address(CREDENTIAL), None)},
    ),
    "label": Break(
        in_cluster(kinds.SERVICE_ACCOUNT, "shop", "prod-ingress", without_label),
        {ACCOUNT},
        set(),
        {(address(ACCOUNT), "metadata.labels[azure.workload.identity/use]")},
    ),
    "rotation": Break(
        without_rotation,
        {"managed cluster aks-prod"},
        {"managed cluster aks-prod"},
        {("managed_cluster/aks-prod", _ROTATION)},
    ),
    "record": Break(
        gone(_ZONE_ROLES, f"{ZONE}/A/shop"),
        {DNS_ROLE, f"record of {SHOP}"},
        {DNS_ROLE},
        {(address(DNS_ROLE), None), (f"host_record/contoso.com/{SHOP}", None)},
    ),
    "record elsewhere": Break(
        moved,
        {DNS_ROLE, f"record of {SHOP}"},
        {DNS_ROLE},
        {(address(DNS_ROLE), None), (f"host_record/contoso.com/{SHOP}", "address")},
    ),
}


def findings(drift: Ran) -> set[Finding]:
    (report,) = drift.json()
    return {(each["resource"], each["field"]) for each in report["findings"]}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_link_is_named_drifts_and_is_mended(
    name: str, provision: CommandLine, applied: Applied
) -> None:
    case = BREAKS[name]
    applied("prod")
    with provision.azure() as azure:
        case.change(azure)
    done = provision("verify", *PROD, "--format", "json")
    assert (done.code, broken(done)) == (2, {SHOP: case.shop, API: case.api})
    for subject in case.shop:
        (link,) = [each for each in links(done)[SHOP]["broken"] if each["subject"] == subject]
        assert link["fix"]
    drift = provision("drift", *PROD, "--format", "json")
    assert (drift.code, findings(drift)) == (2, case.drift)
    assert provision("apply", *PROD, "--yes").code == 0
    again = provision("verify", *PROD, "--format", "json")
    assert (again.code, broken(again)) == (0, {SHOP: set(), API: set()})


def test_a_certificate_for_another_name(provision: CommandLine, applied: Applied, tmp_path: Path) -> None:
    """Somebody has it issued anew: the vault, the cluster and the wire have one that is not the host's."""
    applied("prod")
    other = tmp_path / "other.yaml"
    names = f"shop-tls: {{dnsNames: [x.contoso.com]}}, api-tls: {{dnsNames: [{API}, {SHOP}]}}"
    other.write_text(
        f"extends: {ROOT}/profiles/prod.yaml\nname: prod\ncertificates: {{{names}}}\n"
        f"hosts: {{{SHOP}: {{certificate: api-tls}}}}\n"  # or the rules refuse it
    )
    made = provision("apply", str(other), "--sandbox", "--yes", "--target", SHOP_CERTIFICATE)
    assert made.code == 0, made.err + made.out

    done = provision("verify", *PROD, "--format", "json")
    settings = "certificate kv-contoso-prod/shop-tls"
    current = f"{settings} current version"
    wire = f"certificate on the wire for {SHOP}"
    assert (done.code, broken(done)) == (2, {SHOP: {settings, current, wire}, API: set()})
    told = {each["subject"]: each for each in links(done)[SHOP]["broken"]}
    assert "it is for x.contoso.com, not for shop.contoso.com" in told[current]["detail"]
    assert "dnsNames" in told[current]["fix"]

    drift = provision("drift", *PROD, "--format", "json")
    # Without a subject in the profile it is the first name.
    assert (drift.code, findings(drift)) == (
        2,
        {(SHOP_CERTIFICATE, "dnsNames"), (SHOP_CERTIFICATE, "subject")},
    )
    assert provision("apply", *PROD, "--yes").code == 0
    again = provision("verify", *PROD, "--format", "json")
    assert (again.code, broken(again)) == (0, {SHOP: set(), API: set()})


def test_a_delegation_is_not_the_profiles_to_mend(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    with provision.azure() as azure:
        undelegated(azure)
    done = provision("verify", *PROD, "--format", "json")
    subject = "delegation of contoso.com"
    assert (done.code, broken(done)) == (2, {SHOP: {subject}, API: {subject}})
    (link,) = links(done)[SHOP]["broken"]
    assert "at the registrar" in link["fix"]


def test_a_private_cluster_is_seen_through_the_run_command(provision: CommandLine, applied: Applied) -> None:
    """All the links, and of a Secret no more than its certificate in the output, which Azure keeps."""
    applied("private")
    done = provision("verify", "profiles/private.yaml", "--sandbox", "--format", "json")
    assert (done.code, broken(done)) == (0, {"intranet.corp.contoso.com": set()})
    assert not [call for call in done.calls if call.path.startswith("/kubernetes/")]
    commands = [call.body["command"] for call in done.calls if call.path.endswith("/runCommand")]
    about_secrets = [line for command in commands for line in command.splitlines() if "secret" in line]
    assert about_secrets
    assert all("-o jsonpath=" in line and "tls.key" not in line for line in about_secrets)


def test_a_cluster_that_may_not_be_read_is_never_green(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    refused = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no", "code": 403}
    with provision.azure() as azure:
        faults.inject(azure, path="^/kubernetes/", status=403, body=refused, count=1000)
    done = provision("verify", *PROD, "--host", API, "--format", "json")
    assert done.code == 3, links(done)[API].get("broken")
    unknown = {link["link"] for link in links(done)[API]["not checked"]}
    assert unknown == {"resource", "record", "gateway", "route", "secret", "wire", "http"}
    assert "broken" not in links(done)[API]
