"""The real az and provision on one sandbox: each sees what the other did, and both ask AKS for the same."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contract.az import Az
from provision.__main__ import main
from provision.sandbox.azure import SUBSCRIPTION, Answer
from provision.sandbox.gateway import Gateway
from provision.sandbox.home import Home, Server, serve
from provision.sandbox.http import Request

ROOT = Path(__file__).parents[2]
PROD = ("profiles/prod.yaml", "--sandbox")
LEGACY = ("profiles/nginx.yaml", "--sandbox")

GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
VAULTS = f"{GROUPS}/rg-security/providers/Microsoft.KeyVault/vaults"
ZONES = f"{GROUPS}/rg-dns/providers/Microsoft.Network"
AKS_PROD = ("--resource-group", "rg-aks-prod", "--name", "aks-prod")
AKS_DEV = ("--resource-group", "rg-aks-dev", "--name", "aks-dev")
AKS_LEGACY = ("--resource-group", "rg-aks-legacy", "--name", "aks-legacy")
IDENTITY = ("--resource-group", "rg-identities", "--identity-name", "id-ingress-prod")

Provision = Callable[..., tuple[int, Any]]
Sent = list[tuple[str, Any]]
"""Path and body of each PUT of a cluster."""


@pytest.fixture(scope="module")
def sent() -> Sent:
    return []


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, sent: Sent) -> Iterator[Home]:
    """Served from a thread of this process, so that what clients send can be seen."""
    handle = Gateway.handle

    async def listened(self: Gateway, request: Request, content: bytes) -> Answer:
        if request.method == "PUT" and "/managedclusters/" in request.path.lower():
            sent.append((request.path, json.loads(content)))
        return await handle(self, request, content)

    place = Home(tmp_path_factory.mktemp("sandbox"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gateway, "handle", listened)
        stop = serve_in_thread(place)
        yield place
        stop()


def serve_in_thread(place: Home) -> Callable[[], None]:
    """Serve a home until the function that is returned is called."""
    loop = asyncio.new_event_loop()
    listening = threading.Event()

    def ready(server: Server) -> None:
        listening.set()

    task = loop.create_task(serve(place, ready=ready))

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert listening.wait(60)

    def stop() -> None:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()

    return stop


@pytest.fixture
def provision(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Provision:
    """Runs provision against the same sandbox: exit code and JSON."""
    monkeypatch.setenv("PROVISION_SANDBOX_HOME", str(home.path))
    monkeypatch.chdir(ROOT)

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--format", "json"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def applied(provision: Provision) -> None:
    """The production profile is as it should be, whatever a test before did to it."""
    code, outcomes = provision("apply", *PROD, "--yes")
    assert code == 0, outcomes


@pytest.mark.usefixtures("applied")
def test_az_reads_what_provision_made(az: Az) -> None:
    ingress = az("aks", "show", *AKS_PROD)["ingressProfile"]
    assert ingress["gatewayApi"] == {"installation": "Standard"}
    routing = ingress["webAppRouting"]
    assert (routing["enabled"], routing["nginx"]) == (True, {"defaultIngressControllerType": "None"})
    assert routing["gatewayApiImplementations"] == {"appRoutingIstio": {"mode": "Enabled"}}

    zone = az("network", "dns", "zone", "show", "-g", "rg-dns", "-n", "contoso.com")
    assert zone["tags"]["provision-profile"] == "prod"
    of_zone = ("-g", "rg-dns", "-z", "contoso.com")
    cname = az("network", "dns", "record-set", "cname", "show", *of_zone, "-n", "status")
    assert (cname["TTL"], cname["CNAMERecord"]["cname"]) == (300, "status.example.net")
    caa = az("network", "dns", "record-set", "caa", "show", *of_zone, "-n", "@")
    assert caa["caaRecords"] == [{"flags": 0, "tag": "issue", "value": "digicert.com"}]

    certificate = az(
        *("keyvault", "certificate", "show", "--vault-name", "kv-contoso-prod", "--name", "api-tls")
    )
    policy = certificate["policy"]
    assert certificate["attributes"]["enabled"]
    # az 2.91 always prints `curve: null`
    assert (policy["keyProperties"]["keyType"], policy["keyProperties"]["keySize"]) == ("EC", 256)
    assert policy["x509CertificateProperties"]["subjectAlternativeNames"]["dnsNames"] == ["api.contoso.com"]

    identity = az("identity", "show", "-g", "rg-identities", "-n", "id-ingress-prod")
    for scope, role in (
        (f"{ZONES}/dnsZones/contoso.com", "DNS Zone Contributor"),
        (f"{VAULTS}/kv-contoso-prod", "Key Vault Secrets User"),
    ):
        assigned = az("role", "assignment", "list", "--scope", scope)
        ours = [each for each in assigned if each["principalId"] == identity["principalId"]]
        assert [each["roleDefinitionName"] for each in ours] == [role]

    cluster = az("aks", "show", *AKS_PROD)
    credentials = az("identity", "federated-credential", "list", *IDENTITY)
    assert {each["subject"] for each in credentials} == {
        "system:serviceaccount:api:api-ingress",
        "system:serviceaccount:api:prod-ingress",  # of the controller that writes records
        "system:serviceaccount:shop:prod-ingress",
    }
    assert {each["issuer"] for each in credentials} == {cluster["oidcIssuerProfile"]["issuerUrl"]}


@dataclass(frozen=True)
class Deed:
    """What az does, and the one field, or the one resource as a whole, that drift then names."""

    command: tuple[str, ...]
    address: str
    field: str | None
    repaired: str = "updated"
    adopt: bool = False
    """az wrote the object anew, our mark with it: it is taken over again only when told to."""


_RECORD = ("-g", "rg-dns", "-z", "contoso.com", "-n", "status")
_CREDENTIAL = "provision_prod_api_api-ingress"
DEEDS = [
    Deed(
        ("aks", "update", *AKS_PROD, "--disable-secret-rotation"),
        "managed_cluster/aks-prod",
        "addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation",
    ),
    Deed(
        ("aks", "approuting", "gateway", "istio", "disable", *AKS_PROD, "--yes"),
        "managed_cluster/aks-prod",
        "ingressProfile.webAppRouting.gatewayAPIImplementations.appRoutingIstio.mode",
    ),
    Deed(
        ("aks", "approuting", "update", *AKS_PROD, "--nginx", "Internal"),
        "managed_cluster/aks-prod",
        "ingressProfile.webAppRouting.nginx.defaultIngressControllerType",
    ),
    Deed(
        ("network", "dns", "record-set", "cname", "update", *_RECORD, "--set", "TTL=60"),
        "record_set/contoso.com/CNAME/status",
        "ttl",
    ),
    Deed(
        (
            "network",
            "dns",
            "record-set",
            "cname",
            "set-record",
            *_RECORD,
            "--cname",
            "example.org",
            "--ttl",
            "300",
        ),
        "record_set/contoso.com/CNAME/status",
        "values",
        adopt=True,
    ),
    Deed(
        ("network", "dns", "record-set", "caa", "delete", *_RECORD[:-1], "@", "--yes"),
        "record_set/contoso.com/CAA/@",
        None,
        "created",
    ),
    Deed(
        (
            *("keyvault", "certificate", "set-attributes", "--vault-name", "kv-contoso-prod"),
            *("--name", "shop-tls", "--enabled", "false"),
        ),
        "certificate/kv-contoso-prod/shop-tls",
        "enabled",
    ),
    Deed(
        (
            *("identity", "federated-credential", "update", *IDENTITY, "--name", _CREDENTIAL),
            *("--subject", "system:serviceaccount:api:default", "--issuer", "{issuer}"),
            *("--audiences", "api://AzureADTokenExchange"),
        ),
        f"federated_credential/id-ingress-prod/{_CREDENTIAL}",
        "subject",
    ),
    Deed(
        ("identity", "federated-credential", "delete", *IDENTITY, "--name", _CREDENTIAL, "--yes"),
        f"federated_credential/id-ingress-prod/{_CREDENTIAL}",
        None,
        "created",
    ),
    Deed(
        (
            *("role", "assignment", "delete", "--role", "Key Vault Secrets User"),
            *("--scope", f"{VAULTS}/kv-contoso-prod"),
        ),
        "role_assignment/kv-contoso-prod/key-vault-secrets-user/id-ingress-prod",
        None,
        "created",
    ),
]


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: " ".join(deed.command[:4]))
def test_drift_names_what_az_did_and_apply_undoes_it(deed: Deed, az: Az, provision: Provision) -> None:
    issuer = az("aks", "show", *AKS_PROD)["oidcIssuerProfile"]["issuerUrl"]
    az(*(word.format(issuer=issuer) for word in deed.command))
    code, (report,) = provision("drift", *PROD)
    assert [(each["resource"], each["field"]) for each in report["findings"]] == [(deed.address, deed.field)]
    assert code == 2
    if deed.adopt:
        assert provision("plan", *PROD)[0] == 1
    code, outcomes = provision("apply", *PROD, *(["--adopt"] if deed.adopt else []))
    assert code == 0
    changed = {each["resource"]: each["status"] for each in outcomes["outcomes"]}
    assert {a: s for a, s in changed.items() if s != "unchanged"} == {deed.address: deed.repaired}
    assert provision("drift", *PROD)[0] == 0


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return value


def last_put(sent: Sent, cluster: str) -> dict[str, Any]:
    """Properties of the last PUT of a cluster, nulls left out: they mean the same to AKS."""
    bodies = [body for path, body in sent if path.lower().endswith(f"/{cluster}")]
    properties = without_nulls(bodies[-1]["properties"])
    assert isinstance(properties, dict)
    return properties


def test_gateway_api_is_asked_for_as_az_does(
    az: Az, provision: Provision, sent: Sent, tmp_path: Path
) -> None:
    az("aks", "update", *AKS_DEV, "--enable-gateway-api", "--enable-app-routing-istio")
    theirs = last_put(sent, "aks-dev")["ingressProfile"]
    other = tmp_path / "other.yaml"
    other.write_text(
        f"extends: {ROOT}/profiles/dev.yaml\n"
        "name: other\n"
        "cluster: {name: aks-other, resourceGroup: rg-aks-dev}\n"
    )
    assert provision("apply", str(other), "--sandbox")[0] == 0
    ours = last_put(sent, "aks-other")["ingressProfile"]
    routing = ours["webAppRouting"]
    # on purpose: the operator that syncs certificates comes with `enabled`, and no NGINX is wanted
    assert (routing.pop("enabled"), routing.pop("nginx")) == (True, {"defaultIngressControllerType": "None"})
    assert ours == theirs


def test_what_az_made_is_in_sync_and_asked_for_the_same_way(
    az: Az, provision: Provision, sent: Sent, tmp_path: Path
) -> None:
    """A bring-up by hand, command by command; then the profile has nothing to do on that cluster, and on
    another one provision asks in one PUT for what az asked for in three."""
    by_hand(az, tmp_path)
    theirs = last_put(sent, "aks-legacy")
    code, plan = provision("plan", *LEGACY)
    # az makes nothing inside a cluster
    inside = ("kubernetes/", "host_record/")
    assert [each["resource"] for each in plan["changes"] if not each["resource"].startswith(inside)] == []
    assert (code, plan["errors"], plan["unchecked"]) == (2, [], [])

    second = tmp_path / "second.yaml"
    second.write_text(
        f"extends: {ROOT}/profiles/nginx.yaml\n"
        "name: second\n"
        "cluster: {name: aks-second, resourceGroup: rg-aks-legacy}\n"
    )
    sent.clear()
    assert provision("apply", str(second), "--sandbox")[0] == 0
    assert len(sent) == 1
    ours = last_put(sent, "aks-second")

    echo = theirs["ingressProfile"]["webAppRouting"].pop("gatewayAPIImplementations")
    assert echo == {"appRoutingIstio": {"mode": "Disabled"}}
    for profile in (ours, theirs):
        profile["ingressProfile"]["webAppRouting"]["dnsZoneResourceIds"].sort(key=str.lower)
    assert ours["ingressProfile"] == theirs["ingressProfile"]
    assert ours["addonProfiles"]["azureKeyvaultSecretsProvider"]["config"]["enableSecretRotation"] == "true"


def by_hand(az: Az, tmp_path: Path) -> None:
    vault = ("--vault-name", "kv-contoso-legacy")
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(POLICY))
    az("network", "dns", "zone", "create", "-g", "rg-dns", "-n", "legacy.contoso.com")
    az("network", "private-dns", "zone", "create", "-g", "rg-dns", "-n", "corp.contoso.com")
    az(
        *("network", "private-dns", "link", "vnet", "create", "-g", "rg-dns", "-z", "corp.contoso.com"),
        *("-n", "vnet-hub", "--registration-enabled", "false", "--virtual-network"),
        f"{GROUPS}/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-hub",
    )
    az("keyvault", "certificate", "create", *vault, "--name", "legacy-tls", "--policy", f"@{policy}")
    az(
        *("aks", "approuting", "enable", *AKS_LEGACY, "--enable-kv", "--attach-kv"),
        f"{VAULTS}/kv-contoso-legacy",
    )
    zones = f"{ZONES}/dnsZones/legacy.contoso.com,{ZONES}/privateDnsZones/corp.contoso.com"
    az("aks", "approuting", "zone", "add", *AKS_LEGACY, f"--ids={zones}", "--attach-zones")
    az("aks", "update", *AKS_LEGACY, "--enable-secret-rotation")  # az leaves it off


POLICY = {
    "keyProperties": {"exportable": True, "keyType": "RSA", "keySize": 2048, "reuseKey": False},
    "secretProperties": {"contentType": "application/x-pkcs12"},
    "x509CertificateProperties": {
        "subject": "CN=legacy.contoso.com",
        "subjectAlternativeNames": {"dnsNames": ["legacy.contoso.com", "*.legacy.contoso.com"]},
        "validityInMonths": 12,
    },
    "issuerParameters": {"name": "Self"},
    "lifetimeActions": [{"trigger": {"daysBeforeExpiry": 30}, "action": {"actionType": "AutoRenew"}}],
}
"""What `profiles/nginx.yaml` asks for, as az wants it."""
