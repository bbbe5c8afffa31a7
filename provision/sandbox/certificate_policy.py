"""Certificate policies of Key Vault: what may be asked for, and the defaults the service fills in.

Sources: az CLI recordings test_keyvault_certificate_soft_delete (2023), the recordings of the JavaScript
SDK's certificate tests (2020-2021: defaults of key, usage, lifetime action and validity), and "Certificates",
Key Vault REST reference 7.6. No source shows the exact words of a policy refusal, except "Property policy
has invalid value".
"""

from __future__ import annotations

import re

from provision.sandbox.azure import Json, Refusal

SELF = "Self"
UNKNOWN = "Unknown"
PKCS12 = "application/x-pkcs12"
PEM = "application/x-pem-file"

CURVES = {"P-256": 256, "P-384": 384, "P-521": 521, "P-256K": 256}
KEY_SIZES = (2048, 3072, 4096)
EKUS = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]
"""Server and client authentication, filled in when a policy names no extended key usage."""
_DAYS_PER_MONTH = 27
"""The most days before expiry for each month of validity. Source: as at `lifetime_actions`."""
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
USAGES = (
    "cRLSign",
    "dataEncipherment",
    "decipherOnly",
    "digitalSignature",
    "encipherOnly",
    "keyAgreement",
    "keyCertSign",
    "keyEncipherment",
    "nonRepudiation",
)


def bad_parameter(message: str) -> Refusal:
    return Refusal(400, "BadParameter", message)


def normalised(sent: Json, now: int, *, created: int | None = None) -> Json:
    """A policy as the service keeps it: checked, defaults filled, key usage sorted.

    `now` and `created` are epoch seconds. The id is not part of it: it depends on the vault's address.
    """
    issuer = dict(sent.get("issuer") or {})
    issuer = {"name": issuer.pop("name", None) or UNKNOWN, **issuer}
    x509 = sent.get("x509_props") or {}
    if not x509.get("subject") and not any((x509.get("sans") or {}).values()):
        raise bad_parameter("Property policy has invalid value\r\n")
    x509 = x509_properties(x509)
    actions = lifetime_actions(sent.get("lifetime_actions"), issuer["name"], x509["validity_months"])
    return {
        "key_props": key_properties(sent.get("key_props") or {}),
        "secret_props": {"contentType": _content_type(sent)},
        "x509_props": x509,
        "lifetime_actions": actions,
        "issuer": issuer,
        "attributes": {"enabled": True, "created": now if created is None else created, "updated": now},
    }


def updated(policy: Json, sent: Json, now: int) -> Json:
    """`policy` after PATCH …/policy: what was sent replaces the old, key and X.509 property by property."""
    sections = {key: value for key, value in sent.items() if value is not None and key in policy}
    merged = {**policy, **sections}
    key = sent.get("key_props") or {}
    if key.get("kty") in (None, policy["key_props"]["kty"]):  # another type begins with its own defaults
        merged["key_props"] = {**policy["key_props"], **key}
    merged["x509_props"] = {**policy["x509_props"], **(sent.get("x509_props") or {})}
    return normalised(merged, now, created=policy["attributes"]["created"])


def key_properties(sent: Json) -> Json:
    """`{exportable, kty, key_size, reuse_key[, crv]}` with Azure's defaults: an exportable RSA 2048 key."""
    kty = sent.get("kty") or ("EC" if sent.get("crv") else "RSA")
    exportable = sent.get("exportable")
    key: Json = {"exportable": True if exportable is None else exportable, "kty": kty}
    if kty.startswith("EC"):
        curve = sent.get("crv") or next(
            (name for name, size in CURVES.items() if size == sent.get("key_size")), "P-256"
        )
        if curve not in CURVES:
            raise bad_parameter(f"Property crv has invalid value: {curve}\r\n")
        key["key_size"] = CURVES[curve]
        tail = {"crv": curve}
    elif kty.startswith("RSA"):
        key["key_size"] = sent.get("key_size") or KEY_SIZES[0]
        if key["key_size"] not in KEY_SIZES:
            raise bad_parameter(f"Property key_size has invalid value: {key['key_size']}\r\n")
        tail = {}
    else:
        raise bad_parameter(f"Property kty has invalid value: {kty}\r\n")
    if kty.endswith("-HSM") and key["exportable"]:
        raise bad_parameter("Property policy has invalid value\r\n")
    return {**key, "reuse_key": bool(sent.get("reuse_key")), **tail}


def _content_type(sent: Json) -> str:
    content_type = (sent.get("secret_props") or {}).get("contentType") or PKCS12
    if content_type not in (PKCS12, PEM):
        raise bad_parameter("Property policy has invalid value\r\n")
    return str(content_type)


def x509_properties(sent: Json) -> Json:
    """Subject, names, usages and validity; `validity_months` is 12 unless given."""
    months = sent.get("validity_months") or 12
    if not 1 <= months <= 1200:
        raise bad_parameter(f"Property validity_months has invalid value: {months}\r\n")
    usages = sent.get("key_usage")
    if set(usages or ()) - set(USAGES):
        raise bad_parameter("Property key_usage has invalid value\r\n")
    x509: Json = {"subject": sent.get("subject") or ""}
    if sent.get("sans") is not None:
        x509["sans"] = {kind: names for kind, names in sent["sans"].items() if names is not None}
    x509["ekus"] = EKUS if sent.get("ekus") is None else sent["ekus"]
    if not all(_OID.fullmatch(str(each)) for each in x509["ekus"]):
        raise bad_parameter("Property ekus has invalid value\r\n")
    x509["key_usage"] = ["digitalSignature", "keyEncipherment"] if usages is None else sorted(usages)
    x509["validity_months"] = months
    x509["basic_constraints"] = sent.get("basic_constraints") or {"ca": False}
    return x509


def lifetime_actions(sent: list[Json] | None, issuer: str, months: int | None = None) -> list[Json]:
    """At 80 % of the lifetime: renew, or write to the contacts where the service cannot renew (Unknown).

    A policy has one action at most, with one trigger, and days fit into its months of validity. Sources:
    https://github.com/Azure/azure-sdk-for-net/issues/15633 (2020, with the words of the refusal); Trigger,
    https://learn.microsoft.com/rest/api/keyvault/certificates/create-certificate/create-certificate.
    """
    if not sent:
        action = "EmailContacts" if issuer == UNKNOWN else "AutoRenew"
        return [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": action}}]
    if len(sent) > 1:
        raise bad_parameter("At most one action is allowed")
    for each in sent:
        trigger: Json = each.get("trigger") or {}
        kind = (each.get("action") or {}).get("action_type")
        percentage, days = trigger.get("lifetime_percentage"), trigger.get("days_before_expiry")
        if (percentage is None) == (days is None) or kind not in ("AutoRenew", "EmailContacts"):
            raise bad_parameter("Property policy has invalid value\r\n")
        if percentage is not None and not 1 <= percentage <= 99:
            raise bad_parameter("Property lifetime_percentage has invalid value\r\n")
        if days is not None and not 1 <= days <= (months * _DAYS_PER_MONTH if months else days):
            raise bad_parameter("Property days_before_expiry has invalid value\r\n")
        if kind == "AutoRenew" and issuer == UNKNOWN:
            raise bad_parameter("Property policy has invalid value\r\n")
    return [{key: _without_nulls(each[key]) for key in ("trigger", "action")} for each in sent]


def _without_nulls(section: Json) -> Json:
    return {key: value for key, value in section.items() if value is not None}
