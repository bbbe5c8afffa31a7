"""One link of a host's chain is broken behind the tool's back: verify names just that link, drift just that
field, apply mends it."""

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
    PRIVATE,
    PROD,
    ROOT,
    VAULT,
    ZONE,
    ZONE_KIND,
    Applied,
    CommandLine,
    Ran,
)
from verifying import broken, links

from provision.sandbox.azure import Azure
from provision.sandbox.edge.names import UNDELEGATED
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.objects import Cluster, Kind

Change = Callable[[Azure], None]

SHOP, API = "shop.contoso.com", "api.contoso.com"
_RECORD = f"{ZONE_KIND}/recordsets"
_ZONE_ROLES = f"{ZONE}/providers/Microsoft.Authorization/roleAssignments/"


def gone(*prefixes: str) -> Change:
    def change(azure: Azure) -> None:
        for prefix in prefixes:
            found = azure.store.ids(prefix)
            assert found, f"nothing at {prefix}"
            for kind, id_ in found:
                azure.store.delete(kind, id_)

    return change


def in_cluster(
    kind: Kind,
    namespace: str,
    name: str,
    edit: Callable[[dict[str, Any]], None],
    cluster_id: str = CLUSTER,
) -> Change:
    """Changes an object as another client would."""

    def change(azure: Azure) -> None:
        cluster = azure.store.get(CLUSTER_KIND, cluster_id)
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


def on_another_port(body: dict[str, Any]) -> None:
    (listener,) = [each for each in body["spec"]["listeners"] if each["protocol"] == "HTTPS"]
    listener["port"] = 8443


PRIVATE_CLUSTER = CLUSTER.replace("aks-prod", "aks-private")
PRIVATE_BREAKS: dict[str, tuple[Change, str, Finding]] = {
    "label": (
        in_cluster(kinds.SERVICE_ACCOUNT, "intranet", "private-ingress", without_label, PRIVATE_CLUSTER),
        "kubernetes ServiceAccount/intranet/private-ingress",
        (
            "kubernetes/ServiceAccount/intranet/private-ingress",
            "metadata.labels[azure.workload.identity/use]",
        ),
    ),
    "listener": (
        in_cluster(crds.GATEWAY, "intranet", "private", on_another_port, PRIVATE_CLUSTER),
        "kubernetes Gateway/intranet/private",
        ("kubernetes/Gateway/intranet/private", "spec.listeners[intranet-corp-contoso-com].port"),
    ),
    "role": (
        gone(f"{VAULT}/providers/Microsoft.Authorization/roleAssignments/"),
        "role assignment kv-contoso-prod/key-vault-secrets-user/id-ingress-private",
        ("role_assignment/kv-contoso-prod/key-vault-secrets-user/id-ingress-private", None),
    ),
}


@pytest.mark.parametrize("name", PRIVATE_BREAKS)
def test_a_broken_link_of_a_private_cluster(name: str, provision: CommandLine, applied: Applied) -> None:
    """Named, found and mended through the run command alone."""
    change, subject, finding = PRIVATE_BREAKS[name]
    applied("private")
    with provision.azure() as azure:
        change(azure)
    host = "intranet.corp.contoso.com"
    done = provision("verify", *PRIVATE, "--format", "json")
    assert done.code == 2
    assert subject in broken(done)[host]
    drift = provision("drift", *PRIVATE, "--format", "json")
    assert (drift.code, findings(drift)) == (2, {finding})
    mended = provision("apply", *PRIVATE, "--yes")
    assert mended.code == 0, mended.out
    again = provision("verify", *PRIVATE, "--format", "json")
    assert (again.code, broken(again)) == (0, {host: set()})
    for ran in (done, drift, mended, again):
        assert not [call for call in ran.calls if call.path.startswith("/kubernetes/")]
