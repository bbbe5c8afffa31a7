"""Conditions that let somebody assign some roles and no others."""

from __future__ import annotations

import pytest
from core_bench import GROUP, CoreBench, error

from provision.sandbox import rbac, roles, seed
from provision.sandbox.conditions import Asked, InvalidConditionError, fulfilled
from provision.sandbox.rbac import ASSIGNMENT, DEFINITION

ROLES = "Microsoft.Authorization/roleAssignments"
WRITE = Asked(f"{ROLES}/write", request={"roledefinitionid": "a-1", "principaltype": "User"})
DELETE = Asked(f"{ROLES}/delete", resource={"roledefinitionid": "a-1"})
OURS = (
    f"((!(ActionMatches{{'{ROLES}/write'}})) OR (@Request[{ROLES}:RoleDefinitionId]"
    " ForAnyOfAnyValues:GuidEquals {A-1, b-2})) AND"
    f" ((!(ActionMatches{{'{ROLES}/delete'}})) OR (@Resource[{ROLES}:RoleDefinitionId]"
    " ForAnyOfAnyValues:GuidEquals {b-2}))"
)


@pytest.mark.parametrize(
    ("condition", "asked", "expected"),
    [
        (OURS, WRITE, True),
        (OURS, DELETE, False),
        (OURS, Asked("Microsoft.Network/dnsZones/write"), True),
        (OURS, Asked(f"{ROLES}/write", request={"roledefinitionid": "c-3"}), False),
        (f"ActionMatches{{'{ROLES}/*'}}", DELETE, True),
        (f"!(ActionMatches{{'{ROLES}/*'}})", DELETE, False),
        (f"@Request[{ROLES}:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {{'user'}}", WRITE, True),
        (f"@Request[{ROLES}:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals {{a-1}}", WRITE, False),
        (f"@Request[{ROLES}:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals {{b-2}}", WRITE, True),
        (f"@Request[{ROLES}:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals {{b-2}}", DELETE, False),
        ("ActionMatches{'x'} AND ActionMatches{'y'} OR ActionMatches{'z'}", Asked("z"), True),
    ],
)
def test_conditions(condition: str, asked: Asked, expected: bool) -> None:
    assert fulfilled(condition, asked) is expected


@pytest.mark.parametrize(
    "condition",
    ["(", ")", "ActionMatches{'x'} ActionMatches{'y'}", "AND", "x", "@Request[a:b] Equals {1}", "(!", "()"],
)
def test_what_is_no_condition(condition: str) -> None:
    with pytest.raises(InvalidConditionError):
        fulfilled(condition, WRITE)


def test_whoever_has_a_condition_assigns_what_it_names() -> None:
    bench = CoreBench()
    delegate, somebody = seed.CLIENTS["nobody"].object_id, seed.CLIENTS["expired"].object_id
    condition = OURS.replace("A-1", roles.READER).replace("b-2", roles.DNS_ZONE_CONTRIBUTOR)

    def assign(who: str, role: str, client: str, **more: str) -> tuple[int, str]:
        properties = {"principalId": who, "roleDefinitionId": f"/providers/{DEFINITION}/{role}", **more}
        url = f"{GROUP}/providers/{ASSIGNMENT}/{bench.azure.guid()}"
        answer = bench.send("PUT", url, {"properties": properties}, client=client)
        return answer.status, str(answer.body["id"]) if answer.status == 201 else error(answer)[1]

    assert assign(delegate, roles.RBAC_ADMINISTRATOR, "owner", condition="x")[0] == 400
    given = assign(delegate, roles.RBAC_ADMINISTRATOR, "owner", condition=condition, conditionVersion="2.0")
    assert given[0] == 201
    bench.pass_(rbac.PROPAGATION)
    assert assign(somebody, roles.OWNER, "nobody") == (403, "AuthorizationFailed")
    made = assign(somebody, roles.READER, "nobody")
    assert made[0] == 201
    status, _, message = error(bench.send("DELETE", made[1], client="nobody"))
    assert status == 403
    assert "has an authorization with ABAC condition that is not fulfilled to perform action" in message
    zones = assign(somebody, roles.DNS_ZONE_CONTRIBUTOR, "nobody")
    assert bench.send("DELETE", zones[1], client="nobody").status == 200
