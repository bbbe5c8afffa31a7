"""Public DNS zones and record sets of both services."""

from __future__ import annotations

from typing import Any

import pytest
from arm_bench import GROUP, ArmBench

from provision.sandbox import dns
from provision.sandbox.azure import SUBSCRIPTION, Answer, Json

ZONES = f"{GROUP}/providers/Microsoft.Network/dnsZones"
ZONE = f"{ZONES}/contoso.com"
ID = ZONE.replace("dnsZones", "dnszones")
BODY = {"location": "global", "properties": {"zoneType": "Public"}}


@pytest.fixture
def bench() -> ArmBench:
    bench = ArmBench(dns.ROUTES, dns.SETTLERS)
    assert bench.send("PUT", ZONE, BODY).status == 201
    return bench


def put(bench: ArmBench, path: str, headers: dict[str, str] | None = None, **properties: Any) -> Answer:
    return bench.send("PUT", f"{ZONE}/{path}", {"properties": {"TTL": 300, **properties}}, headers)


def address(*addresses: str) -> list[Json]:
    return [{"ipv4Address": one} for one in addresses]


def refused(answer: Answer) -> tuple[int, str]:
    """Status and code of a refusal of the DNS service, which has no `error` around it."""
    return answer.status, answer.body["code"]


def test_a_new_zone_is_there_at_once_with_soa_and_ns(bench: ArmBench) -> None:
    zone = bench.send("GET", ZONE)
    assert zone.body["id"] == ID
    assert zone.body["type"] == "Microsoft.Network/dnszones"
    assert zone.body["tags"] == {}
    assert zone.headers["ETag"] == zone.body["etag"]
    assert zone.body["etag"].startswith("00000002-0000-0000-")
    properties = zone.body["properties"]
    assert properties["numberOfRecordSets"] == 2
    assert properties["maxNumberOfRecordsPerRecordSet"] is None
    assert all(server.endswith(".") for server in properties["nameServers"])
    listed = bench.send("GET", f"{ZONE}/recordsets").body["value"]
    assert [(one["type"], one["name"]) for one in listed] == [
        ("Microsoft.Network/dnszones/NS", "@"),
        ("Microsoft.Network/dnszones/SOA", "@"),
    ]
    servers = [record["nsdname"] for record in listed[0]["properties"]["NSRecords"]]
    assert servers == properties["nameServers"]
    assert listed[1]["properties"]["SOARecord"]["host"] == servers[0]


def test_record_set_as_in_the_recording_of_2021(bench: ArmBench) -> None:
    created = bench.send("PUT", f"{ZONE}/a/www", {"properties": {"TTL": 3600}})
    assert created.status == 201
    assert created.headers["ETag"] == created.body["etag"]
    assert created.body == {
        "id": f"{ID}/A/www",
        "name": "www",
        "type": "Microsoft.Network/dnszones/A",
        "etag": created.body["etag"],
        "properties": {
            "fqdn": "www.contoso.com.",
            "TTL": 3600,
            "ARecords": [],
            "targetResource": {},
            "provisioningState": "Succeeded",
        },
    }
    assert bench.send("GET", f"{ZONE}/A/WWW").body == created.body
    assert bench.send("GET", ZONE).body["properties"]["numberOfRecordSets"] == 3


def test_put_replaces_and_patch_merges(bench: ArmBench) -> None:
    created = put(bench, "A/www", ARecords=address("10.0.0.1"), metadata={"owner": "a"})
    patched = bench.send("PATCH", f"{ZONE}/A/www", {"properties": {"metadata": {"owner": "b"}}})
    assert patched.status == 200
    assert patched.body["properties"]["ARecords"] == address("10.0.0.1")
    assert patched.body["properties"]["metadata"] == {"owner": "b"}
    assert patched.body["etag"] != created.body["etag"]
    replaced = put(bench, "A/www", arecords=address("10.0.0.2"))
    assert replaced.status == 200
    assert replaced.body["properties"]["ARecords"] == address("10.0.0.2")
    assert "metadata" not in replaced.body["properties"]
    missing = bench.send("PATCH", f"{ZONE}/A/nope", {"properties": {}})
    assert refused(missing) == (404, "NotFound")


def test_preconditions_of_record_sets_are_direct(bench: ArmBench) -> None:
    etag = put(bench, "A/www").body["etag"]
    assert refused(put(bench, "A/www", {"If-None-Match": "*"})) == (412, "PreconditionFailed")
    assert refused(put(bench, "A/www", {"If-Match": "wrong"})) == (412, "PreconditionFailed")
    assert refused(put(bench, "A/other", {"If-Match": "*"})) == (412, "PreconditionFailed")
    gone = bench.send("DELETE", f"{ZONE}/A/www", headers={"If-Match": "wrong"})
    assert refused(gone) == (412, "PreconditionFailed")
    assert bench.send("GET", f"{ZONE}/A/www").body["etag"] == etag
    assert put(bench, "A/www", {"If-Match": etag}).status == 200
    body_only = bench.send("PUT", f"{ZONE}/A/www", {"etag": "wrong", "properties": {"TTL": 1}})
    assert body_only.status == 200


def test_delete_a_record_set(bench: ArmBench) -> None:
    put(bench, "A/www")
    assert bench.send("DELETE", f"{ZONE}/A/www").status == 200
    assert bench.send("DELETE", f"{ZONE}/A/www").status == 204
    missing = bench.send("GET", f"{ZONE}/A/www")
    assert missing.status == 404
    assert missing.body == {
        "code": "NotFound",
        "message": "The resource record 'www' does not exist in resource group 'rg-test' of subscription"
        f" '{SUBSCRIPTION}'.",
    }
    for kind in ("SOA", "NS"):
        assert refused(bench.send("DELETE", f"{ZONE}/{kind}/@")) == (400, "BadRequest")


RECORDS: list[tuple[str, str, Any]] = [
    ("A", "ARecords", address("10.0.0.1", "10.0.0.2")),
    ("AAAA", "AAAARecords", [{"ipv6Address": "2001:db8::1"}]),
    ("CAA", "caaRecords", [{"flags": 0, "tag": "issue", "value": "letsencrypt.org"}]),
    ("CNAME", "CNAMERecord", {"cname": "target.example.net"}),
    ("DS", "DSRecords", [{"keyTag": 1, "algorithm": 8, "digest": {"algorithmType": 2, "value": "ab"}}]),
    ("MX", "MXRecords", [{"preference": 10, "exchange": "mail.contoso.com."}]),
    (
        "NAPTR",
        "NAPTRRecords",
        [{"order": 1, "preference": 1, "flags": "U", "services": "x", "regexp": "", "replacement": "."}],
    ),
    ("NS", "NSRecords", [{"nsdname": "ns1.fabrikam.com"}]),
    ("PTR", "PTRRecords", [{"ptrdname": "host.contoso.com"}]),
    ("SRV", "SRVRecords", [{"priority": 1, "weight": 2, "port": 443, "target": "sip.contoso.com"}]),
    (
        "TLSA",
        "TLSARecords",
        [{"usage": 3, "selector": 1, "matchingType": 1, "certAssociationData": "ab"}],
    ),
    ("TXT", "TXTRecords", [{"value": ["v=spf1", "-all"]}]),
]


@pytest.mark.parametrize(("kind", "field", "records"), RECORDS)
def test_every_record_type_comes_back_as_sent(bench: ArmBench, kind: str, field: str, records: Any) -> None:
    created = put(bench, f"{kind.lower()}/x_y.sub", **{field: records})
    assert created.status == 201
    found = bench.send("GET", f"{ZONE}/{kind}/x_y.sub").body
    assert found["properties"][field] == records
    assert found["id"] == f"{ID}/{kind}/x_y.sub"


@pytest.mark.parametrize(
    ("path", "properties"),
    [
        ("A/www", {"ARecords": address("10.0.0.256")}),
        ("A/www", {"ARecords": address("2001:db8::1")}),
        ("A/www", {"ARecords": address("10.0.0.1", "10.0.0.1")}),
        ("A/www", {"ARecords": address(*(f"10.0.0.{number}" for number in range(21)))}),
        ("A/www", {"ARecords": address("10.0.0.1"), "targetResource": {"id": "/x"}}),
        ("AAAA/www", {"AAAARecords": [{"ipv6Address": "10.0.0.1"}]}),
        ("CNAME/www", {"CNAMERecord": {"cname": "not a name"}}),
        ("CNAME/www", {"CNAMERecord": {"cname": '"quoted.example"'}}),
        ("MX/www", {"MXRecords": [{"preference": 70000, "exchange": "mail.contoso.com"}]}),
        ("SRV/www", {"SRVRecords": [{"priority": 1, "weight": 2, "port": 443}]}),
        ("TXT/www", {"TXTRecords": [{"value": ["x" * 256]}]}),
        ("TXT/www", {"TXTRecords": [{"value": ["ü" * 128]}]}),
        ("TXT/www", {"TXTRecords": [{"value": [""]}]}),
        ("TXT/www", {"TXTRecords": [{"value": ["x" * 250] * 9}, {"value": ["y" * 250] * 8}]}),
        ("TXT/www", {"targetResource": {"id": "/x"}}),
        ("A/www", {"TTL": -1}),
        ("A/www", {"TTL": 2**31}),
        ("A/www", {"TTL": None}),
        ("A/-www", {}),
        ("A/a.*", {}),
        ("A/" + "x" * 64, {}),
        ("SOA/www", {"SOARecord": {"email": "a.b"}}),
        ("NS/@", {"NSRecords": [{"nsdname": "ns1.fabrikam.com"}]}),
    ],
)
def test_refused_record_sets(bench: ArmBench, path: str, properties: Json) -> None:
    assert refused(put(bench, path, **properties)) == (400, "BadRequest")
    assert bench.send("GET", ZONE).body["properties"]["numberOfRecordSets"] == 2


def test_the_longest_text(bench: ArmBench) -> None:
    assert put(bench, "TXT/www", TXTRecords=[{"value": ["x" * 255] * 16 + ["y" * 16]}]).status == 201
    assert put(bench, "TXT/umlauts", TXTRecords=[{"value": ["ü" * 127]}]).status == 201


def test_ttl_zero_wildcards_and_aliases_are_allowed(bench: ArmBench) -> None:
    assert put(bench, "A/*.apps", TTL=0, ARecords=address("10.0.0.1")).status == 201
    target = {"id": f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/ip"}
    assert put(bench, "A/@", targetResource=target).body["properties"]["targetResource"] == target


def test_a_cname_stands_alone(bench: ArmBench) -> None:
    alias = {"CNAMERecord": {"cname": "target.example.net"}}
    put(bench, "TXT/www", TXTRecords=[{"value": ["x"]}])
    assert refused(put(bench, "CNAME/www", **alias)) == (409, "Conflict")
    assert refused(put(bench, "CNAME/@", **alias)) == (409, "Conflict")
    assert put(bench, "CNAME/shop", **alias).status == 201
    assert refused(put(bench, "TXT/shop", TXTRecords=[{"value": ["x"]}])) == (409, "Conflict")


def test_apex_sets_can_be_changed_within_bounds(bench: ArmBench) -> None:
    own = bench.send("GET", f"{ZONE}/NS/@").body["properties"]["NSRecords"]
    assert put(bench, "NS/@", NSRecords=[*own, {"nsdname": "ns.fabrikam.com"}]).status == 200
    authority = put(bench, "SOA/@", SOARecord={"email": "admin.contoso.com", "host": "mine."})
    assert authority.body["properties"]["SOARecord"]["email"] == "admin.contoso.com"
    assert authority.body["properties"]["SOARecord"]["host"] == own[0]["nsdname"]


def test_lists_come_in_pages_and_by_suffix(bench: ArmBench) -> None:
    for number in range(120):
        put(bench, f"A/host{number:03}")
    url, names = f"{ZONE}/A?api-version=2018-05-01", []
    sizes = []
    while url:
        page = bench.send("GET", url).body
        sizes.append(len(page["value"]))
        names += [one["name"] for one in page["value"]]
        url = page.get("nextLink")
    assert sizes == [100, 20]
    assert names == [f"host{number:03}" for number in range(120)]
    top = bench.send("GET", f"{ZONE}/all?$top=7").body
    assert len(top["value"]) == 7
    assert top["nextLink"].startswith("https://localhost:8443/")
    suffix = bench.send("GET", f"{ZONE}/A?$recordsetnamesuffix=ST042").body
    assert [one["name"] for one in suffix["value"]] == ["host042"]
    assert refused(bench.send("GET", f"{ZONE}/A?$top=x")) == (400, "BadRequest")


def test_zone_tags_and_preconditions(bench: ArmBench) -> None:
    etag = bench.send("GET", ZONE).body["etag"]
    patched = bench.send("PATCH", ZONE, {"tags": {"a": "b"}})
    assert (patched.status, patched.body["tags"]) == (200, {"a": "b"})
    assert refused(bench.send("PATCH", ZONE, {"tags": {}}, {"If-Match": etag})) == (412, "PreconditionFailed")
    assert refused(bench.send("PUT", ZONE, BODY, {"If-None-Match": "*"})) == (412, "PreconditionFailed")
    replaced = bench.send("PUT", ZONE, BODY, {"If-Match": patched.body["etag"]})
    assert (replaced.status, replaced.body["tags"]) == (200, {})
    assert bench.send("PATCH", f"{ZONES}/other.com", {"tags": {}}).body["error"]["code"] == "ResourceNotFound"


@pytest.mark.parametrize(
    "name", ["myzone.com", "azure.com", "x.azure.com", "single", "a..b", "under score.com"]
)
def test_refused_zone_names(bench: ArmBench, name: str) -> None:
    assert refused(bench.send("PUT", f"{ZONES}/{name}", BODY)) == (400, "BadRequest")


def test_message_of_a_zone_that_is_not_available(bench: ArmBench) -> None:
    answer = bench.send("PUT", f"{ZONES}/myzone.com", BODY)
    assert answer.body == {"code": "BadRequest", "message": "The zone 'myzone.com' is not available."}


def test_zones_are_global(bench: ArmBench) -> None:
    elsewhere = bench.send("PUT", f"{ZONES}/other.com", {"location": "westeurope"})
    assert elsewhere.body["error"]["code"] == "LocationNotAvailableForResourceType"
    assert bench.send("PUT", f"{ZONES}/other.com", {}).body["error"]["code"] == "LocationRequired"


def test_missing_zones_are_answered_by_the_gateway(bench: ArmBench) -> None:
    absent = f"{ZONES}/absent.com"
    assert bench.send("GET", absent).body["error"]["code"] == "ResourceNotFound"
    record = bench.send("PUT", f"{absent}/A/www", {"properties": {"TTL": 1}})
    assert (record.status, record.body["error"]["code"]) == (404, "ParentResourceNotFound")


def test_deleting_a_zone_is_a_long_operation(bench: ArmBench) -> None:
    put(bench, "A/www")
    accepted = bench.send("DELETE", ZONE)
    assert (accepted.status, accepted.body) == (202, None)
    assert "/dnsOperationStatuses/delzone" in accepted.headers["Azure-AsyncOperation"]
    assert "/dnsOperationResults/delzone" in accepted.headers["Location"]
    assert accepted.headers["Azure-AsyncOperation"].startswith("https://localhost:8443/")
    assert bench.send("GET", accepted.headers["Azure-AsyncOperation"]).status == 202
    assert bench.poll(accepted) == {"status": "InProgress"}
    bench.pass_(3)
    assert bench.send("GET", accepted.headers["Azure-AsyncOperation"]).status == 200
    assert bench.poll(accepted) == {"status": "Succeeded"}
    assert bench.send("GET", accepted.headers["Location"]).status == 204
    assert bench.send("GET", ZONE).status == 404
    assert bench.azure.store.ids(ID) == []
    assert bench.send("DELETE", ZONE).status == 204


def test_the_precondition_of_a_delete_fails_late(bench: ArmBench) -> None:
    accepted = bench.send("DELETE", ZONE, headers={"If-Match": "wrong"})
    assert accepted.status == 202
    bench.pass_(3)
    failed = bench.poll(accepted)
    assert (failed["status"], failed["error"]["code"]) == ("Failed", "PreconditionFailed")
    assert bench.send("GET", accepted.headers["Location"]).status == 412
    assert bench.send("GET", ZONE).status == 200


def test_unknown_operations(bench: ArmBench) -> None:
    unknown = f"{GROUP}/providers/Microsoft.Network/dnsOperationStatuses"
    assert bench.send("GET", f"{unknown}/delzone").status == 404
    assert bench.send("GET", f"{unknown}/AAAA").status == 404


def test_lists_of_zones(bench: ArmBench) -> None:
    dns.new_zone(bench.azure, SUBSCRIPTION, "rg-other", "fabrikam.com")
    assert [zone["name"] for zone in bench.send("GET", ZONES).body["value"]] == ["contoso.com"]
    everything = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/dnszones"
    assert len(bench.send("GET", everything).body["value"]) == 2
