"""What a SecretProviderClass of provider `azure` asks of Key Vault, and what a Secret gets of it.

Source: "Get started using Azure Key Vault provider for Secrets Store CSI Driver", 2025, for parameters and
types: a certificate is there as secret (key and certificates), cert (certificates) or key (not here).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import yaml

from provision.sandbox.addons import key_vault
from provision.sandbox.addons.workload_identity import AccessError
from provision.sandbox.azure import TENANT, Azure, Json
from provision.sandbox.http import Principal

_TLS = "kubernetes.io/tls"


@dataclass(frozen=True, slots=True)
class Object:
    """One object of a vault; `file` is the name it is mounted under."""

    vault: str
    name: str
    kind: str
    version: str
    file: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object as it was read: which version, and what `key_vault.contents` tells of it."""

    wanted: Object
    version: str
    data: Json


def wanted(parameters: Json) -> list[Object]:
    """The objects that the parameters name. Raises AccessError with what the provider says."""
    try:
        array = (yaml.load(parameters["objects"], yaml.CSafeLoader) or {})["array"]
        entries = [_entry(each) for each in array]
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise AccessError(f"failed to parse SecretProviderClass parameters: {error!r}") from error
    for key in ("keyvaultName", "tenantId"):
        if not parameters.get(key):
            raise AccessError(f"{key} is not set")
    if parameters["tenantId"] != TENANT:
        raise AccessError(f"AADSTS90002: Tenant '{parameters['tenantId']}' not found.")
    if parameters.get("usePodIdentity", "false") == "true":
        raise AccessError("pod identity is not supported any more: use workload identity")
    return [_object(parameters["keyvaultName"], each) for each in entries]


def _entry(entry: object) -> Json:
    """The members of the array are texts of YAML themselves."""
    found = yaml.load(entry, yaml.CSafeLoader) if isinstance(entry, str) else entry
    if not isinstance(found, dict):
        raise TypeError(f"{entry!r} is not an object")
    if missing := [key for key in ("objectName", "objectType") if not found.get(key)]:
        raise KeyError(missing[0])
    return found


def _object(vault: str, entry: Json) -> Object:
    name = str(entry["objectName"])
    return Object(
        vault,
        name,
        str(entry["objectType"]),
        str(entry.get("objectVersion") or ""),
        str(entry.get("objectAlias") or name),
    )


def fetch(azure: Azure, caller: Principal, one: Object) -> Fetched:
    """Read one object. Raises AccessError."""
    where = f"objectType:{one.kind}, objectName:{one.name}, objectVersion:{one.version}"
    if one.kind not in ("secret", "cert"):
        raise AccessError(f"failed to get {where}: objectType {one.kind} is not in the sandbox")
    try:
        bundle = key_vault.read(azure, caller, one.vault, one.name, one.version)
    except AccessError as error:
        raise AccessError(f"failed to get {where}: {error}") from error
    if one.kind == "cert" and not bundle.get("managed"):
        raise AccessError(f"failed to get {where}: {key_vault.no_certificate(one.vault, one.name)}")
    return Fetched(one, key_vault.version_of(bundle), key_vault.contents(bundle))


def content(fetched: list[Fetched], file: str, kind: str, key: str) -> str:
    """What a key of a Secret gets, in base64. Raises AccessError when nothing of that name is mounted."""
    found = next((each for each in fetched if each.wanted.file == file), None)
    if found is None:
        raise AccessError(f"file matching objectName {file} not found in the pod")
    if kind == _TLS and key not in ("tls.crt", "tls.key"):  # GetCertPart of secrets-store-csi-driver
        raise AccessError(
            f"failed to get cert data from file {file}, err: tls key is not supported. Only tls.key and"
            " tls.crt are supported"
        )
    if "value" in found.data:
        return str(found.data[key if kind == _TLS else "value"])
    if found.wanted.kind == "cert":
        if (kind, key) == (_TLS, "tls.key"):
            raise AccessError(f"failed to get private key of {file}: objectType cert has none")
        return str(found.data["tls.crt"])
    if kind == _TLS:
        return str(found.data[key])
    both = (base64.b64decode(found.data[each]) for each in ("tls.key", "tls.crt"))
    return base64.b64encode(b"".join(both)).decode()
