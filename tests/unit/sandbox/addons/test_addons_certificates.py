"""Certificates of Key Vault as Secrets: every link must hold, and the event names the one that does not."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from addon_bench import ACCOUNT, URI, Bench, Shop
from cryptography import x509

from provision.sandbox import authorization, identities, roles
from provision.sandbox.azure import Json
from provision.sandbox.kubernetes import crds, kinds

SECRET = "kv-gw-cert-shop-https"


def serial(secret: Json) -> int:
    certificate = base64.b64decode(secret["data"]["tls.crt"])
    assert b"PRIVATE KEY" in base64.b64decode(secret["data"]["tls.key"])
    return x509.load_pem_x509_certificate(certificate).serial_number


def test_a_listener_gets_its_certificate() -> None:
    shop = Shop()
    shop.look()
    secret = shop.need(kinds.SECRET, SECRET, "shop")
    assert secret["type"] == "kubernetes.io/tls"
    assert serial(secret)
    provider = shop.need(crds.SECRET_PROVIDER_CLASS, SECRET, "shop")
    assert provider["spec"]["parameters"]["keyvaultName"] == "kv-test"
    assert provider["spec"]["parameters"]["clientID"] == shop.reader["properties"]["clientId"]
    assert provider["metadata"]["ownerReferences"][0]["kind"] == "Gateway"
    listener = shop.need(crds.GATEWAY, "shop", "shop")["spec"]["listeners"][1]
    assert listener["tls"]["certificateRefs"] == [
        {"group": "", "kind": "Secret", "name": SECRET, "namespace": "shop"}
    ]
    assert shop.listener()["ResolvedRefs"]["status"] == "True"
    assert shop.objects.list(kinds.EVENT) == []


def no_label(shop: Shop) -> None:
    shop.account(shop.reader, labels={})


def no_annotation(shop: Shop) -> None:
    shop.account(shop.reader, annotations={})


def no_account(shop: Shop) -> None:
    shop.objects.delete(kinds.SERVICE_ACCOUNT, "shop-ingress", "shop")


def no_account_named(shop: Shop) -> None:
    shop.gateway()
    gateway = shop.need(crds.GATEWAY, "shop", "shop")
    del gateway["spec"]["listeners"][1]["tls"]["options"][ACCOUNT]
    shop.objects.put(crds.GATEWAY, gateway)


def no_credential(shop: Shop) -> None:
    for credential in shop.azure.store.list(identities.CREDENTIAL):
        shop.azure.store.delete(identities.CREDENTIAL, credential["id"])


def other_issuer(shop: Shop) -> None:
    issuer = shop.cluster["properties"]["oidcIssuerProfile"]["issuerURL"]
    shop.federate(shop.reader, "shop-ingress", issuer=issuer.rstrip("/"))


def other_subject(shop: Shop) -> None:
    shop.federate(shop.reader, "shop-ingress", subject="system:serviceaccount:shop:Shop-Ingress")


def other_audience(shop: Shop) -> None:
    shop.federate(shop.reader, "shop-ingress", audiences=["api://elsewhere"])


def no_identity(shop: Shop) -> None:
    identities.forget(shop.azure, shop.reader)


def no_role(shop: Shop) -> None:
    shop.unassign()


def no_certificate(shop: Shop) -> None:
    shop.gateway("https://kv-test.vault.azure.net/certificates/other")


def no_vault(shop: Shop) -> None:
    shop.gateway("https://kv-gone.vault.azure.net/certificates/shop-tls")


def not_enabled(shop: Shop) -> None:
    body = {"attributes": {"enabled": False}}
    shop.data_plane("PATCH", f"/certificates/shop-tls/{shop.version}", body)


def not_exportable(shop: Shop) -> None:
    shop.certificate(exportable=False)


def no_address(shop: Shop) -> None:
    shop.gateway("https://kv-test.vault.azure.net")


def no_issuer(shop: Shop) -> None:
    shop.alter(oidcIssuerProfile={"enabled": False})


def no_workload_identity(shop: Shop) -> None:
    shop.alter(securityProfile={})


def no_driver(shop: Shop) -> None:
    shop.alter(addonProfiles={})


BREAKS: list[tuple[Callable[[Shop], None], str, str]] = [
    (no_label, "FailedMount", "AADSTS700211"),
    (no_label, "FailedMount", "azure.workload.identity/use"),
    (no_annotation, "InvalidInput", "does not include necessary annotation for workload identity"),
    (no_account, "InvalidInput", "service account shop-ingress does not exist in namespace shop"),
    (no_account_named, "InvalidInput", "the required ServiceAccount option was not"),
    (no_credential, "FailedMount", "AADSTS700211"),
    (other_issuer, "FailedMount", "AADSTS700211"),
    (other_subject, "FailedMount", "AADSTS700213"),
    (other_audience, "FailedMount", "AADSTS700212"),
    (no_identity, "FailedMount", "identity not found"),
    (no_role, "FailedMount", "ForbiddenByRbac"),
    (no_certificate, "FailedMount", "SecretNotFound"),
    (no_vault, "FailedMount", "no such host"),
    (not_enabled, "FailedMount", "SecretDisabled"),
    (not_exportable, "FailedMount", "not exportable"),
    (no_address, "InvalidInput", "invalid secret uri"),
    (no_issuer, "FailedMount", "AADSTS700211"),
    (no_workload_identity, "InvalidInput", "workload identity is not enabled"),
    (no_driver, "FailedMount", "secrets-store.csi.k8s.io not found in the list of registered CSI drivers"),
]


def references(shop: Shop) -> list[str]:
    """Names in the `certificateRefs` of the listener for TLS."""
    listener = shop.need(crds.GATEWAY, "shop", "shop")["spec"]["listeners"][1]
    return [each["name"] for each in listener["tls"].get("certificateRefs") or ()]


@pytest.mark.parametrize(("break_", "reason", "words"), BREAKS)
def test_a_missing_link_is_named(break_: Callable[[Shop], None], reason: str, words: str) -> None:
    shop = Shop()
    break_(shop)
    shop.look()
    assert words in shop.told(reason, "shop")
    assert shop.objects.get(kinds.SECRET, SECRET, "shop") is None
    resolved = shop.listener()["ResolvedRefs"]
    if reason == "InvalidInput":  # the operator names no Secret, and Istio then misses none
        assert references(shop) == []
        assert resolved["status"] == "True"
    else:
        assert references(shop) == [SECRET]
        assert (resolved["status"], resolved["reason"]) == ("False", "InvalidCertificateRef")
    before = shop.dump()
    shop.look()
    assert shop.dump() == before


def test_a_pkcs12_secret_becomes_pem() -> None:
    shop = Shop()
    shop.certificate("packed", content_type="application/x-pkcs12")
    shop.gateway("https://kv-test.vault.azure.net/certificates/packed")
    shop.look()
    assert serial(shop.need(kinds.SECRET, SECRET, "shop"))


def test_a_pkcs12_without_its_key_is_refused() -> None:
    shop = Shop()
    shop.certificate("packed", content_type="application/x-pkcs12", exportable=False)
    shop.gateway("https://kv-test.vault.azure.net/certificates/packed")
    shop.look()
    assert "not exportable" in shop.told("FailedMount", "shop")


def refer(shop: Shop, **reference: str) -> Json:
    """What a listener says of a reference that a user wrote; without any option of Key Vault."""
    listener = {"name": "https", "port": 443, "protocol": "HTTPS", "hostname": "shop.contoso.com"}
    tls = {"mode": "Terminate", "certificateRefs": [reference]}
    shop.gateway(listeners=[{**listener, "tls": tls}])
    shop.look()
    return shop.listener()["ResolvedRefs"]


def test_references_of_a_user_s_own_are_checked() -> None:
    shop = Shop()
    shop.look()
    data = shop.need(kinds.SECRET, SECRET, "shop")["data"]
    shop.put(kinds.SECRET, "own", "shop", type="kubernetes.io/tls", data=data)
    shop.put(kinds.SECRET, "half", "shop", type="Opaque", data={"tls.crt": data["tls.crt"]})
    shop.put(kinds.NAMESPACE, "safe")
    shop.put(kinds.SECRET, "far", "safe", type="kubernetes.io/tls", data=data)
    assert refer(shop, name="own")["status"] == "True"
    assert "secret shop/gone not found" in refer(shop, name="gone")["message"]
    assert "tls.key" in refer(shop, name="half")["message"]
    assert "only secret is allowed" in refer(shop, name="own", kind="ConfigMap")["message"]
    assert refer(shop, name="far", namespace="safe")["reason"] == "RefNotPermitted"
    source = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "shop"}
    grant = {"from": [source], "to": [{"group": "", "kind": "Secret", "name": "far"}]}
    shop.put(crds.REFERENCE_GRANT, "shop", "safe", spec=grant)
    assert refer(shop, name="far", namespace="safe")["status"] == "True"


def test_one_faulty_listener_keeps_the_gateway_without_references() -> None:
    shop = Shop()
    gateway = shop.need(crds.GATEWAY, "shop", "shop")
    first = gateway["spec"]["listeners"][1]
    options = {**first["tls"]["options"], ACCOUNT: "nobody"}
    faulty = {**first, "name": "faulty", "hostname": "blog.contoso.com", "tls": {"options": options}}
    last = {**first, "name": "last", "hostname": "last.contoso.com"}
    gateway["spec"]["listeners"] += [faulty, last]
    shop.objects.put(crds.GATEWAY, gateway)
    shop.look()
    shop.need(kinds.SECRET, SECRET, "shop")
    assert shop.objects.get(crds.SECRET_PROVIDER_CLASS, "kv-gw-cert-shop-last", "shop") is None
    assert references(shop) == []


def test_without_the_driver_s_definition_nothing_can_be_made() -> None:
    shop = Shop(secrets=None)
    shop.look()
    assert 'no matches for kind "SecretProviderClass"' in shop.told("FailedUpdateOrCreateSPC", "shop")
    assert references(shop) == []


def test_without_app_routing_nobody_looks_at_the_options() -> None:
    shop = Shop()
    shop.alter(
        ingressProfile={
            "gatewayAPI": {"installation": "Standard"},
            "webAppRouting": {
                "enabled": False,
                "gatewayAPIImplementations": {"appRoutingIstio": {"mode": "Enabled"}},
            },
        }
    )
    shop.look()
    assert shop.objects.list(crds.SECRET_PROVIDER_CLASS) == []
    assert shop.listener("http")["Programmed"]["status"] == "True"
    assert references(shop) == []


def test_repairing_the_link_brings_the_certificate() -> None:
    shop = Shop()
    no_label(shop)
    shop.look()
    shop.account(shop.reader)
    shop.look()
    shop.need(kinds.SECRET, SECRET, "shop")
    assert shop.listener()["ResolvedRefs"]["status"] == "True"
    assert shop.told("FailedMount")
    shop.clock.moment[0] += 3601
    shop.look()
    assert not shop.told("FailedMount")


def test_access_policies_count_where_the_vault_has_them() -> None:
    shop = Shop()
    vault = shop.vault("kv-old", rbac=False)
    shop.certificate(vault="kv-old")
    shop.gateway("https://kv-old.vault.azure.net/certificates/shop-tls")
    shop.look()
    assert "AccessDenied" in shop.told("FailedMount", "shop")
    permissions = {"secrets": ["get"]}
    reader = shop.reader["properties"]["principalId"]
    vault["properties"]["accessPolicies"].append({"objectId": reader, "permissions": permissions})
    shop.azure.store.put("Microsoft.KeyVault/vaults", vault["id"], vault)
    shop.look()
    shop.need(kinds.SECRET, SECRET, "shop")


@pytest.mark.parametrize("rotates", [True, False])
def test_a_later_version_is_served_only_with_rotation(rotates: bool) -> None:
    shop = Shop(secrets={"enableSecretRotation": "true" if rotates else "false"})
    shop.look()
    first = serial(shop.need(kinds.SECRET, SECRET, "shop"))
    shop.certificate()
    shop.look()
    assert (serial(shop.need(kinds.SECRET, SECRET, "shop")) != first) is rotates


def test_a_pinned_version_stays() -> None:
    shop = Shop()
    shop.gateway(f"https://kv-test.vault.azure.net/certificates/shop-tls/{shop.version}")
    shop.look()
    first = serial(shop.need(kinds.SECRET, SECRET, "shop"))
    shop.certificate()
    shop.look()
    assert serial(shop.need(kinds.SECRET, SECRET, "shop")) == first


def test_a_link_that_breaks_later_keeps_the_secret_and_fails_the_rotation() -> None:
    shop = Shop()
    shop.look()
    no_role(shop)
    shop.look()
    shop.need(kinds.SECRET, SECRET, "shop")
    assert "ForbiddenByRbac" in shop.told("MountRotationFailed", "shop")
    assert shop.listener()["ResolvedRefs"]["status"] == "True"


def test_a_listener_without_the_option_loses_its_secret() -> None:
    shop = Shop()
    shop.look()
    shop.gateway("")
    shop.look()
    assert shop.objects.get(crds.SECRET_PROVIDER_CLASS, SECRET, "shop") is None
    assert shop.objects.get(kinds.SECRET, SECRET, "shop") is None


def test_a_removed_listener_leaves_its_provider_class_only() -> None:
    shop = Shop()
    shop.look()
    shop.gateway(listeners=[{"name": "http", "port": 80, "protocol": "HTTP"}])
    shop.look()
    shop.need(crds.SECRET_PROVIDER_CLASS, SECRET, "shop")
    assert shop.objects.get(kinds.SECRET, SECRET, "shop") is None


def with_add_on_identity(*, granted: bool) -> Bench:
    bench = Bench()
    vault = bench.vault()
    bench.certificate()
    bench.put(kinds.NAMESPACE, "shop")
    identity = bench.cluster["properties"]["ingressProfile"]["webAppRouting"]["identity"]
    if granted:
        authorization.new_assignment(
            bench.azure,
            vault["id"],
            roles.KEY_VAULT_SECRETS_USER,
            identity["objectId"],
            created=authorization.LONG_AGO,
        )
    return bench


def ingress(bench: Bench, **annotations: str) -> None:
    spec = {
        "ingressClassName": "webapprouting.kubernetes.azure.com",
        "rules": [{"host": "shop.contoso.com"}],
    }
    uri = "https://kv-test.vault.azure.net/certificates/shop-tls"
    bench.put(kinds.INGRESS, "web", "shop", annotations={URI: uri, **annotations}, spec=spec)


def test_an_ingress_gets_its_certificate_by_the_add_on_s_identity() -> None:
    bench = with_add_on_identity(granted=True)
    ingress(bench, **{"kubernetes.azure.com/tls-cert-keyvault-managed": "true"})
    bench.look()
    assert bench.need(kinds.SECRET, "keyvault-web", "shop")["type"] == "kubernetes.io/tls"
    parameters = bench.need(crds.SECRET_PROVIDER_CLASS, "keyvault-web", "shop")["spec"]["parameters"]
    assert parameters["useVMManagedIdentity"] == "true"
    assert bench.need(kinds.INGRESS, "web", "shop")["spec"]["tls"] == [
        {"secretName": "keyvault-web", "hosts": ["shop.contoso.com"]}
    ]
    bench.put(kinds.INGRESS, "web", "shop", spec={"ingressClassName": "webapprouting.kubernetes.azure.com"})
    bench.look()
    assert bench.objects.get(kinds.SECRET, "keyvault-web", "shop") is None


def test_an_ingress_without_the_role_says_so() -> None:
    bench = with_add_on_identity(granted=False)
    ingress(bench)
    bench.look()
    assert "ForbiddenByRbac" in bench.told("FailedMount", "web")
    assert bench.objects.get(kinds.SECRET, "keyvault-web", "shop") is None


def test_a_controller_s_default_certificate() -> None:
    bench = with_add_on_identity(granted=True)
    uri = "https://kv-test.vault.azure.net/certificates/shop-tls"
    spec = {
        "ingressClassName": "public",
        "controllerNamePrefix": "public",
        "defaultSSLCertificate": {"keyVaultURI": uri},
    }
    bench.put(crds.NGINX_INGRESS_CONTROLLER, "public", spec=spec)
    bench.look()
    bench.need(kinds.SECRET, "keyvault-nginx-public", "app-routing-system")
    deployment = bench.need(kinds.DEPLOYMENT, "public-0", "app-routing-system")
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--default-ssl-certificate=app-routing-system/keyvault-nginx-public" in arguments
