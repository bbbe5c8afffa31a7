"""The front door of a vault's data plane: challenge, api-version, firewall, permission.

Sources: az CLI recording test_keyvault_certificate_soft_delete (2023) for the challenge; public issue
reports for the three kinds of 403 (hashicorp/terraform-provider-azurerm 27817, Azure/azure-cli 31406,
microsoft/multimodal-ai 171), which no recording shows.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from provision.sandbox import rbac
from provision.sandbox.azure import TENANT, Answer, Azure, Json, Refusal, Request
from provision.sandbox.certificate_policy import bad_parameter
from provision.sandbox.http import Handler, Principal
from provision.sandbox.vaults import find_vault

_VERSION = re.compile(r"2016-10-01|7\.[0-6](-preview(\.\d+)?)?|202[5-9]-\d\d-\d\d(-preview)?")
_LATEST = "2026-04-01"
_CLIENT = ipaddress.ip_address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class Call:
    """An admitted request to a vault: `vault` is its ARM document, `base` its address without a slash."""

    request: Request
    azure: Azure
    vault: Json
    base: str

    @property
    def name(self) -> str:
        """The object named in the path."""
        return self.request.params["name"]

    @property
    def body(self) -> Json:
        """Empty where it is no JSON object."""
        return self.request.body if isinstance(self.request.body, dict) else {}

    @property
    def now(self) -> int:
        """Epoch seconds, the data plane's unit of time."""
        return int(self.azure.clock.now())

    @property
    def api_version(self) -> str:
        return self.request.query["api-version"]

    def id(self, *segments: str) -> str:
        """The store's id of an object of this vault; below the vault's own, so that both go together."""
        return "/".join((self.vault["id"], *segments))


Operation = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Permission:
    """What an operation needs: `action` below Microsoft.KeyVault/vaults/ in a vault with RBAC, else the
    permission `name` of `kind` (`certificates`, `secrets`) in an access policy."""

    action: str
    kind: str
    name: str


def guarded(permission: Permission, operation: Operation) -> Handler:
    """A route's handler that admits a caller to the vault before the operation runs."""

    def handle(request: Request, azure: Azure) -> Answer:
        vault = find_vault(azure, request.params["vault"])
        if vault is None:  # in Azure the name does not resolve
            raise Refusal(404, "VaultNotFound", f"No vault named '{request.params['vault']}' exists.")
        principal = request.principal
        if principal is None:
            raise _challenge(request, vault)
        _check_version(request)
        _check_firewall(vault, principal)
        call = Call(request, azure, vault, request.base_url)
        _check_permission(call, principal, permission)
        answer = operation(call)
        return Answer(answer.status, answer.body, {**_headers(vault), **answer.headers})

    return handle


def _headers(vault: Json) -> dict[str, str]:
    return {"x-ms-keyvault-region": vault["location"], "x-ms-keyvault-service-version": "1.9.908.1"}


def _challenge(request: Request, vault: Json) -> Refusal:
    """401 that names the authority and the resource to ask a token for; the suffix of the vault's host."""
    suffix = request.host.split(".", 1)[1]
    authority = "login.microsoftonline.com"
    if not suffix.endswith("azure.net"):
        authority = suffix.removeprefix("vault.")
    return Refusal(
        401,
        "Unauthorized",
        "AKV10000: Request is missing a Bearer or PoP token.",
        headers={
            "WWW-Authenticate": f'Bearer authorization="https://{authority}/{TENANT}",'
            f' resource="https://{suffix}"',
            **_headers(vault),
        },
    )


def _check_version(request: Request) -> None:
    version = request.query.get("api-version")
    if not version:
        raise bad_parameter("api-version must be specified")
    if not _VERSION.fullmatch(version):
        raise bad_parameter(
            f"The specified version ({version}) is not recognized. Consider using the latest supported"
            f" version ({_LATEST})."
        )


def _check_firewall(vault: Json, principal: Principal) -> None:
    properties = vault["properties"]
    where = f"Caller: {_caller(principal)}\r\nVault: {_place(vault)}"
    if properties["publicNetworkAccess"] == "Disabled":
        raise _forbidden(
            "Public network access is disabled and request is not from a trusted service nor via an approved"
            f" private link.\r\n{where}",
            "ForbiddenByConnection",
        )
    rules = properties.get("networkAcls") or {}
    if rules.get("defaultAction") == "Deny" and not _is_let_in(rules):
        raise _forbidden(
            "Client address is not authorized and caller is not a trusted service.\r\n"
            f"Client address: {_CLIENT}\r\n{where}",
            "ForbiddenByFirewall",
        )


def _is_let_in(rules: Json) -> bool:
    networks = (ipaddress.ip_network(rule["value"], strict=False) for rule in rules.get("ipRules") or ())
    return any(_CLIENT in network for network in networks)


def _check_permission(call: Call, principal: Principal, permission: Permission) -> None:
    if call.vault["properties"]["enableRbacAuthorization"]:
        _check_role(call, principal, f"Microsoft.KeyVault/vaults/{permission.action}", permission.kind)
    else:
        _check_policy(call.vault, principal, permission)


def _check_role(call: Call, principal: Principal, action: str, kind: str) -> None:
    """Roles may be assigned at the vault and above, or at one certificate or secret."""
    name = call.request.params.get("name")
    scope = call.id(kind, name) if name else call.vault["id"]
    if rbac.allows(call.azure, principal.object_id, action, scope, data=True):
        return
    resource = scope.replace("/resourceGroups/", "/resourcegroups/")
    resource = resource.replace("/providers/Microsoft.KeyVault/", "/providers/microsoft.keyvault/")
    lines = (
        "Caller is not authorized to perform action on resource.",
        "If role assignments, deny assignments or role definitions were changed recently, please observe"
        " propagation time.",
        f"Caller: {_caller(principal)}",
        f"Action: '{action}'",
        f"Resource: '{resource}'",
        "Assignment: (not found)",
        "DenyAssignmentId: null",
        "DecisionReason: 'DeniedWithNoValidRBAC' ",
        f"Vault: {_place(call.vault)}",
        "",
    )
    raise _forbidden("\r\n".join(lines), "ForbiddenByRbac")


def _check_policy(vault: Json, principal: Principal, permission: Permission) -> None:
    for policy in vault["properties"]["accessPolicies"]:
        granted = {name.lower() for name in policy["permissions"].get(permission.kind, ())}
        if policy["objectId"].lower() == principal.object_id.lower() and granted & {permission.name, "all"}:
            return
    raise _forbidden(
        f"The user, group or application '{_caller(principal)}' does not have {permission.kind}"
        f" {permission.name} permission on key vault '{_place(vault)}'. For help resolving this issue, please"
        " see https://go.microsoft.com/fwlink/?linkid=2125287",
        "AccessDenied",
    )


def _caller(principal: Principal) -> str:
    issuer = f"https://sts.windows.net/{TENANT}/"
    return f"appid={principal.client_id};oid={principal.object_id};iss={issuer}"


def _place(vault: Json) -> str:
    return f"{vault['name']};location={vault['location']}"


def _forbidden(message: str, inner: str) -> Refusal:
    return Refusal(403, "Forbidden", message, extra={"innererror": {"code": inner}})
