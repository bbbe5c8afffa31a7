"""Private DNS zones and virtual network links: long operations with late preconditions."""

from __future__ import annotations

import re

import pytest
from arm_bench import GROUP, ArmBench

from provision.sandbox import private_dns
from provision.sandbox.azure import Answer, Json

ZONES = f"{GROUP}/providers/Microsoft.Network/privateDnsZones"
ZONE = f"{ZONES}/corp.contoso.com"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"
LINK = f"{ZONE}/virtualNetworkLinks/hub"
BODY: Json = {"location": "global"}


@pytest.fixture
def bench() -> ArmBench:
    bench = ArmBench(private_dns.ROUTES, private_dns.SETTLERS)
    done(bench, bench.send("PUT", ZONE, BODY, {"If-None-Match": "*"}))
    return bench


def link_body(network: str = NETWORK, *, registering: bool = False) -> Json:
    properties = {"virtualNetwork": {"id": network}, "registrationEnabled": registering}
    return {"location": "global", "properties": properties}


def done(bench: ArmBench, accepted: Answer) -> Json:
    """The last poll of an operation."""
    assert accepted.status == 202, accepted.body
    bench.pass_(60)
    return bench.poll(accepted)


def test_a_zone_appears_when_its_operation_is_done(bench: ArmBench) -> None:
    other = f"{ZONES}/other.contoso.com"
    accepted = bench.send("PUT", other, {**BODY, "tags": {"a": "b"}})
    assert (accepted.status, accepted.body) == (202, {})
    assert "/privateDnsOperationStatuses/" in accepted.headers["Azure-AsyncOperation"]
    assert bench.send("GET", accepted.headers["Azure-AsyncOperation"]).status == 202
    assert bench.send("GET", accepted.headers["Location"]).status == 202
    assert bench.send("GET", other).status == 404
    bench.pass_(25)
    assert bench.send("GET", accepted.headers["Azure-AsyncOperation"]).status == 200
    assert bench.poll(accepted) == {"status": "Succeeded"}
    assert bench.send("GET", accepted.headers["Location"]).body["name"] == "other.contoso.com"
    assert bench.send("GET", other).body["tags"] == {"a": "b"}


def test_zone_document(bench: ArmBench) -> None:
    zone = bench.send("GET", ZONE)
    assert zone.headers["ETag"] == zone.body["etag"]
    assert zone.body == {
        "id": ZONE,
        "name": "corp.contoso.com",
        "type": "Microsoft.Network/privateDnsZones",
        "etag": zone.body["etag"],
        "location": "global",
        "properties": {
            "maxNumberOfRecordSets": 25000,
            "maxNumberOfVirtualNetworkLinks": 1000,
            "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
            "numberOfRecordSets": 1,
            "numberOfVirtualNetworkLinks": 0,
            "numberOfVirtualNetworkLinksWithRegistration": 0,
            "provisioningState": "Succeeded",
        },
    }


def test_if_none_match_on_an_existing_zone_fails_late(bench: ArmBench) -> None:
    failed = done(bench, bench.send("PUT", ZONE, BODY, {"If-None-Match": "*"}))
    assert (failed["status"], failed["error"]["code"]) == ("Failed", "PreconditionFailed")


def test_tags_of_a_zone(bench: ArmBench) -> None:
    etag = bench.send("GET", ZONE).body["etag"]
    done(bench, bench.send("PATCH", ZONE, {"tags": {"a": "b"}}))
    after = bench.send("GET", ZONE).body
    assert after["tags"] == {"a": "b"}
    assert after["etag"] != etag
    done(bench, bench.send("PATCH", ZONE, {}))
    assert bench.send("GET", ZONE).body["tags"] == {"a": "b"}
    done(bench, bench.send("PUT", ZONE, BODY))
    assert "tags" not in bench.send("GET", ZONE).body
    assert bench.send("PATCH", f"{ZONES}/absent.com", {}).status == 404


def test_record_sets_are_camel_case_and_synchronous(bench: ArmBench) -> None:
    body = {"properties": {"ttl": 3600, "aRecords": [{"ipv4Address": "10.0.0.1"}]}}
    created = bench.send("PUT", f"{ZONE}/a/www", body)
    assert created.status == 201
    assert created.body == {
        "id": f"{ZONE}/A/www",
        "name": "www",
        "type": "Microsoft.Network/privateDnsZones/A",
        "etag": created.body["etag"],
        "properties": {
            "fqdn": "www.corp.contoso.com.",
            "ttl": 3600,
            "aRecords": [{"ipv4Address": "10.0.0.1"}],
            "isAutoRegistered": False,
        },
    }
    again = bench.send("PUT", f"{ZONE}/a/www", body, {"If-None-Match": "*"})
    assert (again.status, again.body["code"]) == (412, "PreconditionFailed")
    assert bench.send("DELETE", f"{ZONE}/A/www").status == 200
    assert bench.send("DELETE", f"{ZONE}/A/www").status == 204
    assert [one["name"] for one in bench.send("GET", f"{ZONE}/ALL").body["value"]] == ["@"]


def test_private_zones_have_no_name_servers(bench: ArmBench) -> None:
    with pytest.raises(LookupError):
        bench.send("PUT", f"{ZONE}/NS/www", {"properties": {"ttl": 1}})


def test_link_document_and_counters(bench: ArmBench) -> None:
    accepted = bench.send("PUT", LINK, link_body(registering=True), {"If-None-Match": "*"})
    assert accepted.body == {}
    assert done(bench, accepted) == {"status": "Succeeded"}
    link = bench.send("GET", LINK)
    assert re.fullmatch(r'"[0-9a-f]{8}-0000-0100-0000-[0-9a-f]{8}0000"', link.body["etag"])
    assert link.headers["ETag"] == link.body["etag"]
    assert link.body["properties"] == {
        "provisioningState": "Succeeded",
        "registrationEnabled": True,
        "virtualNetwork": {"id": NETWORK},
        "virtualNetworkLinkState": "Completed",
    }
    counters = bench.send("GET", ZONE).body["properties"]
    assert counters["numberOfVirtualNetworkLinks"] == 1
    assert counters["numberOfVirtualNetworkLinksWithRegistration"] == 1
    assert bench.send("GET", LINK.rpartition("/")[0]).body["value"] == [link.body]


def test_if_match_of_a_link_is_checked_late(bench: ArmBench) -> None:
    done(bench, bench.send("PUT", LINK, link_body()))
    etag = bench.send("GET", LINK).body["etag"]
    wrong = done(bench, bench.send("PATCH", LINK, {"tags": {"a": "b"}}, {"If-Match": '"wrong"'}))
    assert (wrong["status"], wrong["error"]["code"]) == ("Failed", "PreconditionFailed")
    right = done(bench, bench.send("PATCH", LINK, {"tags": {"a": "b"}}, {"If-Match": etag}))
    assert right == {"status": "Succeeded"}
    assert bench.send("GET", LINK).body["tags"] == {"a": "b"}
    assert bench.send("PATCH", f"{LINK}2", {}).body["error"]["code"] == "ResourceNotFound"


def test_the_resolution_policy_of_a_link_is_kept(bench: ArmBench) -> None:
    body = link_body()
    body["properties"]["resolutionPolicy"] = "NxDomainRedirect"
    done(bench, bench.send("PUT", LINK, body))
    assert bench.send("GET", LINK).body["properties"]["resolutionPolicy"] == "NxDomainRedirect"


def test_a_network_links_once_to_a_zone_and_registers_in_one(bench: ArmBench) -> None:
    done(bench, bench.send("PUT", LINK, link_body(registering=True)))
    twice = done(bench, bench.send("PUT", f"{LINK}2", link_body(NETWORK.upper())))
    assert (twice["status"], twice["error"]["code"]) == ("Failed", "BadRequest")
    assert "overlapping namespaces" in twice["error"]["message"]
    other = f"{ZONES}/other.com"
    done(bench, bench.send("PUT", other, BODY))
    registered = done(bench, bench.send("PUT", f"{other}/virtualNetworkLinks/x", link_body(registering=True)))
    assert "auto-registration" in registered["error"]["message"]
    plain = done(bench, bench.send("PUT", f"{other}/virtualNetworkLinks/x", link_body()))
    assert plain == {"status": "Succeeded"}


def test_links_go_before_their_zone(bench: ArmBench) -> None:
    done(bench, bench.send("PUT", LINK, link_body()))
    refused = bench.send("DELETE", ZONE)
    assert (refused.status, refused.body["error"]["code"]) == (409, "CannotDeleteResource")
    gone = bench.send("DELETE", LINK)
    assert (gone.status, gone.body) == (202, None)
    assert done(bench, gone) == {"status": "Succeeded"}
    assert bench.send("GET", gone.headers["Location"]).status == 204
    assert bench.send("GET", LINK).status == 404
    assert bench.send("DELETE", LINK).status == 204
    done(bench, bench.send("DELETE", ZONE))
    assert bench.send("DELETE", ZONE).status == 204
    assert bench.azure.store.ids(ZONE) == []


def test_deletes_check_if_match_late(bench: ArmBench) -> None:
    done(bench, bench.send("PUT", LINK, link_body()))
    failed = done(bench, bench.send("DELETE", LINK, headers={"If-Match": '"wrong"'}))
    assert failed["error"]["code"] == "PreconditionFailed"
    done(bench, bench.send("DELETE", LINK))
    failed = done(bench, bench.send("DELETE", ZONE, headers={"If-Match": "wrong"}))
    assert failed["error"]["code"] == "PreconditionFailed"
    assert bench.send("GET", ZONE).status == 200


def test_refusals(bench: ArmBench) -> None:
    parent = bench.send("PUT", LINK.replace("corp", "absent"), link_body())
    assert (parent.status, parent.body["error"]["code"]) == (404, "ParentResourceNotFound")
    assert bench.send("PUT", LINK, {"location": "global", "properties": {}}).body["code"] == "BadRequest"
    assert bench.send("PUT", f"{ZONES}/azure.com", BODY).body["code"] == "BadRequest"
    assert bench.send("PUT", f"{ZONES}/privatelink.vaultcore.azure.net", BODY).status == 202
    located = bench.send("PUT", f"{ZONES}/x.com", {"location": "westeurope"})
    assert located.body["error"]["code"] == "LocationNotAvailableForResourceType"
    assert bench.send("GET", f"{ZONES}/x.com").body["error"]["code"] == "ResourceNotFound"
    assert bench.send("GET", LINK).body["error"]["code"] == "ResourceNotFound"


def test_lists_of_zones(bench: ArmBench) -> None:
    assert [zone["name"] for zone in bench.send("GET", ZONES).body["value"]] == ["corp.contoso.com"]
    everything = ZONES.replace("/resourceGroups/rg-test", "")
    assert len(bench.send("GET", everything).body["value"]) == 1
