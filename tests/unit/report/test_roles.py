"""What `provision roles` writes, word for word."""

from __future__ import annotations

import json
import shlex

import pytest

from provision.ingress.rights import Granted, Rights, assigns_roles
from provision.ingress.roles import DNS_ZONE_CONTRIBUTOR
from provision.plan.custom_roles import PURPOSES, custom_roles, needs
from provision.plan.permission import World
from provision.report.roles import files, render
from provision.resources.dns import DnsZone, PrivateDnsZone, VirtualNetworkLink
from provision.resources.graph import ResourceGraph
from provision.resources.identity import RoleAssignment

from .golden import check

GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-dns"
ZONE = DnsZone(name="contoso.com", id=f"{GROUP}/providers/Microsoft.Network/dnsZones/contoso.com")
ROLE = RoleAssignment(
    name="contoso.com/dns-zone-contributor/id-ingress-prod",
    scope=ZONE.id,
    role_id=DNS_ZONE_CONTRIBUTOR.id,
    role_name=DNS_ZONE_CONTRIBUTOR.name,
    principal_id="p",
)
CORP = PrivateDnsZone(name="corp", id=f"{GROUP}/providers/Microsoft.Network/privateDnsZones/corp")
HUB = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-hub/providers/Microsoft.Network"
LINK = VirtualNetworkLink(
    name="corp/hub", id=f"{CORP.id}/virtualNetworkLinks/hub", virtual_network=f"{HUB}/virtualNetworks/hub"
)
CONDITION = "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[x] y {z}))"


def rights(*resources: DnsZone | RoleAssignment | PrivateDnsZone | VirtualNetworkLink) -> Rights:
    found = needs(World(ResourceGraph(resources), lambda ref: ref), PURPOSES)
    return Rights(
        profile="prod",
        roles=tuple(custom_roles("Contoso's ingress", "prod", found)),
        needs=tuple(found),
        granted=(Granted("id-ingress-prod", DNS_ZONE_CONTRIBUTOR, ZONE.id, managed=True),),
        condition=CONDITION,
        notes=("A role can't give everything.",),
    )


@pytest.mark.parametrize("form", ["text", "json", "az", "bicep"])
def test_every_format(form: str) -> None:
    suffix = {"text": "txt", "az": "sh"}.get(form, form)
    check(f"roles.{suffix}", render(rights(ZONE, ROLE), form))


def test_az_gets_one_definition_a_command_and_the_condition_where_roles_are_assigned() -> None:
    found = rights(ZONE, ROLE, CORP, LINK)
    commands = [shlex.split(line) for line in render(found, "az").splitlines() if line.startswith("az ")]
    made = [json.loads(words[-1]) for words in commands if words[2] == "definition"]
    assert [role["Name"] for role in made] == [role.name for role in found.roles]
    assigned = [words for words in commands if words[2] == "assignment"]
    assert [words[words.index("--scope") + 1] for words in assigned] == [
        scope for role in found.roles for scope in role.scopes
    ]
    for words in assigned:
        role = next(each for each in found.roles if each.name == words[words.index("--role") + 1])
        assert ("--condition" in words) is assigns_roles(role)


def test_one_role_is_one_object_and_several_are_a_list() -> None:
    one = rights(ZONE, ROLE)
    assert isinstance(json.loads(render(one, "json")), list)
    single = Rights("prod", one.roles[:1], one.needs, (), "", ())
    assert json.loads(render(single, "json"))["Name"] == "Contoso's ingress"
    assert [json.loads(text)["Name"] for text in files(one, "json").values()] == [
        role.name for role in one.roles
    ]


def test_bicep_is_deployed_to_each_subscription() -> None:
    found = files(rights(ZONE, ROLE, CORP, LINK), "bicep")
    first, second = (f"{number * 8}-{'-'.join([number * 4] * 3)}-{number * 12}" for number in "12")
    assert list(found) == [f"roles-{first}.bicep", f"roles-{second}.bicep", "assignment.bicep"]
    text = found[f"roles-{second}.bicep"]
    assert f"scope: resourceGroup('{second}', 'rg-hub')" in text
    assert "condition: ''" in text
    for each in found.values():
        assert each.count("{") == each.count("}")
