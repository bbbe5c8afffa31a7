"""Something changes behind the tool's back: drift names just that, apply repairs just that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from command_line import (
    CLUSTER,
    CLUSTER_KIND,
    IDENTITY,
    LEGACY_CLUSTER,
    LEGACY_VAULT,
    PROD,
    VAULT,
    ZONE,
    ZONE_KIND,
    Applied,
    CommandLine,
    Ran,
)

from provision.sandbox.azure import Azure

Change = Callable[[Azure], None]

_RECORD = f"{ZONE_KIND}/recordsets"
_ROUTING = "ingressProfile.webAppRouting"
_ISTIO = f"{_ROUTING}.gatewayAPIImplementations.appRoutingIstio.mode"
_ADDON = "addonProfiles.azureKeyvaultSecretsProvider"
_CREDENTIAL_KIND = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
_CREDENTIAL = "provision_prod_api_api-ingress"


def edited(kind: str, id_: str, path: str, value: Any) -> Change:
    """Sets one field of a document, as another client would."""

    def change(azure: Azure) -> None:
        document = azure.store.get(kind, id_)
        assert document is not None
        *parents, last = path.split(".")
        at = document
        for step in parents:
            at = at[step]
        assert at.get(last) != value
        at[last] = value
        azure.store.put(kind, id_, document)

    return change


def on_cluster(path: str, value: Any, cluster: str = CLUSTER) -> Change:
    return edited(CLUSTER_KIND, cluster, f"properties.{path}", value)


def gone(*prefixes: str) -> Change:
    """Removes what lies at or below each id, as Azure does with a resource and its assignments."""

    def change(azure: Azure) -> None:
        for prefix in prefixes:
            found = azure.store.ids(prefix)
            assert found, f"nothing at {prefix}"
            for kind, id_ in found:
                azure.store.delete(kind, id_)

    return change


def in_policy(certificate: str, path: str, value: Any) -> Change:
    return edited("keyvault.certificate", f"{VAULT}/certificates/{certificate}", f"policy.{path}", value)


def disabled(azure: Azure) -> None:
    (version,) = azure.store.list("keyvault.version", f"{VAULT}/certificates/shop-tls/")
    id_ = f"{VAULT}/certificates/shop-tls/{version['version']}"
    azure.store.put("keyvault.version", id_, {**version, "enabled": False})


def soft_deleted(azure: Azure) -> None:
    id_ = f"{VAULT}/certificates/shop-tls"
    document = azure.store.get("keyvault.certificate", id_)
    assert document is not None
    now = int(azure.clock.now())
    document["deleted"] = {"date": now, "purge": now + 90 * 86400, "ready": 0.0}
    azure.store.put("keyvault.certificate", id_, document)


def without_role(scope: str) -> Change:
    return gone(f"{scope}/providers/Microsoft.Authorization/roleAssignments/")


def without_policy(azure: Azure) -> None:
    """Takes the add-on's entry off a vault that works with access policies."""
    vault = azure.store.get("Microsoft.KeyVault/vaults", LEGACY_VAULT)
    cluster = azure.store.get(CLUSTER_KIND, LEGACY_CLUSTER)
    assert vault is not None
    assert cluster is not None
    addon = cluster["properties"]["ingressProfile"]["webAppRouting"]["identity"]["objectId"]
    policies = vault["properties"]["accessPolicies"]
    vault["properties"]["accessPolicies"] = [each for each in policies if each["objectId"] != addon]
    assert len(vault["properties"]["accessPolicies"]) == len(policies) - 1
    azure.store.put("Microsoft.KeyVault/vaults", LEGACY_VAULT, vault)


@dataclass(frozen=True)
class Drifted:
    """A change behind the tool's back, what drift finds, and how apply ends where it has work."""

    title: str
    change: Change
    findings: dict[str, set[str | None]]
    repaired: dict[str, str]
    profile: str = "prod"


def one(
    title: str, change: Change, address: str, field: str | None, status: str, profile: str = "prod"
) -> Drifted:
    return Drifted(title, change, {address: {field}}, {address: status}, profile)


_CLUSTER = "managed_cluster/aks-prod"
_CNAME = "record_set/contoso.com/CNAME/status"
_SHOP = "certificate/kv-contoso-prod/shop-tls"
_FIC = f"federated_credential/id-ingress-prod/{_CREDENTIAL}"

CASES = [
    one(
        "secret rotation off",
        on_cluster(f"{_ADDON}.config.enableSecretRotation", "false"),
        _CLUSTER,
        f"{_ADDON}.config.enableSecretRotation",
        "updated",
    ),
    one(
        "app routing off",
        on_cluster(f"{_ROUTING}.enabled", False),
        _CLUSTER,
        f"{_ROUTING}.enabled",
        "updated",
    ),
    one("gateway off", on_cluster(_ISTIO, "Disabled"), _CLUSTER, _ISTIO, "updated"),
    one(
        "gateway API off",
        on_cluster("ingressProfile.gatewayAPI.installation", "Disabled"),
        _CLUSTER,
        "ingressProfile.gatewayAPI.installation",
        "updated",
    ),
    one(
        "an NGINX controller",
        on_cluster(f"{_ROUTING}.nginx.defaultIngressControllerType", "External"),
        _CLUSTER,
        f"{_ROUTING}.nginx.defaultIngressControllerType",
        "updated",
    ),
    one(
        "workload identity off",
        on_cluster("securityProfile.workloadIdentity.enabled", False),
        _CLUSTER,
        "securityProfile.workloadIdentity.enabled",
        "updated",
    ),
    Drifted(
        "secrets provider off",
        on_cluster(_ADDON, {"enabled": False, "config": None}),
        {_CLUSTER: {f"{_ADDON}.enabled", f"{_ADDON}.config.enableSecretRotation"}},
        {_CLUSTER: "updated"},
    ),
    one(
        "a zone detached",
        on_cluster(f"{_ROUTING}.dnsZoneResourceIds", None, LEGACY_CLUSTER),
        "managed_cluster/aks-legacy",
        f"{_ROUTING}.dnsZoneResourceIds",
        "updated",
        "nginx",
    ),
    one(
        "another TTL",
        edited(_RECORD, f"{ZONE}/CNAME/status", "properties.TTL", 60),
        _CNAME,
        "ttl",
        "updated",
    ),
    one(
        "other values",
        edited(_RECORD, f"{ZONE}/CNAME/status", "properties.CNAMERecord.cname", "example.org"),
        _CNAME,
        "values",
        "updated",
    ),
    one("a record gone", gone(f"{ZONE}/CAA/@"), "record_set/contoso.com/CAA/@", None, "created"),
    Drifted(
        "the zone gone",
        gone(ZONE),
        {
            "dns_zone/contoso.com": {None},
            _CNAME: {None},
            "record_set/contoso.com/CAA/@": {None},
            "role_assignment/contoso.com/dns-zone-contributor/id-ingress-prod": {None},
            "host_record/contoso.com/api.contoso.com": {None},
            "host_record/contoso.com/shop.contoso.com": {None},
        },
        {
            "dns_zone/contoso.com": "created",
            _CNAME: "created",
            "record_set/contoso.com/CAA/@": "created",
            "role_assignment/contoso.com/dns-zone-contributor/id-ingress-prod": "created",
            "host_record/contoso.com/api.contoso.com": "created",
            "host_record/contoso.com/shop.contoso.com": "created",
        },
    ),
    one("a certificate disabled", disabled, _SHOP, "enabled", "updated"),
    one(
        "renewal later",
        in_policy(
            "shop-tls",
            "lifetime_actions",
            [{"trigger": {"days_before_expiry": 5}, "action": {"action_type": "AutoRenew"}}],
        ),
        _SHOP,
        "renewBeforeDays",
        "updated",
    ),
    one(
        "no renewal, only a mail",
        in_policy(
            "shop-tls",
            "lifetime_actions",
            [{"trigger": {"days_before_expiry": 30}, "action": {"action_type": "EmailContacts"}}],
        ),
        _SHOP,
        "renewal",
        "updated",
    ),
    one(
        "another host name",
        in_policy("shop-tls", "x509_props.sans.dns_names", ["shop.contoso.com", "www.contoso.com"]),
        _SHOP,
        "dnsNames",
        "updated",
    ),
    one(
        "another subject",
        in_policy("api-tls", "x509_props.subject", "CN=other.contoso.com"),
        "certificate/kv-contoso-prod/api-tls",
        "subject",
        "updated",
    ),
    one("a certificate deleted", soft_deleted, _SHOP, None, "created"),
    one(
        "another issuer",
        edited(
            _CREDENTIAL_KIND,
            f"{IDENTITY}/federatedIdentityCredentials/{_CREDENTIAL}",
            "properties.issuer",
            "https://example.org/",
        ),
        _FIC,
        "issuer",
        "updated",
    ),
    one(
        "another subject of a credential",
        edited(
            _CREDENTIAL_KIND,
            f"{IDENTITY}/federatedIdentityCredentials/{_CREDENTIAL}",
            "properties.subject",
            "system:serviceaccount:api:default",
        ),
        _FIC,
        "subject",
        "updated",
    ),
    one(
        "a credential gone",
        gone(f"{IDENTITY}/federatedIdentityCredentials/{_CREDENTIAL}"),
        _FIC,
        None,
        "created",
    ),
    one(
        "a role at the vault gone",
        without_role(VAULT),
        "role_assignment/kv-contoso-prod/key-vault-secrets-user/id-ingress-prod",
        None,
        "created",
    ),
    one(
        "a role at the zone gone",
        without_role(ZONE),
        "role_assignment/contoso.com/dns-zone-contributor/id-ingress-prod",
        None,
        "created",
    ),
    one(
        "an access policy gone",
        without_policy,
        "access_policy/kv-contoso-legacy/webapprouting",
        None,
        "created",
        "nginx",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_drift_names_it_and_apply_repairs_it(case: Drifted, provision: CommandLine, applied: Applied) -> None:
    applied(case.profile)
    profile = (f"profiles/{case.profile}.yaml", "--sandbox")
    with provision.azure() as azure:
        case.change(azure)

    drift = provision("drift", *profile, "--format", "json")
    assert drift.code == 2
    assert found(drift) == case.findings
    assert drift.writes() == []

    apply = provision("apply", *profile, "--yes", "--format", "json")
    assert apply.code == 0, apply.out
    assert {a: s for a, s in apply.statuses().items() if s != "unchanged"} == case.repaired
    assert provision("drift", *profile).code == 0


def found(drift: Ran) -> dict[str, set[str | None]]:
    (report,) = drift.json()
    return by_address((each["resource"], each["field"]) for each in report["findings"])


def by_address(findings: Iterable[tuple[str, str | None]]) -> dict[str, set[str | None]]:
    grouped: dict[str, set[str | None]] = {}
    for address, field in findings:
        grouped.setdefault(address, set()).add(field)
    return grouped


def test_what_the_profile_does_not_declare_is_no_drift(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    changes = [
        edited(CLUSTER_KIND, CLUSTER, "tags.team", "another"),
        on_cluster("autoUpgradeProfile", {"upgradeChannel": "stable"}),
        edited(ZONE_KIND, ZONE, "tags.owner", "finance"),
        edited(_RECORD, f"{ZONE}/CNAME/status", "properties.metadata.note", "kept"),
    ]
    with provision.azure() as azure:
        for change in changes:
            change(azure)
    assert provision("drift", *PROD).code == 0
    assert provision("plan", *PROD).code == 0


def test_several_profiles_are_one_check(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    every = ("profiles/base.yaml", "profiles/prod.yaml", "profiles/dev.yaml")
    both = provision("drift", *every, "--sandbox", "--format", "json")
    assert both.code == 2
    assert [(report["profile"], report["inSync"]) for report in both.json()] == [
        ("prod", True),
        ("dev", False),
    ]
    assert "profiles/base.yaml: a part of other profiles" in both.err


def test_text_says_what_it_is_and_what_it_should_be(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    with provision.azure() as azure:
        edited(_RECORD, f"{ZONE}/CNAME/status", "properties.TTL", 60)(azure)
    head, finding = provision("drift", *PROD).out.splitlines()
    assert head == "prod: 1 finding; 29 resources checked"
    assert finding == "  warning  record_set/contoso.com/CNAME/status ttl: is 60, should be 300"
