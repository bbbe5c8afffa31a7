"""What each kind costs, and the roles made of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from provision.plan.custom_roles import PURPOSES, custom_roles, needs
from provision.plan.permission import Permission, World
from provision.plan.permissions import costs
from provision.resources.certificate import Certificate
from provision.resources.dns import DnsZone, HostRecord, PrivateDnsZone, VirtualNetworkLink
from provision.resources.graph import ResourceGraph
from provision.resources.identity import RoleAssignment
from provision.resources.manifest import CONFIG_MAP, GATEWAY, NAMESPACE, Manifest
from provision.resources.ref import Ref
from provision.resources.resource import Condition, Resource
from provision.resources.values import CaseInsensitive, Value
from provision.resources.vault import ACCESS_POLICY, RBAC, KeyVault

GROUP = "/subscriptions/s1/resourceGroups/rg-dns"
ZONE = DnsZone(name="contoso.com", id=f"{GROUP}/providers/Microsoft.Network/dnsZones/contoso.com")
VAULT = KeyVault(
    name="kv", id="/subscriptions/s1/resourceGroups/rg-security/providers/Microsoft.KeyVault/vaults/kv"
)
CLUSTER = "/subscriptions/s1/resourceGroups/rg-aks/providers/Microsoft.ContainerService/managedClusters/aks"
CLUSTERS = "Microsoft.ContainerService/managedClusters"
CREDENTIALS = f"{CLUSTERS}/listClusterUserCredential/action"
RUN_COMMAND = f"{CLUSTERS}/runcommand/action"


def found(
    *resources: Resource,
    purposes: tuple[str, ...] = tuple(PURPOSES),
    known: Mapping[str, Value] | None = None,
    access: str = "",
) -> set[Permission]:
    """Every permission that the resources cost. `known` maps refs, as text, to values."""

    def lookup(ref: Ref) -> Value:
        return (known or {}).get(str(ref), ref)

    world = World(ResourceGraph(resources), lookup, access)
    return {need.permission for need in needs(world, purposes)}


def actions(*resources: Resource, **options: object) -> set[str]:
    return {each.action for each in found(*resources, **options)}  # type: ignore[arg-type]


def manifest(**options: object) -> Manifest:
    given: dict[str, object] = {
        "name": "ConfigMap/shop/web",
        "api": CONFIG_MAP,
        "cluster_id": CaseInsensitive(CLUSTER),
        "private": False,
        "entra": True,
        "access": "auto",
        "object_name": "web",
        "namespace": "shop",
    }
    return Manifest(**{**given, **options})  # type: ignore[arg-type]


def certificate() -> Certificate:
    return Certificate(
        name="kv/shop",
        vault="kv",
        vault_subscription="s1",
        certificate_name="shop",
        issuer="Self",
        subject="CN=shop",
        dns_names=frozenset({"shop.contoso.com"}),
        validity_months=12,
        renew_before_days=30,
        key_type="RSA",
        key_size=2048,
        curve=None,
    )


def test_each_command_gets_what_it_does() -> None:
    network = "Microsoft.Network/dnsZones"
    look = {f"{network}/read", f"{network}/all/read", "Microsoft.Resources/subscriptions/resources/read"}
    assert actions(ZONE, purposes=("plan",)) == look
    assert actions(ZONE, purposes=("apply",)) == look | {f"{network}/write"}
    assert actions(ZONE, purposes=("destroy",)) == look | {
        f"{network}/delete",
        "Microsoft.Network/dnsOperationStatuses/read",
    }


def test_what_must_exist_is_never_written() -> None:
    used = DnsZone(name=ZONE.name, id=ZONE.id, create=False)
    assert actions(used) == actions(ZONE, purposes=("plan",))
    theirs = RoleAssignment(
        name="z/r/w", scope=ZONE.id, role_id="r", role_name="R", principal_id="p", managed=False
    )
    assert actions(theirs) == {"Microsoft.Authorization/roleAssignments/read"}


def test_a_namespace_is_made_and_left_behind() -> None:
    made = manifest(name="Namespace/shop", api=NAMESPACE, object_name="shop", namespace="")
    assert f"{CLUSTERS}/namespaces/write" in actions(made)
    assert f"{CLUSTERS}/namespaces/delete" not in actions(made)


@pytest.mark.parametrize(
    ("options", "access", "expected"),
    [
        ({"private": False}, "", {CREDENTIALS}),
        ({"private": True}, "", {RUN_COMMAND}),
        ({"private": True, "access": "direct"}, "", {CREDENTIALS}),
        ({"private": False, "access": "run-command"}, "", {RUN_COMMAND}),
        ({"private": Ref("managed_cluster/aks", "private")}, "", {CREDENTIALS, RUN_COMMAND}),
        ({"private": Ref("managed_cluster/aks", "private")}, "direct", {CREDENTIALS}),
        ({"private": Ref("managed_cluster/aks", "private")}, "run-command", {RUN_COMMAND}),
    ],
)
def test_the_way_into_the_cluster(options: dict[str, object], access: str, expected: set[str]) -> None:
    table = costs(manifest(**options), World(ResourceGraph([]), lambda ref: ref, access))
    everything = {each.action for permissions in table.values() for each in permissions}
    assert everything & {CREDENTIALS, RUN_COMMAND} == expected


def test_objects_are_data_and_custom_resources_are_one_kind() -> None:
    gateway = manifest(name="Gateway/shop/web", api=GATEWAY)
    inside = {each.action for each in found(gateway) if each.data}
    assert {f"{CLUSTERS}/customresources/{verb}" for verb in ("read", "write", "delete")} <= inside
    assert not any("gateway.networking.k8s.io" in action for action in inside)
    assert f"{CLUSTERS}/networking.k8s.io/ingresses/read" in inside


def test_secrets_are_read_where_their_age_or_content_is_told() -> None:
    gateway = manifest(name="Gateway/shop/web", api=GATEWAY)
    secrets = f"{CLUSTERS}/secrets/read"
    for purpose in PURPOSES:
        assert (secrets in actions(gateway, purposes=(purpose,))) is (purpose in ("drift", "verify"))


def test_local_accounts_cost_no_data_actions() -> None:
    assert not any(each.data for each in found(manifest(entra=False)))


def test_certificates_cost_data_actions_at_their_vault_unless_it_has_policies() -> None:
    address = "key_vault/kv.authorization"
    data = {each for each in found(VAULT, certificate(), known={address: RBAC}) if each.data}
    assert {each.scope for each in data} == {VAULT.id}
    assert Permission(VAULT.id, "Microsoft.KeyVault/vaults/certificates/create/action", data=True) in data
    assert data == {each for each in found(VAULT, certificate()) if each.data}
    assert not any(each.data for each in found(VAULT, certificate(), known={address: ACCESS_POLICY}))


def test_what_the_world_does_not_want_costs_nothing() -> None:
    when = Condition(Ref("key_vault/kv", "authorization"), RBAC)
    role = RoleAssignment(name="kv/r/w", scope=VAULT.id, role_id="r", role_name="R", principal_id="p")
    write = "Microsoft.Authorization/roleAssignments/write"
    wanted = role.conditional(when)
    assert write in actions(VAULT, wanted)
    assert write in actions(VAULT, wanted, known={"key_vault/kv.authorization": RBAC})
    assert write not in actions(VAULT, wanted, known={"key_vault/kv.authorization": ACCESS_POLICY})


def test_only_the_apex_is_taken_away_by_us() -> None:
    for name, expected in (("www", False), ("@", True)):
        record = HostRecord(
            name=f"contoso.com/{name}",
            zone_id=ZONE.id,
            visibility="public",
            record_name=name,
            target="1.2.3.4",
        )
        assert ("Microsoft.Network/dnsZones/A/delete" in actions(record)) is expected


def test_roles_are_assigned_at_resource_groups_and_what_is_wider_is_one_of_its_own() -> None:
    network = "/subscriptions/s2/resourceGroups/rg-hub/providers/Microsoft.Network/virtualNetworks/hub"
    private = PrivateDnsZone(name="corp", id=f"{GROUP}/providers/Microsoft.Network/privateDnsZones/corp")
    link = VirtualNetworkLink(
        name="corp/hub", id=f"{private.id}/virtualNetworkLinks/hub", virtual_network=network
    )
    world = World(ResourceGraph([ZONE, private, link]), lambda ref: ref)
    roles = custom_roles("ours", "prod", needs(world, PURPOSES))
    assert {role.name: role.scopes for role in roles} == {
        "ours (s1)": (GROUP,),
        "ours (s1, subscription)": ("/subscriptions/s1",),
        "ours (s2)": ("/subscriptions/s2/resourceGroups/rg-hub",),
    }
    by_name = {role.name: role for role in roles}
    assert by_name["ours (s2)"].actions == ("Microsoft.Network/virtualNetworks/join/action",)
    assert by_name["ours (s1, subscription)"].actions == ("Microsoft.Resources/subscriptions/resources/read",)


def test_one_subscription_is_not_named_and_scopes_are_told_apart_without_case() -> None:
    again = DnsZone(
        name="fabrikam.com",
        id="/subscriptions/S1/resourcegroups/RG-DNS/providers/Microsoft.Network/dnszones/fabrikam.com",
    )
    world = World(ResourceGraph([ZONE, again]), lambda ref: ref)
    roles = custom_roles("ours", "prod", needs(world, ("apply",)))
    assert [role.name for role in roles] == ["ours", "ours (subscription)"]
    assert [len(role.scopes) for role in roles] == [1, 1]


def test_an_id_is_one_scope_however_it_comes() -> None:
    role = RoleAssignment(
        name="z/r/w", scope=CaseInsensitive(VAULT.id), role_id="r", role_name="R", principal_id="p"
    )
    again = RoleAssignment(name="z/s/w", scope=VAULT.id, role_id="s", role_name="S", principal_id="p")
    world = World(ResourceGraph([role, again]), lambda ref: ref)
    write = [need for need in needs(world, PURPOSES) if need.permission.action.endswith("/write")]
    assert [len(need.reasons["create"]) for need in write] == [2]  # type: ignore[index]


def test_a_need_says_what_for() -> None:
    world = World(ResourceGraph([ZONE]), lambda ref: ref)
    write = next(need for need in needs(world, PURPOSES) if need.permission.action.endswith("/write"))
    assert write.permission == Permission(ZONE.id, "Microsoft.Network/dnsZones/write")
    assert write.reasons == {"create": ("dns_zone/contoso.com",)}
