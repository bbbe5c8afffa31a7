"""The Secrets Store driver for users' own workloads: every link of the chain, and rotation."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from addon_bench import Bench

from provision.sandbox import identities, roles
from provision.sandbox.azure import TENANT, Json
from provision.sandbox.kubernetes import crds, kinds
from provision.sandbox.kubernetes.deleting import let_go
from provision.sandbox.vaults import VAULT

OBJECTS = """
array:
  - |
    objectName: shop-tls
    objectType: secret
"""
TLS: Json = {
    "secretName": "shop-tls",
    "type": "kubernetes.io/tls",
    "data": [{"objectName": "shop-tls", "key": key} for key in ("tls.key", "tls.crt")],
}


class Mounting(Bench):
    """A certificate, who may read it, and a Deployment that mounts it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kv = self.vault()
        self.version = self.certificate()
        self.reader = self.identity()
        self.assign(roles.KEY_VAULT_SECRETS_USER, self.kv["id"], self.reader)
        self.federate(self.reader, "shop")
        self.put(kinds.NAMESPACE, "shop")
        self.put(kinds.SERVICE_ACCOUNT, "shop", "shop")
        self.provider()
        self.deployment()

    def provider(self, secret: Json = TLS, **parameters: Any) -> None:
        wanted = {
            "usePodIdentity": "false",
            "clientID": self.reader["properties"]["clientId"],
            "keyvaultName": "kv-test",
            "tenantId": TENANT,
            "objects": OBJECTS,
            **parameters,
        }
        given = {key: value for key, value in wanted.items() if value is not None}
        spec = {"provider": "azure", "parameters": given, "secretObjects": [secret]}
        self.put(crds.SECRET_PROVIDER_CLASS, "shop", "shop", spec=spec)

    def deployment(self, **spec: Any) -> None:
        csi = {"driver": "secrets-store.csi.k8s.io", "volumeAttributes": {"secretProviderClass": "shop"}}
        pod = {
            "serviceAccountName": "shop",
            "containers": [{"name": "pause"}],
            "volumes": [{"name": "certificates", "csi": {**csi, "readOnly": True}}],
        }
        labels = {"app": "shop"}
        wanted = {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
            **spec,
        }
        self.put(kinds.DEPLOYMENT, "shop", "shop", spec=wanted)

    def text(self, key: str = "tls.crt") -> str:
        return base64.b64decode(self.need(kinds.SECRET, "shop-tls", "shop")["data"][key]).decode()

    def ready(self) -> int:
        return int(self.need(kinds.DEPLOYMENT, "shop", "shop")["status"]["readyReplicas"])


def test_a_mount_becomes_a_secret() -> None:
    bench = Mounting()
    bench.look()
    secret = bench.need(kinds.SECRET, "shop-tls", "shop")
    assert secret["type"] == "kubernetes.io/tls"
    assert secret["metadata"]["labels"]["secrets-store.csi.k8s.io/managed"] == "true"
    assert "BEGIN CERTIFICATE" in bench.text()
    assert "PRIVATE KEY" in bench.text("tls.key")
    assert bench.ready() == 1
    before = bench.dump()
    bench.look()
    assert bench.dump() == before


def test_a_pod_mounts_too() -> None:
    bench = Mounting()
    bench.objects.delete(kinds.DEPLOYMENT, "shop", "shop")
    csi = {"driver": "secrets-store.csi.k8s.io", "volumeAttributes": {"secretProviderClass": "shop"}}
    volumes = [{"name": "certificates", "csi": csi}]
    bench.put(kinds.POD, "shop", "shop", spec={"serviceAccountName": "shop", "volumes": volumes})
    bench.look()
    assert "BEGIN CERTIFICATE" in bench.text()


def test_the_secret_goes_with_its_deployment() -> None:
    bench = Mounting()
    bench.look()
    let_go(bench.objects, kinds.DEPLOYMENT, bench.need(kinds.DEPLOYMENT, "shop", "shop"))
    bench.look()
    assert bench.objects.get(kinds.SECRET, "shop-tls", "shop") is None


def test_nothing_is_mounted_without_pods() -> None:
    bench = Mounting()
    bench.deployment(replicas=0)
    bench.look()
    assert bench.objects.get(kinds.SECRET, "shop-tls", "shop") is None
    assert bench.told("FailedMount") == ""


@pytest.mark.parametrize("rotates", [True, False])
def test_rotation_follows_the_vault(rotates: bool) -> None:
    bench = Mounting(secrets={"enableSecretRotation": "true" if rotates else "false"})
    bench.look()
    first = bench.text()
    bench.certificate()
    bench.look()
    assert (bench.text() != first) is rotates
    bench.unassign()
    bench.look()
    assert bench.ready() == 1
    assert bool(bench.told("MountRotationFailed", "shop")) is rotates


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("role", "ForbiddenByRbac"),
        ("credential", "AADSTS700211"),
        ("account", 'serviceaccounts "shop" not found'),
        ("firewall", "ForbiddenByFirewall"),
        ("driver", "not found in the list of registered CSI drivers"),
        ("class", "failed to get secretproviderclass shop/shop"),
    ],
)
def test_each_missing_link_is_told_of(link: str, told: str) -> None:
    bench = Mounting(secrets=None) if link == "driver" else Mounting()
    match link:
        case "role":
            bench.unassign()
        case "credential":
            for each in bench.azure.store.list(identities.CREDENTIAL):
                bench.azure.store.delete(identities.CREDENTIAL, each["id"])
        case "account":
            bench.objects.delete(kinds.SERVICE_ACCOUNT, "shop", "shop")
        case "firewall":
            acls = {"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": []}
            properties = {**bench.kv["properties"], "networkAcls": acls}
            bench.azure.store.put(VAULT, bench.kv["id"], {**bench.kv, "properties": properties})
        case "class":
            bench.objects.delete(crds.SECRET_PROVIDER_CLASS, "shop", "shop")
    bench.look()
    assert told in bench.told("FailedMount", "shop")
    assert 'volume "certificates"' in bench.told("FailedMount", "shop")
    assert bench.ready() == 0
    assert bench.objects.get(kinds.SECRET, "shop-tls", "shop") is None


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"clientID": None}, "neither clientID nor useVMManagedIdentity"),
        ({"clientID": "x"}, "AADSTS700016"),
        ({"keyvaultName": "none"}, "no such host"),
        ({"keyvaultName": None}, "keyvaultName is not set"),
        ({"tenantId": None}, "tenantId is not set"),
        ({"tenantId": "x"}, "AADSTS90002"),
        ({"usePodIdentity": "true"}, "pod identity is not supported"),
        ({"objects": "array: [x]"}, "failed to parse SecretProviderClass parameters"),
        ({"objects": OBJECTS.replace("objectName: shop-tls", "objectName: none")}, "SecretNotFound"),
        ({"objects": OBJECTS.replace("secret", "key")}, "objectType key is not in the sandbox"),
        ({"objects": OBJECTS.replace("secret", "cert")}, "objectType cert has none"),
        ({"objects": OBJECTS + "    objectAlias: other\n"}, "file matching objectName shop-tls not found"),
    ],
)
def test_each_wrong_parameter_is_told_of(parameters: dict[str, Any], told: str) -> None:
    bench = Mounting()
    bench.provider(**parameters)
    bench.look()
    assert told in bench.told("FailedMount", "shop")


def test_a_secret_of_no_certificate_is_mounted_as_it_is() -> None:
    bench = Mounting()
    plain = "-----BEGIN CERTIFICATE-----\nMQ==\n-----END CERTIFICATE-----\nremarks"
    bench.data_plane("PUT", "/secrets/root", {"value": plain})
    objects = OBJECTS.replace("shop-tls", "root")
    data = [{"objectName": "root", "key": "ca.crt"}]
    bench.provider({**TLS, "type": "Opaque", "data": data}, objects=objects)
    bench.look()
    assert bench.text("ca.crt") == plain
    data = [{"objectName": "root", "key": "tls.crt"}]
    bench.provider({**TLS, "data": data}, objects=objects)
    bench.data_plane("PUT", "/secrets/root", {"value": plain + "."})
    bench.look()
    assert bench.text("tls.crt") == plain.removesuffix("remarks")
    bench.provider(objects=objects.replace("secret", "cert"))
    bench.look()
    assert "CertificateNotFound" in bench.told("MountRotationFailed", "shop")


def test_a_tls_secret_has_but_two_keys() -> None:
    bench = Mounting()
    bench.provider({**TLS, "data": [{"objectName": "shop-tls", "key": "all.pem"}]})
    bench.look()
    assert "Only tls.key and tls.crt are supported" in bench.told("FailedMount", "shop")


def test_other_types_get_the_whole_object() -> None:
    bench = Mounting()
    bench.provider({**TLS, "type": "Opaque", "data": [{"objectName": "shop-tls", "key": "all.pem"}]})
    bench.look()
    text = bench.text("all.pem")
    assert "PRIVATE KEY" in text
    assert "BEGIN CERTIFICATE" in text
