"""`provision roles`: with just the role that it writes everything works, and with less it fails by name.

The sandbox checks every request against the caller's roles, so that what it checked is what was needed.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from command_line import DEV, LEGACY_VAULT, PROD, VAULT, Applied, CommandLine

from provision.sandbox import rbac, seed, services, tokens
from provision.sandbox.azure import SUBSCRIPTION, Azure, Clock, Json
from provision.sandbox.gateway import Gateway
from provision.sandbox.http import Request
from provision.sandbox.store import Store

PROFILES = Path(__file__).parents[2] / "profiles"
ROOT = f"/subscriptions/{SUBSCRIPTION}"
AUTHORIZATION = "providers/Microsoft.Authorization"
RUNNER = seed.CLIENTS["nobody"]
YES = {"destroy": ("--yes",)}

FIREWALL = (
    f"{ROOT}/resourceGroups/rg-network/providers/Microsoft.Network/"
    "applicationGatewayWebApplicationFirewallPolicies/waf-storefront"
)
CLUSTERS = "Microsoft.ContainerService/managedClusters"


@dataclass
class Runner:
    """A service principal that has custom roles and nothing else, and what the sandbox allowed it."""

    provision: CommandLine
    used: set[str] = field(default_factory=set)
    whole: dict[str, Json] = field(default_factory=dict)

    def written(self, profile: str, *options: str) -> list[Json]:
        """The roles that provision writes, when it may look at the cluster and the vaults."""
        ran = self.provision("roles", profile, "--sandbox", "--read", "--format", "json", *options)
        assert ran.code == 0, ran.err
        found = ran.json()
        return found if isinstance(found, list) else [found]

    def condition(self, profile: str) -> str:
        """What narrows the right to assign roles, as the commands for az have it."""
        ran = self.provision("roles", profile, "--sandbox", "--format", "az")
        [line] = [line for line in ran.out.splitlines() if line.startswith("CONDITION=")]
        return shlex.split(line)[0].partition("=")[2]

    def lacks(self, actions: Collection[str]) -> None:
        """Take these from the definitions of its roles, and give back what was taken before."""
        with self.provision.azure() as azure:
            for definition in azure.store.list(rbac.DEFINITION):
                whole = self.whole.setdefault(definition["name"], definition)
                [permission] = whole["properties"]["permissions"]
                left = {
                    kind: [each for each in listed if each.casefold() not in actions]
                    for kind, listed in permission.items()
                }
                properties = {**whole["properties"], "permissions": [left]}
                azure.store.put(rbac.DEFINITION, whole["name"], {**whole, "properties": properties})
            for assignment in azure.store.list(rbac.ASSIGNMENT):  # old ones: nothing is worth waiting for
                assignment["properties"]["createdOn"] = "2024-01-01T00:00:00.0000000Z"
                azure.store.put(rbac.ASSIGNMENT, assignment["id"], assignment)

    def has(self, roles: Sequence[Json], without: str = "", condition: str = "") -> None:
        """Let the principal have the roles, at each of their scopes, as az makes them."""
        store = Store(self.provision.home / "state.db")
        try:
            azure = Azure(store, Clock(), services.SETTLERS)
            asyncio.run(_assigned(azure, roles, without, condition))
        finally:
            store.close()


async def _assigned(azure: Azure, roles: Sequence[Json], without: str, condition: str) -> None:
    gateway = Gateway(azure, services.ROUTES)
    for role in roles:
        permission = {
            each: [action for action in role[each[0].upper() + each[1:]] if action != without]
            for each in ("actions", "notActions", "dataActions", "notDataActions")
        }
        definition = {
            "roleName": role["Name"],
            "description": role["Description"],
            "assignableScopes": role["AssignableScopes"],
            "permissions": [permission],
        }
        made = await _put(gateway, azure, ROOT, f"roleDefinitions/{azure.guid()}", definition)
        for scope in role["AssignableScopes"]:
            granted = {
                "roleDefinitionId": made["id"],
                "principalId": RUNNER.object_id,
                **({"condition": condition, "conditionVersion": "2.0"} if condition else {}),
            }
            await _put(gateway, azure, scope, f"roleAssignments/{azure.guid()}", granted)


async def _put(gateway: Gateway, azure: Azure, scope: str, path: str, properties: Json) -> Json:
    owner = seed.CLIENTS["owner"]
    token = tokens.mint(azure, owner.client_id, owner.object_id, "https://management.azure.com")
    request = Request(
        method="PUT",
        path=f"{scope}/{AUTHORIZATION}/{path}",
        query={"api-version": "2022-04-01"},
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        body=None,
        base_url="https://localhost",
    )
    answer = await gateway.handle(request, json.dumps({"properties": properties}).encode())
    assert answer.status == 201, answer.body
    return dict(answer.body)


@pytest.fixture
def runner(provision: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """The next runs are the principal's; before it has a role, the owner's."""
    found = Runner(provision)
    allows = rbac.allows

    def recorded(azure: Azure, object_id: str, action: str, scope: str, *, data: bool = False) -> bool:
        allowed = allows(azure, object_id, action, scope, data=data)
        if allowed and object_id == RUNNER.object_id:
            found.used.add(action.casefold())
        return allowed

    monkeypatch.setattr(rbac, "allows", recorded)
    monkeypatch.setattr(rbac, "PROPAGATION", 0.0)
    return found


def actions(roles: Sequence[Json]) -> set[str]:
    return {action.casefold() for role in roles for action in (*role["Actions"], *role["DataActions"])}


def everything(folder: Path) -> str:
    """A profile with a resource of nearly every kind: what prod has, and what it makes itself."""
    vault = {
        "resourceGroup": "rg-made",
        "create": True,
        "issuers": {"ca": {"provider": "DigiCert", "accountId": "1", "password": "env:CA_KEY"}},
        "contacts": [{"email": "ops@contoso.com"}],
    }
    host = {"certificate": "web", "namespace": "web", "createNamespace": True}
    body = {
        "apiVersion": "provision/v1",
        "name": "everything",
        "azure": {"subscription": SUBSCRIPTION},
        "cluster": {"name": "aks-prod", "resourceGroup": "rg-aks-prod"},
        "ingress": {"option": "app-routing"},
        "vaults": {"kv-made": vault},
        "certificates": {"web": {"vault": "kv-made", "dnsNames": ["contoso.com"]}},
        "dns": {
            "zones": {
                "contoso.com": {"resourceGroup": "rg-dns"},
                "sub.contoso.com": {"resourceGroup": "rg-sub"},
            },
            "records": [{"zone": "contoso.com", "name": "t", "type": "TXT", "ttl": 300, "values": ["x"]}],
        },
        "hosts": {"contoso.com": {**host, "service": {"name": "web", "port": 80}}},
    }
    file = folder / "everything.yaml"
    file.write_text(json.dumps(body))  # JSON is YAML
    return str(file)


def test_with_the_role_it_works_and_without_any_one_action_it_fails_by_name(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Applied, looked at, destroyed, and applied again over what can be recovered.

    All actions are taken away first, and given back one by one as a run fails and names them: a change or a
    check asks in the same order whatever else fails beside it, so that each would be named alone too. When a
    run succeeds, what is still taken away is not needed for it; at the end nothing may be.
    """
    profile = everything(tmp_path)
    monkeypatch.setenv("CA_KEY", "secret")
    runner.provision("plan", profile, "--sandbox")  # makes the resource groups
    roles = runner.written(profile)
    assert not any("*" in action for action in actions(roles))
    runner.has(roles, condition=runner.condition(profile))
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", RUNNER.name)
    missing = actions(roles)
    for command in ("apply", "drift", "verify", "destroy", "apply"):
        for named in _given_back(runner, command, profile, missing):
            missing -= named
    assert not missing


def _given_back(runner: Runner, command: str, profile: str, missing: set[str]) -> Iterator[set[str]]:
    """What each run names of what is missing; until one succeeds."""
    while True:
        runner.lacks(missing)
        ran = runner.provision(command, profile, "--sandbox", *YES.get(command, ()))
        told = f"{ran.out}{ran.err}".casefold()
        if ran.code == 0:
            return
        assert ran.code in (1, 3), ran.out
        named = {each for each in missing if re.search(rf"(?<![\w/]){re.escape(each)}(?![\w/])", told)}
        assert named, (command, ran.out, ran.err)
        yield named


def gateway(folder: Path) -> str:
    """A profile with every kind of an Application Gateway for Containers that it makes itself."""
    file = folder / "gateway.yaml"
    body = {"extends": f"{PROFILES}/agc-byo.yaml", "name": "gateway", "ingress": {"wafPolicy": FIREWALL}}
    file.write_text(json.dumps(body))
    return str(file)


def test_every_step_to_a_gateway_needs_its_actions(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of those that only this option has, which the others' test can't take away."""
    profile = gateway(tmp_path)
    runner.provision("plan", profile, "--sandbox")  # makes network and firewall policy
    roles = runner.written(profile)
    others = actions(runner.written(PROD[0]))
    runner.has(roles, condition=runner.condition(profile))
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", RUNNER.name)
    missing = actions(roles) - others
    for command in ("apply", "destroy"):
        for named in _given_back(runner, command, profile, missing):
            missing -= named
    assert missing == set()


@pytest.mark.parametrize(
    "profile",
    [
        *("prod", "private", "nginx", "dev", "istio", "istio-internal", "istio-gateway-api"),
        *("agc-managed", "agc-byo", "agc-private"),
    ],
)
def test_every_kind_of_cluster_is_served_by_its_role(
    profile: str, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run command, local accounts, private zones and links, a vault with access policies, a gateway outside
    the cluster, a chart."""
    file = f"profiles/{profile}.yaml"
    roles = runner.written(file)
    runner.has(roles, condition=runner.condition(file))
    if profile == "nginx":
        _open_vault_with_policies(runner.provision)
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", RUNNER.name)
    for command in ("apply", "drift", "destroy"):
        _run(runner.provision, command, file)
        if command == "drift" and profile.startswith("agc"):
            # What is outside of the cluster can be looked at; nobody has a private endpoint here.
            told = runner.provision("verify", file, "--sandbox").out
            assert "gateway in Azure: " in told
            assert "does not have the right" not in told
    later = ("/recover/action", "/update/action", "/events/read", "/cname/read", "/aaaa/read")
    assert all(action.endswith(later) for action in _unused(actions(roles), runner.used))


def _unused(granted: set[str], used: set[str]) -> set[str]:
    """What was granted for nothing: nothing that was used needs it."""
    return {
        action
        for action in granted
        if not any(fnmatchcase(each, action) for each in used - (granted - {action}))
    }


def _run(provision: CommandLine, command: str, profile: str) -> None:
    ran = provision(command, profile, "--sandbox", *YES.get(command, ()))
    assert ran.code == 0, (command, ran.out, ran.err)


def test_built_in_roles_serve_too(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the README's table, for the profile with most of its rows. Registering is done before."""
    file = "profiles/agc-private.yaml"
    runner.provision("apply", file, "--sandbox", "--target", "resource_provider/Microsoft.ServiceNetworking")
    runner.provision("apply", file, "--sandbox", "--target", "resource_provider/Microsoft.NetworkFunction")
    groups = f"{ROOT}/resourceGroups"
    network = f"{groups}/rg-network/providers/Microsoft.Network/virtualNetworks"
    administrator = "Role Based Access Control Administrator"
    granted = [
        ("Reader", ROOT),
        ("Azure Kubernetes Service Contributor Role", f"{groups}/rg-aks-private"),
        ("Azure Kubernetes Service RBAC Cluster Admin", f"{groups}/rg-aks-private"),
        ("Private DNS Zone Contributor", f"{groups}/rg-dns"),
        ("Private DNS Zone Contributor", f"{groups}/rg-network"),
        ("Managed Identity Contributor", f"{groups}/rg-identities"),
        ("Key Vault Certificates Officer", VAULT),
        ("AppGw for Containers Configuration Manager", f"{groups}/rg-aks-private"),
        ("Network Contributor", f"{network}/vnet-backoffice"),
        (administrator, VAULT),
        (administrator, f"{groups}/rg-aks-private"),
        (administrator, f"{groups}/MC_rg-aks-private_aks-private_westeurope"),
        (administrator, f"{network}/vnet-backoffice"),
    ]
    store = Store(runner.provision.home / "state.db")
    try:
        azure = Azure(store, Clock(), services.SETTLERS)
        for role, scope in granted:
            asyncio.run(_granted(azure, role, scope, RUNNER.object_id))
    finally:
        store.close()
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", RUNNER.name)
    for command in ("apply", "destroy"):
        _run(runner.provision, command, file)


def _open_vault_with_policies(provision: CommandLine) -> None:
    """What the role can't give: the note that comes with it names the permissions."""
    ran = provision("roles", "profiles/nginx.yaml", "--sandbox", "--read")
    [command] = [line for line in ran.out.splitlines() if "az keyvault set-policy" in line]
    permissions = command.rpartition("--certificate-permissions ")[2].split()
    with provision.azure() as azure:
        vault = azure.store.get("Microsoft.KeyVault/vaults", LEGACY_VAULT)
        assert vault is not None
        entry = {"objectId": RUNNER.object_id, "permissions": {"certificates": permissions}}
        vault["properties"]["accessPolicies"].append(entry)
        azure.store.put("Microsoft.KeyVault/vaults", LEGACY_VAULT, vault)


def test_a_check_reads_and_writes_nothing(
    runner: Runner, applied: Applied, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the dry run of an object, for which Kubernetes wants the right to write it."""
    applied("prod")
    roles = runner.written(PROD[0], "--for", "drift", "--for", "plan")
    assert all(action.endswith(("/read", "credential/action")) for action in actions(roles))
    runner.has(roles)
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", RUNNER.name)
    ran = runner.provision("drift", *PROD)
    assert ran.code == 0, ran.out


@pytest.mark.parametrize(
    ("action", "command"),
    [
        ("Microsoft.Resources/subscriptions/resources/read", "drift"),
        ("Microsoft.KeyVault/vaults/certificates/read", "plan"),
        (f"{CLUSTERS}/listClusterUserCredential/action", "plan"),
        (f"{CLUSTERS}/serviceaccounts/write", "apply --target kubernetes/ServiceAccount/shop/prod-ingress"),
    ],
)
def test_a_missing_action_is_named(
    action: str, command: str, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken from a role that holds nothing else than what is needed, whichever action it is."""
    roles = runner.written(PROD[0])
    assert action in {each for role in roles for each in (*role["Actions"], *role["DataActions"])}
    runner.has(roles, without=action)
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", RUNNER.name)
    word, *options = command.split()
    ran = runner.provision(word, "profiles/prod.yaml", "--sandbox", *options)
    assert ran.code in (1, 3), ran.out
    assert action.casefold() in ran.out.casefold(), ran.out


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("configmaps", "drift"),
        ("apps/deployments", "drift"),
        ("networking.k8s.io/ingresses", "drift"),
        ("networking.k8s.io/ingresses", "apply"),
        ("secrets", "drift"),
        ("events", "verify"),
    ],
)
def test_what_may_not_be_looked_at_is_never_green(
    kind: str, command: str, runner: Runner, applied: Applied, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing else amiss: all is as declared but for one kind of object that nobody could see."""
    applied("prod")
    action = f"{CLUSTERS}/{kind}/read"
    roles = runner.written(PROD[0])
    assert action.casefold() in actions(roles)
    runner.has(roles, without=action)
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", RUNNER.name)
    ran = runner.provision(command, *PROD)
    assert (ran.code, action in ran.out) == (3, True), ran.out


def test_a_missing_right_ends_as_the_command_that_gives_it(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = runner.written(PROD[0])
    runner.has(roles, without="Microsoft.KeyVault/vaults/certificates/create/action")
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", RUNNER.name)
    target = "certificate/kv-contoso-prod/api-tls"
    ran = runner.provision("apply", *PROD, "--target", target, "--format", "json")
    assert ran.code == 1
    why, _, command = ran.errors()[target].splitlines()
    vault = VAULT.replace("resourceGroups", "resourcegroups").replace(
        "Microsoft.KeyVault", "microsoft.keyvault"
    )
    assert why.endswith(f"lacks the right Microsoft.KeyVault/vaults/certificates/create/action at {vault}")
    assert command.strip() == (
        f"az role assignment create --assignee-object-id {RUNNER.object_id} --assignee-principal-type"
        f' ServicePrincipal --role "Key Vault Certificates Officer" --scope {vault}'
    )


def test_a_right_that_is_not_effective_yet_is_waited_for(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vault knows of the new role only when it was asked twice more."""
    runner.has(runner.written(PROD[0]))
    allows = rbac.allows
    refused: list[str] = []

    def late(azure: Azure, object_id: str, action: str, scope: str, *, data: bool = False) -> bool:
        if action.endswith("/certificates/create/action") and len(refused) < 2:
            refused.append(action)
            return False
        return allows(azure, object_id, action, scope, data=data)

    monkeypatch.setattr(rbac, "allows", late)
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", RUNNER.name)
    ran = runner.provision("apply", *PROD, "--target", "certificate/kv-contoso-prod/api-tls")
    assert ran.code == 0, ran.out
    assert "the caller was given a role at" in ran.out
    assert "trying again in 4 s" in ran.out


def test_the_condition_lets_nobody_assign_another_role(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profile's own roles are refused to an identity whose condition names others."""
    runner.has(runner.written(DEV[0]), condition=runner.condition(PROD[0]).replace("befefa01", "00000000"))
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", RUNNER.name)
    target = "role_assignment/dev.contoso.com/dns-zone-contributor/id-ingress-dev"
    ran = runner.provision("apply", *DEV, "--target", target, "--format", "json")
    assert ran.code == 1
    assert "the condition of the caller's role does not allow" in ran.errors()[target]


def of_dev(folder: Path, roles: str) -> tuple[str, str]:
    """Arguments for the development profile with roles made by somebody else or not at all."""
    file = folder / "roles.yaml"
    file.write_text(f"extends: {PROFILES}/dev.yaml\nname: dev\nroles: {roles}\n")
    return str(file), "--sandbox"


async def _typed(azure: Azure, command: str) -> None:
    """What the owner's az sends for a printed `az role assignment create`."""
    words = shlex.split(command)
    given = dict(zip(words[4::2], words[5::2], strict=True))
    assert given["--assignee-principal-type"] == "ServicePrincipal"
    await _granted(azure, given["--role"], given["--scope"], given["--assignee-object-id"])


async def _granted(azure: Azure, name: str, scope: str, object_id: str) -> None:
    """A built-in role, by its name."""
    [role] = [id_ for id_, each in rbac.built_in().items() if each["properties"]["roleName"] == name]
    granted = {
        "roleDefinitionId": f"{ROOT}/{AUTHORIZATION}/roleDefinitions/{role}",
        "principalId": object_id,
        "principalType": "ServicePrincipal",
    }
    gateway = Gateway(azure, services.ROUTES)
    await _put(gateway, azure, scope, f"roleAssignments/{azure.guid()}", granted)


def test_roles_of_another_team_are_checked_and_asked_for_by_command(
    provision: CommandLine, tmp_path: Path
) -> None:
    """`roles: verify`: nothing is assigned, and what the errors print makes the next apply succeed."""
    arguments = of_dev(tmp_path, "verify")
    lacking = provision("apply", *arguments, "--format", "json")
    assert lacking.code == 1
    assert not [call for call in lacking.writes() if "roleAssignments" in call.path]
    commands = [
        line.strip()
        for address, error in lacking.errors().items()
        for line in error.splitlines()
        if address.startswith("role_assignment/") and line.strip().startswith("az ")
    ]
    assert len(commands) == 2
    store = Store(provision.home / "state.db")
    try:
        for command in commands:
            asyncio.run(_typed(Azure(store, Clock(), services.SETTLERS), command))
    finally:
        store.close()
    done = provision("apply", *arguments)
    assert done.code == 0, done.out
    assert not [call for call in done.writes() if "roleAssignments" in call.path]
    assert provision("drift", *arguments).code == 0


def test_roles_that_are_off_are_neither_read_nor_made(provision: CommandLine, tmp_path: Path) -> None:
    arguments = of_dev(tmp_path, "off")
    planned = provision("plan", *arguments, "--format", "json")
    assert planned.code == 2
    addresses = [each["resource"] for each in planned.json()["changes"]]
    assert not [each for each in addresses if each.startswith(("role_assignment/", "access_policy/"))]
    assert not [call for call in planned.calls if "roleAssignments" in call.path]
