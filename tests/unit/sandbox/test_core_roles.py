"""Role assignments, role definitions and what they allow."""

from __future__ import annotations

import pytest
from core_bench import GROUP, ROOT, CoreBench, error

from provision.sandbox import cluster_document, identities, rbac, roles, seed
from provision.sandbox.azure import Answer, Refusal
from provision.sandbox.kubernetes import access, kinds
from provision.sandbox.kubernetes.access import User
from provision.sandbox.kubernetes.objects import Kind
from provision.sandbox.rbac import ASSIGNMENT, DEFINITION

VAULT = f"{ROOT}/resourceGroups/rg-security/providers/Microsoft.KeyVault/vaults/kv-contoso-prod"
CLUSTER = f"{ROOT}/resourceGroups/rg-aks-prod/providers/{cluster_document.KIND}/aks-prod"
GET_SECRET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"


@pytest.fixture
def bench() -> CoreBench:
    return CoreBench()


def assign(
    bench: CoreBench, principal: str, role: str, scope: str = GROUP, name: str = "", **more: str
) -> Answer:
    properties = {"principalId": principal, "roleDefinitionId": f"/providers/{DEFINITION}/{role}", **more}
    url = f"{scope}/providers/{ASSIGNMENT}/{name or bench.azure.guid()}"
    return bench.send("PUT", url, {"properties": properties})


def principal_ids(answer: Answer) -> list[str]:
    return [each["properties"]["principalId"] for each in answer.body["value"]]


def test_an_assignment_is_answered_as_in_the_recordings(bench: CoreBench) -> None:
    made = assign(bench, seed.CLIENTS["nobody"].object_id, roles.READER)
    assert made.status == 201
    properties = made.body["properties"]
    assert properties["roleDefinitionId"] == f"{ROOT}/providers/{DEFINITION}/{roles.READER}"
    assert properties["principalType"] == "ServicePrincipal"
    assert properties["scope"] == GROUP
    assert properties["createdBy"] is None
    assert properties["updatedBy"] == seed.CLIENTS["owner"].object_id
    assert properties["condition"] is None


def test_an_assignment_is_effective_after_a_while_and_below_its_scope(bench: CoreBench) -> None:
    assign(bench, seed.CLIENTS["nobody"].object_id, roles.READER)
    zone = f"{GROUP}/providers/Microsoft.Network/dnsZones/contoso.com"
    assert bench.send("GET", GROUP, client="nobody").status == 403
    bench.pass_(rbac.PROPAGATION + 1)
    assert bench.send("GET", GROUP, client="nobody").status == 200
    assert error(bench.send("GET", zone, client="nobody"))[1] == "ResourceNotFound"
    assert bench.send("GET", f"{ROOT}/resourceGroups/rg-security", client="nobody").status == 403


def test_a_second_assignment_of_the_same_conflicts(bench: CoreBench) -> None:
    nobody = seed.CLIENTS["nobody"].object_id
    first = assign(bench, nobody, roles.READER)
    status, code, message = error(assign(bench, nobody.upper(), roles.READER.upper()))
    assert (status, code) == (409, "RoleAssignmentExists")
    assert first.body["name"].replace("-", "") in message
    assert assign(bench, nobody, roles.CONTRIBUTOR).status == 201


def test_the_same_name_again_is_an_update_of_the_same_only(bench: CoreBench) -> None:
    nobody, name = seed.CLIENTS["nobody"].object_id, bench.azure.guid()
    assert assign(bench, nobody, roles.READER, name=name).status == 201
    assert assign(bench, nobody, roles.READER, name=name, description="why").status == 200
    changed = assign(bench, nobody, roles.CONTRIBUTOR, name=name)
    assert error(changed)[:2] == (400, "RoleAssignmentUpdateNotPermitted")


def test_a_new_principal_is_found_once_it_is_replicated(bench: CoreBench) -> None:
    principal = identities.new_principal(bench.azure, "id-new")["id"]
    assert error(assign(bench, principal, roles.READER))[:2] == (400, "PrincipalNotFound")
    bench.pass_(identities.REPLICATION)
    assert assign(bench, principal, roles.READER).status == 201


def test_a_declared_principal_type_outruns_replication(bench: CoreBench) -> None:
    principal = identities.new_principal(bench.azure, "id-new")["id"]
    made = assign(bench, principal, roles.READER, principalType="ServicePrincipal")
    assert made.status == 201


def test_a_wrong_principal_type_is_refused(bench: CoreBench) -> None:
    made = assign(bench, seed.CLIENTS["nobody"].object_id, roles.READER, principalType="User")
    assert error(made)[:2] == (400, "UnmatchedPrincipalType")


def test_the_scope_the_role_and_the_name_must_be_real(bench: CoreBench) -> None:
    nobody = seed.CLIENTS["nobody"].object_id
    absent = f"{GROUP}/providers/Microsoft.Network/dnsZones/absent.example"
    assert error(assign(bench, nobody, roles.READER, scope=absent))[:2] == (404, "ResourceNotFound")
    assert error(assign(bench, nobody, bench.azure.guid()))[:2] == (404, "RoleDefinitionDoesNotExist")
    assert error(assign(bench, nobody, roles.READER, name="mine"))[:2] == (400, "InvalidRoleAssignmentId")


def test_delete_answers_200_with_the_body_then_204(bench: CoreBench) -> None:
    made = assign(bench, seed.CLIENTS["nobody"].object_id, roles.READER).body
    gone = bench.send("DELETE", made["id"])
    assert (gone.status, gone.body) == (200, made)
    assert bench.send("DELETE", made["id"]).status == 204
    assert error(bench.send("GET", made["id"]))[:2] == (404, "RoleAssignmentNotFound")


def test_lists_reach_up_and_down_unless_at_scope(bench: CoreBench) -> None:
    nobody, owner = seed.CLIENTS["nobody"].object_id, seed.CLIENTS["owner"].object_id
    assign(bench, nobody, roles.READER)
    at_subscription = f"{ROOT}/providers/{ASSIGNMENT}?api-version=2022-04-01"
    at_group = f"{GROUP}/providers/{ASSIGNMENT}?api-version=2022-04-01"
    assert nobody in principal_ids(bench.send("GET", at_subscription))
    assert nobody not in principal_ids(bench.send("GET", f"{at_subscription}&$filter=atScope()"))
    assert {nobody, owner} <= set(principal_ids(bench.send("GET", f"{at_group}&$filter=atScope()")))
    for condition in (f"principalId eq '{nobody}'", f"assignedTo('{nobody}')"):
        found = bench.send("GET", f"{at_subscription}&$filter={condition}")
        assert principal_ids(found) == [nobody]


def test_role_names_are_found_in_any_casing_at_subscription_scope(bench: CoreBench) -> None:
    url = f"{GROUP}/providers/{DEFINITION}?api-version=2022-04-01&$filter=roleName eq 'dns zone contributor'"
    (found,) = bench.send("GET", url).body["value"]
    assert found["id"] == f"{ROOT}/providers/{DEFINITION}/{roles.DNS_ZONE_CONTRIBUTOR}"


def test_a_custom_role_allows_what_it_says_and_cannot_go_while_assigned(bench: CoreBench) -> None:
    name, nobody = bench.azure.guid(), seed.CLIENTS["nobody"].object_id
    permission = {
        "actions": ["Microsoft.Resources/*"],
        "notActions": ["Microsoft.Resources/*/write"],
        "dataActions": ["Microsoft.KeyVault/vaults/secrets/*"],
    }
    body = {"properties": {"roleName": "Viewer", "permissions": [permission], "assignableScopes": [ROOT]}}
    definition = f"{ROOT}/providers/{DEFINITION}/{name}"
    assert bench.send("PUT", definition, body).status == 201
    made = assign(bench, nobody, name).body
    bench.pass_(rbac.PROPAGATION)
    assert bench.send("GET", GROUP, client="nobody").status == 200
    assert bench.send("PUT", GROUP, {"location": "westeurope"}, client="nobody").status == 403
    assert error(bench.send("DELETE", definition))[:2] == (400, "RoleDefinitionHasAssignments")
    bench.send("DELETE", made["id"])
    assert bench.send("DELETE", definition).status == 200


def define(bench: CoreBench, name: str, *scopes: str, client: str = "owner", guid: str = "") -> Answer:
    permission = {"actions": ["Microsoft.Resources/*/read"]}
    properties = {"roleName": name, "permissions": [permission], "assignableScopes": scopes}
    url = f"{ROOT}/providers/{DEFINITION}/{guid or bench.azure.guid()}"
    return bench.send("PUT", url, {"properties": properties}, client=client)


def test_a_custom_role_is_there_where_it_is_assignable(bench: CoreBench) -> None:
    nobody = seed.CLIENTS["nobody"].object_id
    role = define(bench, "Viewer", GROUP.upper()).body["name"]
    elsewhere = f"{ROOT}/resourceGroups/rg-security"
    assert error(assign(bench, nobody, role, elsewhere))[:2] == (404, "RoleDefinitionDoesNotExist")
    assert error(assign(bench, nobody, role, ROOT))[:2] == (404, "RoleDefinitionDoesNotExist")
    assert assign(bench, nobody, role).status == 201
    for scope, expected in ((GROUP, 1), (ROOT, 1), (elsewhere, 0)):
        url = f"{scope}/providers/{DEFINITION}?api-version=2022-04-01&$filter=roleName eq 'Viewer'"
        assert len(bench.send("GET", url).body["value"]) == expected


def test_names_of_roles_are_unique_and_scopes_are_wanted(bench: CoreBench) -> None:
    made = define(bench, "Viewer", ROOT)
    assert error(define(bench, "viewer", ROOT))[:2] == (409, "RoleDefinitionWithSameNameExists")
    assert error(define(bench, "Reader", ROOT))[:2] == (409, "RoleDefinitionWithSameNameExists")
    assert define(bench, "Viewer", GROUP, guid=made.body["name"]).status == 201
    assert error(define(bench, "Other"))[0] == 400


def test_who_defines_a_role_may_do_so_in_every_scope_of_it(bench: CoreBench) -> None:
    assign(bench, seed.CLIENTS["nobody"].object_id, roles.OWNER)
    bench.pass_(rbac.PROPAGATION)
    assert error(define(bench, "Viewer", GROUP, client="nobody"))[:2] == (403, "AuthorizationFailed")
    inside = f"{GROUP}/providers/{DEFINITION}/{bench.azure.guid()}"
    properties = {"roleName": "Viewer", "permissions": [], "assignableScopes": [GROUP]}
    assert bench.send("PUT", inside, {"properties": properties}, client="nobody").status == 201
    wider = {**properties, "roleName": "Wider", "assignableScopes": [GROUP, ROOT]}
    url = f"{GROUP}/providers/{DEFINITION}/{bench.azure.guid()}"
    refused = error(bench.send("PUT", url, {"properties": wider}, client="nobody"))
    assert refused[:2] == (403, "AuthorizationFailed")


def test_what_a_body_leads_to_wants_a_right_of_its_own(bench: CoreBench) -> None:
    """A link joins a network that may be another team's."""
    network = f"{ROOT}/resourceGroups/rg-hub/providers/Microsoft.Network/virtualNetworks/hub"
    zone = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/corp.example"
    assign(bench, seed.CLIENTS["nobody"].object_id, roles.PRIVATE_DNS_ZONE_CONTRIBUTOR)
    bench.pass_(rbac.PROPAGATION)
    bench.send("PUT", zone, {"location": "global"}, client="nobody")
    bench.pass_(60)
    body = {"location": "global", "properties": {"virtualNetwork": {"id": network}}}
    link = f"{zone}/virtualNetworkLinks/hub"
    status, code, message = error(bench.send("PUT", link, body, client="nobody"))
    assert (status, code) == (403, "LinkedAuthorizationFailed")
    assert f"'Microsoft.Network/virtualNetworks/join/action' on the linked scope(s) '{network}'" in message
    assert bench.send("PUT", link, body).status == 202


def test_azure_knows_custom_resources_as_one_kind(bench: CoreBench) -> None:
    pods, gateways = kinds.POD, Kind("gateway.networking.k8s.io", "v1", "Gateway", "gateways", True)
    reader = User("r", object_id=seed.CLIENTS["nobody"].object_id)
    document = bench.azure.store.get(cluster_document.KIND, CLUSTER)
    assert document is not None
    permission = {"dataActions": [f"{cluster_document.KIND}/customresources/read"]}
    properties = {"roleName": "Gateways", "permissions": [permission], "assignableScopes": [ROOT]}
    made = bench.send(
        "PUT", f"{ROOT}/providers/{DEFINITION}/{bench.azure.guid()}", {"properties": properties}
    )
    assign(bench, reader.object_id, made.body["name"], ROOT)
    bench.pass_(rbac.PROPAGATION)
    access.require(bench.azure, document, reader, "get", gateways, namespace="shop")
    for verb, kind in (("patch", gateways), ("get", pods)):
        with pytest.raises(Refusal):
            access.require(bench.azure, document, reader, verb, kind, namespace="shop")


def test_data_actions_are_apart_from_actions(bench: CoreBench) -> None:
    def allowed(client: str, action: str, *, data: bool) -> bool:
        object_id = seed.CLIENTS[client].object_id
        return rbac.allows(bench.azure, object_id, action, VAULT, data=data)

    assert allowed("owner", GET_SECRET, data=True)
    assert not allowed("contributor", GET_SECRET, data=True)
    assert allowed("contributor", "Microsoft.KeyVault/vaults/certificates/create/action", data=True)
    assert not allowed("reader", "Microsoft.KeyVault/vaults/certificates/read", data=True)
    assert allowed("reader", "Microsoft.KeyVault/vaults/read", data=False)
    assert allowed("contributor", "Microsoft.KeyVault/vaults/write", data=False)
    assert not allowed("contributor", "Microsoft.Authorization/roleAssignments/write", data=False)


def test_permissions_lists_what_the_caller_has(bench: CoreBench) -> None:
    url = f"{GROUP}/providers/Microsoft.Authorization/permissions"
    found = bench.send("GET", url, client="reader").body["value"]
    assert ["*/read"] in [each["actions"] for each in found]
    assert any(each["notDataActions"] for each in found), "the role for Kubernetes objects leaves Secrets out"


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        (f"{GROUP}/providers/A.B/c/d/e/f", f"{GROUP}/providers/A.B/c/d/e/f"),
        (f"{GROUP}/providers/A.B/c/d/start", f"{GROUP}/providers/A.B/c/d"),
        (f"{GROUP}/providers/A.B/c", f"{GROUP}/providers/A.B"),
        (f"{GROUP}/providers/A.B/c/d/providers/X.Y/z/1", f"{GROUP}/providers/A.B/c/d/providers/X.Y/z/1"),
        (f"{ROOT}/resourceGroups", ROOT),
        (f"{GROUP}/", GROUP),
    ],
)
def test_the_scope_of_a_path(path: str, scope: str) -> None:
    assert rbac.scope_of(path) == scope


def test_ancestors_go_up_a_pair_at_a_time() -> None:
    record = f"{GROUP}/providers/Microsoft.Network/dnsZones/z/A/www"
    zone = record.removesuffix("/A/www")
    assert rbac.ancestors(record) == [record, zone, GROUP, ROOT]
    assert rbac.ancestors(f"{zone}/providers/X.Y/z/1")[1:] == [zone, GROUP, ROOT]
