"""Traffic controllers and what is inside them: written once, read as Azure tells them, never restarted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from azure.mgmt.servicenetworking import models

from providers.bench import GROUP, PREFIX, PROFILE, TAGS, Bench, finished, raised
from provision.apply.handler import Reading
from provision.errors import ConflictError, ServiceError
from provision.plan.change import FieldChange
from provision.plan.diff import diff
from provision.providers.azure.searching import Tagged
from provision.providers.azure.service_networking import service_networking
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.service_networking import (
    IP_ACCESS,
    TRAFFIC_CONTROLLERS,
    Association,
    Frontend,
    SecurityPolicy,
    TrafficController,
)
from provision.resources.values import CaseInsensitive

ID = CaseInsensitive(f"{PREFIX}/{TRAFFIC_CONTROLLERS}/agc")
SUBNET = CaseInsensitive(f"{PREFIX}/Microsoft.Network/virtualNetworks/vnet/subnets/alb")
CONTROLLER = TrafficController(name="agc", id=ID, location="westeurope")
FRONTEND = Frontend(name="agc/web", id=CaseInsensitive(f"{ID}/frontends/web"), location="westeurope")
ASSOCIATION = Association(
    name="agc/it", id=CaseInsensitive(f"{ID}/associations/it"), location="westeurope", subnet=SUBNET
)
POLICY_ID = CaseInsensitive(f"{ID}/securityPolicies/ip-access")
RULE: Mapping[str, Any] = {
    "name": "a",
    "priority": 1,
    "action": "deny",
    "sourceAddressPrefixes": ("198.51.100.0/24",),
}
POLICY = SecurityPolicy(name="agc/ip-access", id=POLICY_ID, location="westeurope", rules=(RULE,))


def handler(bench: Bench, kind: str) -> Any:
    return service_networking(bench.clients, Tagged(bench.clients))[kind]


async def read(bench: Bench, resource: Any) -> Observed:
    reading: Reading = await handler(bench, resource.KIND).read([resource], PROFILE)
    return reading.objects[resource.address]


def frontend(**properties: Any) -> models.Frontend:
    return models.Frontend(
        {
            "id": str(FRONTEND.id).replace("Frontends", "frontends"),
            "location": "westeurope",
            "tags": TAGS,
            "properties": {"provisioningState": "Succeeded", **properties},
        }
    )


async def test_a_frontend_has_its_name_only_once_it_is_made(bench: Bench) -> None:
    bench.frontends.get.return_value = frontend(fqdn="abc.fz11.alb.azure.com")
    observed = await read(bench, FRONTEND)
    assert isinstance(observed, Present)
    assert (observed.owner, observed.outputs["fqdn"]) == (PROFILE, "abc.fz11.alb.azure.com")
    # The service leaves out what is as usual.
    assert diff(FRONTEND.properties(), observed.properties) == ()
    bench.frontends.get.assert_awaited_once_with(GROUP, "agc", "web")


@pytest.mark.parametrize(
    ("resource", "group", "written"),
    [
        (CONTROLLER, "traffic_controllers", {}),
        (
            ASSOCIATION,
            "associations",
            {"associationType": "subnets", "subnet": {"id": str(SUBNET)}},
        ),
        (
            Frontend(
                name="agc/in",
                id=CaseInsensitive(f"{ID}/frontends/in"),
                location="westeurope",
                public=False,
                policies={IP_ACCESS: POLICY_ID},
            ),
            "frontends",
            {
                "publicNetworkAccess": "Disabled",
                "securityPolicyConfigurations": {IP_ACCESS: {"id": str(POLICY_ID)}},
            },
        ),
        (
            POLICY,
            "security_policies",
            {"ipAccessRulesPolicy": {"rules": [{**RULE, "sourceAddressPrefixes": ["198.51.100.0/24"]}]}},
        ),
        (
            SecurityPolicy(name="agc/waf", id=POLICY_ID, location="westeurope", waf_policy=SUBNET),
            "security_policies",
            {"wafPolicy": {"id": str(SUBNET)}},
        ),
    ],
)
async def test_what_is_written(bench: Bench, resource: Any, group: str, written: dict[str, Any]) -> None:
    operations = getattr(bench, group)
    operations.begin_create_or_update.return_value = finished(frontend())
    await handler(bench, resource.KIND).create(resource, bench.work())
    body = operations.begin_create_or_update.await_args.args[-1]
    # Children have a location of their own. Source: az CLI recording test_alb_resources, 2023.
    assert body == {"location": "westeurope", "tags": TAGS, "properties": written}


async def test_rules_come_back_in_their_order_whatever_azure_makes_of_it(bench: Bench) -> None:
    rules = [
        {"name": "b", "priority": 20, "action": "Allow", "sourceAddressPrefixes": ["10.0.0.0/8"]},
        {"name": "a", "priority": 1, "action": "Deny", "sourceAddressPrefixes": ["198.51.100.0/24"]},
    ]
    properties = {"policyType": "ipAccessRules", "ipAccessRulesPolicy": {"rules": rules}}
    bench.security_policies.get.return_value = models.SecurityPolicy({"properties": properties})
    second: Mapping[str, Any] = {
        "name": "b",
        "priority": 20,
        "action": "allow",
        "sourceAddressPrefixes": ("10.0.0.0/8",),
    }
    declared = SecurityPolicy(name="agc/ip-access", id=POLICY_ID, location="", rules=(RULE, second))
    observed = await read(bench, declared)
    assert isinstance(observed, Present)
    assert diff(declared.properties(), observed.properties) == ()


async def test_an_association_is_never_written_again(bench: Bench) -> None:
    change = FieldChange("subnet", SUBNET, SUBNET)
    with pytest.raises(ConflictError, match="restarts the data plane"):
        await handler(bench, ASSOCIATION.KIND).update(ASSOCIATION, Present(), [change], bench.work())
    bench.associations.begin_create_or_update.assert_not_awaited()
    bench.associations.update.assert_not_awaited()


async def test_a_patch_keeps_the_tags_of_others(bench: Bench) -> None:
    bench.frontends.get.return_value = models.Frontend(
        {"id": str(FRONTEND.id), "tags": {"cost": "12", "provision-digest": "old"}, "properties": {}}
    )
    observed = await read(bench, FRONTEND)
    bench.frontends.update.return_value = frontend()
    await handler(bench, FRONTEND.KIND).update(FRONTEND, observed, [], bench.work())
    assert bench.frontends.update.await_args.args[:3] == (GROUP, "agc", "web")
    body = bench.frontends.update.await_args.args[3]
    assert body["tags"] == {"cost": "12", **TAGS}
    assert body["properties"] == {"publicNetworkAccess": "Enabled", "securityPolicyConfigurations": None}


async def test_a_controller_that_ends_as_failed_is_no_success(bench: Bench) -> None:
    failed = models.TrafficController({"id": str(ID), "properties": {"provisioningState": "Failed"}})
    bench.traffic_controllers.begin_create_or_update.return_value = finished(failed)
    with pytest.raises(ServiceError, match="what it made is Failed"):
        await handler(bench, CONTROLLER.KIND).create(CONTROLLER, bench.work())


async def test_absent_and_unread_are_told_apart(bench: Bench) -> None:
    bench.traffic_controllers.get.side_effect = raised(404, "ResourceNotFound")
    assert await read(bench, CONTROLLER) == Absent()
    bench.traffic_controllers.get.side_effect = raised(403, "AuthorizationFailed")
    assert isinstance(await read(bench, CONTROLLER), Unread)


async def test_a_deletion_is_waited_for(bench: Bench) -> None:
    poller = finished()
    bench.associations.begin_delete.return_value = poller
    await handler(bench, ASSOCIATION.KIND).delete(ASSOCIATION, Present(), bench.work())
    bench.associations.begin_delete.assert_awaited_once_with(GROUP, "agc", "it")
    poller.result.assert_awaited_once_with()


async def test_a_frontend_that_the_profile_dropped_is_found_by_its_tags(bench: Bench) -> None:
    bench.tagged = [{"id": str(FRONTEND.id), "type": f"{TRAFFIC_CONTROLLERS}/frontends"}]
    bench.frontends.get.return_value = frontend(fqdn="abc.fz11.alb.azure.com")
    reading = await handler(bench, FRONTEND.KIND).search([CONTROLLER], PROFILE)
    [(orphan, present)] = reading.orphans
    assert (orphan.address, orphan.inside(), present.owner) == ("frontend/agc/web", str(ID), PROFILE)


async def test_a_controller_lists_its_children_once(bench: Bench) -> None:
    children = [{"id": f"{ID}/frontends/web"}, {"id": f"{ID}/Frontends/web".replace("Groups", "groups")}]
    body = {"id": str(ID), "location": "westeurope", "properties": {"frontends": children}}
    bench.traffic_controllers.get.return_value = models.TrafficController(body)
    observed = await read(bench, CONTROLLER)
    assert isinstance(observed, Present)
    assert observed.outputs["frontends"] == frozenset({FRONTEND.id})
    assert observed.outputs["associations"] == frozenset()
