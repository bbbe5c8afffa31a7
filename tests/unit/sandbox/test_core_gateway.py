"""What ARM's front door refuses, in ARM's order and words."""

from __future__ import annotations

import asyncio

import pytest
from core_bench import ARM, GROUP, ROOT, CoreBench, error

from provision.sandbox import faults, seed
from provision.sandbox.azure import Answer, Azure, Refusal, Request
from provision.sandbox.gateway import Gateway
from provision.sandbox.http import Route

CLUSTERS = f"{ROOT}/resourceGroups/rg-aks-prod/providers/Microsoft.ContainerService/managedClusters"


@pytest.fixture
def bench() -> CoreBench:
    return CoreBench()


def test_a_request_without_a_token_is_challenged(bench: CoreBench) -> None:
    answer = bench.send("GET", GROUP, client=None)
    assert error(answer)[:2] == (401, "AuthenticationFailed")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


def test_a_forged_token_is_invalid(bench: CoreBench) -> None:
    forged = bench.token()[:-4] + "AAAA"
    answer = bench.send("GET", GROUP, headers={"authorization": forged})
    assert error(answer)[:2] == (401, "InvalidAuthenticationToken")


def test_a_token_expires(bench: CoreBench) -> None:
    answer = bench.send("GET", GROUP, headers={"authorization": bench.token(lifetime=-1)})
    assert error(answer)[:2] == (401, "ExpiredAuthenticationToken")


@pytest.mark.parametrize(
    "audience",
    [ARM, "https://management.core.windows.net/", "https://localhost:8443", "https://localhost:1/"],
)
def test_arm_accepts_the_audiences_clients_ask_for(bench: CoreBench, audience: str) -> None:
    assert bench.send("GET", GROUP, headers={"authorization": bench.token(audience=audience)}).status == 200


def test_arm_refuses_a_vault_token(bench: CoreBench) -> None:
    answer = bench.send(
        "GET", GROUP, headers={"authorization": bench.token(audience="https://vault.azure.net")}
    )
    assert error(answer)[:2] == (401, "InvalidAuthenticationTokenAudience")


def test_the_api_version_is_required(bench: CoreBench) -> None:
    assert error(bench.send("GET", f"{GROUP}?x=1"))[:2] == (400, "MissingApiVersionParameter")


def test_an_unknown_subscription_comes_before_permissions(bench: CoreBench) -> None:
    answer = bench.send("GET", "/subscriptions/ffff/resourceGroups/g", client="nobody")
    assert error(answer) == (404, "SubscriptionNotFound", "The subscription 'ffff' could not be found.")


def test_forbidden_names_client_object_action_and_scope(bench: CoreBench) -> None:
    cluster = f"{CLUSTERS}/aks-prod"
    status, code, message = error(bench.send("PUT", cluster, {}, client="reader"))
    reader = seed.CLIENTS["reader"]
    assert (status, code) == (403, "AuthorizationFailed")
    assert f"The client '{reader.client_id}' with object id '{reader.object_id}' does not have" in message
    assert "'Microsoft.ContainerService/managedClusters/write'" in message
    assert f"over scope '{cluster}' or the scope is invalid" in message


def test_contributor_may_not_assign_roles(bench: CoreBench) -> None:
    assignment = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/{bench.azure.guid()}"
    assert error(bench.send("PUT", assignment, {}, client="contributor"))[:2] == (403, "AuthorizationFailed")


def test_a_missing_group_is_named(bench: CoreBench) -> None:
    url = f"{ROOT}/resourceGroups/nowhere/providers/Microsoft.ContainerService/managedClusters/x"
    found = error(bench.send("GET", url))
    assert found == (404, "ResourceGroupNotFound", "Resource group 'nowhere' could not be found.")


def test_an_unknown_type_is_named(bench: CoreBench) -> None:
    status, code, message = error(bench.send("GET", f"{GROUP}/providers/Microsoft.Web/sites/shop/slots/x"))
    assert (status, code) == (404, "InvalidResourceType")
    assert "The resource type 'sites/slots' could not be found in the namespace 'Microsoft.Web'" in message


def test_a_body_that_is_not_json_is_refused(bench: CoreBench) -> None:
    assert error(bench.send("PUT", GROUP, b"{location"))[:2] == (400, "InvalidRequestContent")


def test_paths_are_compared_without_case_and_doubled_slashes(bench: CoreBench) -> None:
    url = GROUP.lower().replace("/resourcegroups", "//resourcegroups")
    assert bench.send("GET", url).body["name"] == "rg-dns"


def test_a_refused_write_leaves_nothing_behind(bench: CoreBench) -> None:
    def write_then_refuse(_request: Request, azure: Azure) -> Answer:
        azure.store.put("note", "left", {})
        raise Refusal(409, "Conflict", "Too late.")

    bench.gateway = Gateway(bench.azure, [Route("POST", "/notes", write_then_refuse)])
    assert error(bench.send("POST", "/notes")) == (409, "Conflict", "Too late.")
    assert bench.azure.store.list("note") == []


def test_a_handler_that_awaits_keeps_others_out_of_its_transaction(bench: CoreBench) -> None:
    async def write_slowly(_request: Request, azure: Azure) -> Answer:
        count = len(azure.store.list("note"))
        await asyncio.sleep(0)
        azure.store.put("note", str(count), {})
        return Answer(201)

    gateway = Gateway(bench.azure, [Route("POST", "/notes", write_slowly)])
    request = Request("POST", "/notes", {}, {}, None, "https://localhost:8443")

    async def both() -> list[Answer]:
        return await asyncio.gather(*(gateway.handle(request, b"") for _ in range(2)))

    assert [answer.status for answer in asyncio.run(both())] == [201, 201]
    assert len(bench.azure.store.list("note")) == 2


def test_registering_a_provider_needs_its_own_action(bench: CoreBench) -> None:
    url = f"{ROOT}/providers/Microsoft.Network/register"
    assert "'Microsoft.Network/register/action'" in error(bench.send("POST", url, client="reader"))[2]


def test_a_fault_answers_as_often_as_asked(bench: CoreBench) -> None:
    faults.inject(bench.azure, method="GET", path="/resourcegroups/RG-DNS$", status=429, count=2)
    assert bench.send("GET", f"{ROOT}/resourceGroups/rg-security").status == 200
    assert [bench.send("GET", GROUP).status for _ in range(3)] == [429, 429, 200]


def test_a_fault_after_the_work_loses_only_the_answer(bench: CoreBench) -> None:
    faults.inject(bench.azure, method="PUT", status=500, after=True)
    group = f"{ROOT}/resourceGroups/rg-new"
    assert error(bench.send("PUT", group, {"location": "westeurope"}))[:2] == (500, "InternalServerError")
    assert bench.send("GET", group).status == 200


def test_cleared_faults_are_gone(bench: CoreBench) -> None:
    faults.inject(bench.azure, status=500)
    assert faults.clear(bench.azure) == 1
    assert bench.send("GET", GROUP).status == 200


def test_who_asks_too_much_is_told_when_to_come_back(bench: CoreBench) -> None:
    zone = f"{GROUP}/providers/Microsoft.Network/dnsZones/contoso.com"
    bench.send("PUT", zone, {"location": "global"})
    left = [
        bench.send("GET", f"{zone}/recordsets").headers["x-ms-ratelimit-remaining-subscription-reads"]
        for _ in range(60)
    ]
    assert left == [str(249 - number) for number in range(60)]
    refused = bench.send("GET", f"{zone}/recordsets")
    assert error(refused) == (
        429,
        "ResourceRequestsThrottled",
        "Number of requests for action 'Microsoft.Network/dnsZones/recordsets/read' exceeded the limit of"
        " '60' for time interval '00:01:00'. Please try again after '60' seconds.",
    )
    assert bench.send("GET", zone).status == 200
    bench.pass_(60 / bench.clock.speed)
    assert bench.send("GET", f"{zone}/recordsets").status == 200
