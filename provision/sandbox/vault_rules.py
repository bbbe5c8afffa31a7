"""What a key vault's properties may be: names, defaults, irreversible switches, access policies.

Sources: az CLI recordings test_keyvault_certificate_import (2020), test_keyvault_rbac (2019) and
test_aks_approuting_enable_with_keyvault_secrets_provider_addon_and_keyvault_id (2025); "Key Vault REST API
error codes", Microsoft Learn (2026). Messages that no recording shows are from public issue reports.
"""

from __future__ import annotations

import re
from typing import Literal

from provision.sandbox.azure import TENANT, Json, Refusal

RETENTION_DAYS = 90
"""Days a deleted vault or certificate is kept, unless the vault was made with `softDeleteRetentionInDays`."""

_NAME = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9]){2,23}")
_RBAC_BY_DEFAULT = "2026-02-01"
"""From this api-version on a new vault uses Azure RBAC unless told otherwise (Microsoft Learn, 2026)."""
_OPEN_NETWORK: Json = {
    "bypass": "AzureServices",
    "defaultAction": "Allow",
    "ipRules": [],
    "virtualNetworkRules": [],
}
_SWITCHES = ("enabledForDeployment", "enabledForDiskEncryption", "enabledForTemplateDeployment")
_KINDS = ("keys", "secrets", "certificates", "storage")


def valid_name(name: str) -> bool:
    """3 to 24 letters, digits and single hyphens, beginning with a letter, not ending in a hyphen."""
    return len(name) <= 24 and _NAME.fullmatch(name) is not None


def invalid_name(name: str) -> str:
    """The message about a name that is not `valid_name`."""
    return (
        f"The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters."
        " The name must begin with a letter, end with a letter or digit, and not contain consecutive"
        " hyphens. Follow this link for more information: https://go.microsoft.com/fwlink/?linkid=2147742"
    )


def bad_request(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def new_properties(sent: Json, api_version: str) -> Json:
    """Properties of a vault as stored, from those of the PUT that creates it; 400 when they will not do.

    The order of keys is that of the recorded answers. `vaultUri` is not stored: it depends on the port.
    """
    for required in ("tenantId", "sku"):
        if not sent.get(required):
            raise bad_request(f"The parameter {required} is not specified.")
    rbac = sent.get("enableRbacAuthorization")
    if rbac is None:
        rbac = api_version >= _RBAC_BY_DEFAULT
    if not rbac and sent.get("accessPolicies") is None:
        raise bad_request("The parameter accessPolicies is not specified.")
    properties: Json = {
        "sku": _sku(sent["sku"]),
        "tenantId": sent["tenantId"],
        "accessPolicies": [checked_policy(policy) for policy in sent.get("accessPolicies") or []],
        "enabledForDeployment": False,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": _retention(sent.get("softDeleteRetentionInDays")),
        "enableRbacAuthorization": rbac,
        "publicNetworkAccess": "Enabled",
    }
    _set_switches(properties, sent)
    return properties


def changed_properties(current: Json, sent: Json) -> Json:
    """`current` with the properties of a PUT or PATCH on an existing vault; absent ones stay as they are."""
    properties = dict(current)
    retention = sent.get("softDeleteRetentionInDays")
    if retention not in (None, current["softDeleteRetentionInDays"]):
        raise bad_request(
            'The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.'
        )
    if sent.get("sku"):
        properties["sku"] = _sku(sent["sku"])
    if sent.get("accessPolicies") is not None:
        properties["accessPolicies"] = [checked_policy(policy) for policy in sent["accessPolicies"]]
    if sent.get("enableRbacAuthorization") is not None:
        properties["enableRbacAuthorization"] = sent["enableRbacAuthorization"]
    _set_switches(properties, sent)
    return properties


def _set_switches(properties: Json, sent: Json) -> None:
    """Apply what a PUT of a new vault and a change of an old one treat alike."""
    if sent.get("enablePurgeProtection") is False:
        raise bad_request(
            'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for'
            " a vault is an irreversible action."
        )
    if sent.get("enableSoftDelete") is False:
        raise bad_request(
            'The property "enableSoftDelete" can be set to false only for creating new vault. Enabling the'
            " 'soft delete' functionality is an irreversible action."
        )
    if sent.get("enablePurgeProtection"):
        properties["enablePurgeProtection"] = True
    if sent.get("publicNetworkAccess"):
        properties["publicNetworkAccess"] = sent["publicNetworkAccess"].capitalize()
    properties.update({key: sent[key] for key in _SWITCHES if sent.get(key) is not None})
    if sent.get("networkAcls") is not None:
        rules = _OPEN_NETWORK | {
            key: value for key, value in sent["networkAcls"].items() if value is not None
        }
        properties.pop("networkAcls", None)
        if rules != _OPEN_NETWORK:  # seen in 2020: the open default is not echoed
            properties["networkAcls"] = rules


def _sku(sent: Json) -> Json:
    name = str(sent.get("name", "")).lower()
    if name not in ("standard", "premium"):
        raise Refusal(
            400,
            "SkuNotSupported",
            f"The specified SKU '{sent.get('name')}' isn't supported for this resource.",
        )
    return {"family": "A", "name": name}


def _retention(sent: int | None) -> int:
    days = RETENTION_DAYS if sent is None else sent
    if not 7 <= days <= 90:
        raise bad_request("softDeleteRetentionInDays should be in the range [7, 90].")
    return days


def checked_policy(policy: Json) -> Json:
    """An access policy as stored; 400 unless it names an object and permissions of known kinds."""
    object_id = policy.get("objectId")
    permissions = policy.get("permissions")
    if not object_id or not isinstance(permissions, dict) or set(permissions) - set(_KINDS):
        raise bad_request("An invalid value was provided for 'accessPolicies'.")
    stored: Json = {"tenantId": policy.get("tenantId", TENANT), "objectId": object_id}
    if policy.get("applicationId"):
        stored["applicationId"] = policy["applicationId"]
    granted = {kind: list(names) for kind, names in permissions.items() if names is not None}
    return {**stored, "permissions": granted}


def merged_policies(
    current: list[Json], sent: list[Json], how: Literal["add", "replace", "remove"]
) -> list[Json]:
    """The access policies after `PUT …/accessPolicies/{how}`.

    `add` unites permissions with those of the same object, `replace` overwrites them, `remove` takes the
    named ones away and drops a policy that is left with none.
    Source: "Vaults - Update Access Policy", Microsoft Learn (2026).
    """
    merged = {_holder(policy): policy for policy in current}
    for policy in (checked_policy(policy) for policy in sent):
        holder = _holder(policy)
        if how == "replace" or (how == "add" and holder not in merged):
            merged[holder] = policy
        elif holder in merged:
            old = merged[holder]["permissions"]
            permissions = _combine(old, policy["permissions"], add=how == "add")
            merged[holder] = {**merged[holder], "permissions": permissions}
    return [policy for policy in merged.values() if how != "remove" or any(policy["permissions"].values())]


def _combine(old: Json, new: Json, *, add: bool) -> Json:
    combined = {kind: list(names) for kind, names in old.items()}
    for kind, names in new.items():
        known = combined.setdefault(kind, [])
        lowered = {name.lower() for name in (known if add else names)}
        if add:
            known.extend(name for name in names if name.lower() not in lowered)
        else:
            combined[kind] = [name for name in known if name.lower() not in lowered]
    return combined


def _holder(policy: Json) -> tuple[str, str]:
    return policy["objectId"].lower(), policy.get("applicationId", "").lower()
