"""Reading secrets of Key Vault, certificates above all, and what becomes of them in a Kubernetes Secret."""

from __future__ import annotations

import base64
import json
import re
from typing import cast

from provision.sandbox import certificate_secret, certificate_store, vault_secrets
from provision.sandbox.addons.workload_identity import AccessError
from provision.sandbox.azure import Answer, Azure, Json, Refusal, Request
from provision.sandbox.certificate_policy import PEM
from provision.sandbox.http import Principal
from provision.sandbox.vault_access import Permission, guarded
from provision.sandbox.vaults import find_vault

_GET = guarded(Permission("secrets/getSecret/action", "secrets", "get"), vault_secrets.get)
_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----\n?", re.DOTALL)


def read(azure: Azure, caller: Principal, vault: str, name: str, version: str = "") -> Json:
    """The secret's bundle, its current version or the one named, as the data plane answers it.

    Raises AccessError with the data plane's own words.
    """
    address = f"https://{vault}.vault.azure.net"
    path = f"/secrets/{name}/{version}"
    params = {"vault": vault, "name": name, **({"version": version} if version else {})}
    request = Request("GET", path, {"api-version": "7.4"}, {}, None, address, caller, params)
    if find_vault(azure, vault) is None:
        raise AccessError(
            f'Get "{address}{path}?api-version=7.4": dial tcp: lookup {vault}.vault.azure.net: no such host'
        )
    try:
        answer = cast(Answer, _GET(request, azure))
    except Refusal as refusal:
        raise AccessError(_told(f"{address}{path}", refusal)) from refusal
    bundle: Json = answer.body
    return bundle


def version_of(bundle: Json) -> str:
    """The version that a bundle is."""
    return str(bundle["id"]).rsplit("/", 1)[-1]


def tls_data(bundle: Json) -> Json:
    """`tls.crt` (the certificate, then its chain) and `tls.key`, base64. Raises AccessError without a key."""
    if bundle["contentType"] == PEM:
        key, certificates = _split(bundle["value"])
    else:
        key, certificates = certificate_secret.unpack(bundle["value"])
    if not key:
        raise AccessError("private key not found: the key of the certificate is not exportable")
    encoded = {"tls.crt": certificates, "tls.key": key}
    return {name: base64.b64encode(text.encode()).decode() for name, text in encoded.items()}


def contents(bundle: Json) -> Json:
    """`tls_data` of a certificate's secret; of any other its `value` and what of it is PEM, base64."""
    if bundle.get("managed"):
        return tls_data(bundle)
    key, certificates = _split(bundle["value"])
    found = {"value": bundle["value"], "tls.crt": certificates, "tls.key": key}
    return {name: base64.b64encode(text.encode()).decode() for name, text in found.items()}


def no_certificate(vault: str, name: str) -> str:
    """What reading a certificate says where there is but a secret of that name."""
    return _told(f"https://{vault}.vault.azure.net/certificates/{name}/", certificate_store.not_found(name))


def _told(address: str, refusal: Refusal) -> str:
    """An error of the data plane as the Go SDK prints it (azcore, 2026).

    The inner code comes first, because an event's text is cut off where Kubernetes limits it.
    """
    error = {"code": refusal.code, **refusal.extra, "message": refusal.message.strip()}
    body = json.dumps({"error": error})
    return f"GET {address}\nRESPONSE {refusal.status}\nERROR CODE: {refusal.code}\n{body}"


def _split(text: str) -> tuple[str, str]:
    blocks = [(match[1], match[0].rstrip("\n") + "\n") for match in _BLOCK.finditer(text)]
    key = "".join(block for kind, block in blocks if kind.endswith("PRIVATE KEY"))
    return key, "".join(block for kind, block in blocks if kind == "CERTIFICATE")
