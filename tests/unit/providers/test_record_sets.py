"""Record sets: both services' JSON in, both services' JSON out, one vocabulary between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest
from azure.core import MatchConditions
from azure.mgmt.dns.models import RecordSet as PublicModel
from azure.mgmt.privatedns.models import RecordSet as PrivateModel

from providers.bench import GROUP, MARK, PREFIX, PROFILE, SUBSCRIPTION, Bench, paged, refusal
from provision.errors import AccessDeniedError, ConflictError, CredentialError, NotFoundError
from provision.plan.diff import diff
from provision.providers.azure.record_sets import RecordSets
from provision.resources.dns import RecordSet
from provision.resources.observed import Absent, Present, Unread
from provision.resources.record_value import canonical

Visibility = Literal["public", "private"]
BOTH: tuple[Visibility, ...] = ("public", "private")
NETWORK = f"{PREFIX}/Microsoft.Network"
ZONES: Mapping[str, str] = {
    "public": f"{NETWORK}/dnsZones/contoso.com",
    "private": f"{NETWORK}/privateDnsZones/contoso.com",
}
OURS = {"provision_profile": PROFILE, "provision_digest": MARK.digest}
UMLAUTS = "ü" * 200
LONG = "v=DKIM1; p=" + "x" * 300

# Type, values as in a zone file, the JSON of the public service and that of the private one (which
# knows neither CAA nor delegation). Source of the casing: recordings of `az network dns` and
# `az network private-dns`, 2024.
TYPES: tuple[tuple[str, tuple[str, ...], dict[str, Any], dict[str, Any] | None], ...] = (
    (
        "A",
        ("10.0.0.1", "10.0.0.2"),
        {"ARecords": [{"ipv4Address": "10.0.0.1"}, {"ipv4Address": "10.0.0.2"}]},
        {"aRecords": [{"ipv4Address": "10.0.0.1"}, {"ipv4Address": "10.0.0.2"}]},
    ),
    (
        "AAAA",
        ("2001:db8::1",),
        {"AAAARecords": [{"ipv6Address": "2001:db8::1"}]},
        {"aaaaRecords": [{"ipv6Address": "2001:db8::1"}]},
    ),
    (
        "CNAME",
        ("status.example.net",),
        {"CNAMERecord": {"cname": "status.example.net"}},
        {"cnameRecord": {"cname": "status.example.net"}},
    ),
    (
        "MX",
        ("10 mail.contoso.com",),
        {"MXRecords": [{"preference": 10, "exchange": "mail.contoso.com"}]},
        {"mxRecords": [{"preference": 10, "exchange": "mail.contoso.com"}]},
    ),
    (
        "PTR",
        ("a.example.net", "b.example.net"),
        {"PTRRecords": [{"ptrdname": "a.example.net"}, {"ptrdname": "b.example.net"}]},
        {"ptrRecords": [{"ptrdname": "a.example.net"}, {"ptrdname": "b.example.net"}]},
    ),
    (
        "SRV",
        ("1 2 443 a.example.net",),
        {"SRVRecords": [{"priority": 1, "weight": 2, "port": 443, "target": "a.example.net"}]},
        {"srvRecords": [{"priority": 1, "weight": 2, "port": 443, "target": "a.example.net"}]},
    ),
    (
        "TXT",
        (LONG,),
        {"TXTRecords": [{"value": [LONG[:255], LONG[255:]]}]},
        {"txtRecords": [{"value": [LONG[:255], LONG[255:]]}]},
    ),
    (
        "TXT",
        (UMLAUTS,),
        {"TXTRecords": [{"value": [UMLAUTS[:127], UMLAUTS[127:]]}]},
        {"txtRecords": [{"value": [UMLAUTS[:127], UMLAUTS[127:]]}]},
    ),
    ("NS", ("ns1.example.net",), {"NSRecords": [{"nsdname": "ns1.example.net"}]}, None),
    (
        "CAA",
        ('0 issue "ca.example.net; policy=ev"', r'0 iodef "say \"hi\\"'),
        {
            "caaRecords": [
                {"flags": 0, "tag": "iodef", "value": 'say "hi\\'},
                {"flags": 0, "tag": "issue", "value": "ca.example.net; policy=ev"},
            ]
        },
        None,
    ),
)
CASES = [
    pytest.param(visibility, record_type, values, body, id=f"{visibility}-{record_type}")
    for record_type, values, public, private in TYPES
    for visibility, body in (("public", public), ("private", private))
    if body is not None
]


def record_set(
    visibility: Visibility = "public",
    record_type: str = "A",
    values: tuple[str, ...] = ("10.0.0.1",),
    name: str = "www",
    ttl: int = 300,
) -> RecordSet:
    return RecordSet(
        name=f"contoso.com/{record_type}/{name}",
        zone_id=ZONES[visibility],
        visibility=visibility,
        record_type=record_type,
        record_name=name,
        ttl=ttl,
        values=frozenset(canonical(record_type, value) for value in values),
    )


def model(visibility: str, record_type: str, name: str = "www", **properties: Any) -> Any:
    """What the service answers, in its casing; `ttl` is spelled as the service does."""
    kind = "dnszones" if visibility == "public" else "privateDnsZones"
    ttl = properties.pop("ttl", 300)
    properties["TTL" if visibility == "public" else "ttl"] = ttl
    answer = {
        "id": f"{ZONES[visibility]}/{record_type}/{name}",
        "name": name,
        "type": f"Microsoft.Network/{kind}/{record_type}",
        "etag": f"etag-{name}",
        "properties": {"fqdn": f"{name}.contoso.com.", **properties},
    }
    return PublicModel.deserialize(answer) if visibility == "public" else PrivateModel(answer)


def serve(bench: Bench, visibility: str, *listed: Any) -> None:
    """What the zone holds."""
    if visibility == "public":
        bench.public_records.list_all_by_dns_zone.return_value = paged(*listed)
    else:
        bench.private_records.list.return_value = paged(*listed)


async def read_one(bench: Bench, resource: RecordSet) -> Present:
    reading = await RecordSets(bench.clients).read([resource], PROFILE)
    observed = reading.objects[resource.address]
    assert isinstance(observed, Present)
    return observed


def sent(bench: Bench, visibility: str) -> dict[str, Any]:
    """The JSON of the only record set that was written."""
    group = bench.public_records if visibility == "public" else bench.private_records
    group.create_or_update.assert_awaited_once()
    body = group.create_or_update.await_args.args[4]
    return dict(body.serialize() if visibility == "public" else body.as_dict())


@pytest.mark.parametrize(("visibility", "record_type", "values", "body"), CASES)
async def test_a_record_set_as_declared_is_no_difference(
    bench: Bench, visibility: Visibility, record_type: str, values: tuple[str, ...], body: dict[str, Any]
) -> None:
    serve(bench, visibility, model(visibility, record_type, **body))
    resource = record_set(visibility, record_type, values)
    observed = await read_one(bench, resource)
    assert diff(resource.properties(), observed.properties) == ()
    assert observed.properties["values"] == frozenset(values)


@pytest.mark.parametrize(("visibility", "record_type", "values", "body"), CASES)
async def test_a_record_set_is_written_as_its_service_spells_it(
    bench: Bench, visibility: Visibility, record_type: str, values: tuple[str, ...], body: dict[str, Any]
) -> None:
    group = bench.public_records if visibility == "public" else bench.private_records
    group.create_or_update.return_value = model(visibility, record_type, metadata=OURS, **body)
    resource = record_set(visibility, record_type, values, ttl=60)
    made = await RecordSets(bench.clients).create(resource, bench.work())
    ttl = "TTL" if visibility == "public" else "ttl"
    assert sent(bench, visibility) == {"properties": {ttl: 60, "metadata": OURS, **body}}
    assert (made.owner, made.digest) == (PROFILE, MARK.digest)


async def test_the_two_services_take_name_and_type_in_opposite_order(bench: Bench) -> None:
    bench.public_records.create_or_update.return_value = model("public", "A")
    bench.private_records.create_or_update.return_value = model("private", "A")
    handler = RecordSets(bench.clients)
    await handler.create(record_set("public"), bench.work())
    await handler.create(record_set("private"), bench.work())
    bench.clients.dns.assert_called_once_with(SUBSCRIPTION)
    bench.clients.private_dns.assert_called_once_with(SUBSCRIPTION)
    public = bench.public_records.create_or_update.await_args
    private = bench.private_records.create_or_update.await_args
    assert public.args[:4] == (GROUP, "contoso.com", "www", "A")
    assert private.args[:4] == (GROUP, "contoso.com", "A", "www")


async def test_creating_never_overwrites(bench: Bench) -> None:
    bench.public_records.create_or_update.return_value = model("public", "A")
    bench.private_records.create_or_update.return_value = model("private", "A")
    handler = RecordSets(bench.clients)
    await handler.create(record_set("public"), bench.work())
    await handler.create(record_set("private"), bench.work())
    assert bench.public_records.create_or_update.await_args.kwargs == {"if_match": None, "if_none_match": "*"}
    assert bench.private_records.create_or_update.await_args.kwargs == {
        "etag": None,
        "match_condition": MatchConditions.IfMissing,
    }


@pytest.mark.parametrize("visibility", BOTH)
async def test_updating_is_conditional_and_keeps_the_metadata_of_others(
    bench: Bench, visibility: Visibility
) -> None:
    before = {"owner": "finance", "provision_profile": PROFILE, "provision_digest": "old"}
    serve(bench, visibility, model(visibility, "A", ttl=3600, metadata=before))
    group = bench.public_records if visibility == "public" else bench.private_records
    group.create_or_update.return_value = model(visibility, "A")
    resource = record_set(visibility)
    observed = await read_one(bench, resource)
    fields = diff(resource.properties(), observed.properties)
    assert ("ttl", 3600, 300) in [(field.path, field.before, field.after) for field in fields]
    await RecordSets(bench.clients).update(resource, observed, fields, bench.work())
    assert sent(bench, visibility)["properties"]["metadata"] == {"owner": "finance", **OURS}
    condition: dict[str, Any] = (
        {"if_match": "etag-www", "if_none_match": None}
        if visibility == "public"
        else {"etag": "etag-www", "match_condition": MatchConditions.IfNotModified}
    )
    assert group.create_or_update.await_args.kwargs == condition


@pytest.mark.parametrize("visibility", BOTH)
async def test_deleting_is_conditional_on_what_the_plan_saw(bench: Bench, visibility: Visibility) -> None:
    serve(bench, visibility, model(visibility, "A", metadata=OURS))
    resource = record_set(visibility)
    observed = await read_one(bench, resource)
    await RecordSets(bench.clients).delete(resource, observed, bench.work())
    if visibility == "public":
        bench.public_records.delete.assert_awaited_once_with(
            GROUP, "contoso.com", "www", "A", if_match="etag-www"
        )
    else:
        bench.private_records.delete.assert_awaited_once_with(
            GROUP,
            "contoso.com",
            "A",
            "www",
            etag="etag-www",
            match_condition=MatchConditions.IfNotModified,
        )


@pytest.mark.parametrize("visibility", BOTH)
async def test_a_record_set_that_changed_meanwhile_is_a_conflict(
    bench: Bench, visibility: Visibility
) -> None:
    group = bench.public_records if visibility == "public" else bench.private_records
    group.create_or_update.side_effect = refusal(412, "PreconditionFailed", bare=True)
    resource = record_set(visibility)
    with pytest.raises(ConflictError, match="PreconditionFailed") as caught:
        await RecordSets(bench.clients).update(resource, Present(outputs={"etag": "old"}), [], bench.work())
    assert caught.value.doing == f"updating {resource.address}"


async def test_one_list_call_serves_a_zone(bench: Bench) -> None:
    serve(bench, "public", model("public", "A", "www"), model("public", "A", "api"))
    serve(bench, "private", model("private", "A", "www"))
    resources = [
        record_set("public", name="www"),
        replace(record_set("public", name="api"), zone_id=ZONES["public"].lower()),
        replace(record_set("private", name="www"), name="private/A/www"),
    ]
    reading = await RecordSets(bench.clients).read(resources, PROFILE)
    assert all(isinstance(reading.objects[each.address], Present) for each in resources)
    bench.public_records.list_all_by_dns_zone.assert_called_once_with(GROUP, "contoso.com")
    bench.private_records.list.assert_called_once_with(GROUP, "contoso.com")


async def test_names_have_no_case_and_types_are_told_apart(bench: Bench) -> None:
    serve(bench, "public", model("public", "TXT", "WWW", TXTRecords=[{"value": ["a"]}]))
    txt = record_set(record_type="TXT", values=("a",))
    address = record_set(record_type="A")
    reading = await RecordSets(bench.clients).read([txt, address], PROFILE)
    assert isinstance(reading.objects[txt.address], Present)
    assert reading.objects[address.address] == Absent()


@pytest.mark.parametrize("visibility", BOTH)
async def test_what_carries_our_mark_and_is_not_declared_is_an_orphan(
    bench: Bench, visibility: Visibility
) -> None:
    records = "ARecords" if visibility == "public" else "aRecords"
    old = {records: [{"ipv4Address": "10.0.0.9"}], "metadata": OURS, "ttl": 60}
    serve(
        bench,
        visibility,
        model(visibility, "A", "www", metadata=OURS),
        model(visibility, "A", "old", **old),
        model(visibility, "A", "another", metadata={**OURS, "provision_profile": "test"}),
        model(visibility, "A", "foreign", metadata={"owner": "finance"}),
        model(visibility, "SOA", "@"),
    )
    reading = await RecordSets(bench.clients).read([record_set(visibility)], PROFILE)
    [(orphan, observed)] = reading.orphans
    assert orphan == record_set(visibility, values=("10.0.0.9",), name="old", ttl=60)
    assert observed.outputs["etag"] == "etag-old"


async def test_kinds_that_we_do_not_know_are_no_obstacle(bench: Bench) -> None:
    serve(
        bench,
        "public",
        model("public", "SRV", "_sip", SRVRecords=[{"priority": 1, "weight": 1, "port": 1, "target": "x"}]),
        model("public", "A", "alias", targetResource={"id": "/subscriptions/s/ip"}),
        model("public", "MX", "@", MXRecords=[{"preference": 0, "exchange": "."}]),
        model("public", "CAA", "odd", caaRecords=[{"flags": 0, "tag": "iodef", "value": 'say "hi'}]),
    )
    reading = await RecordSets(bench.clients).read([record_set()], PROFILE)
    assert reading.objects == {record_set().address: Absent()}


async def test_an_empty_record_set_has_no_values(bench: Bench) -> None:
    serve(bench, "private", model("private", "A", aRecords=[]))
    observed = await read_one(bench, record_set("private"))
    assert observed.properties == {"ttl": 300, "values": frozenset()}


@pytest.mark.parametrize("visibility", BOTH)
async def test_without_the_zone_all_its_records_are_absent(bench: Bench, visibility: Visibility) -> None:
    serve(bench, visibility, refusal(404, "ParentResourceNotFound"))
    resources = [record_set(visibility), record_set(visibility, name="api")]
    reading = await RecordSets(bench.clients).read(resources, PROFILE)
    assert reading.objects == {each.address: Absent() for each in resources}


async def test_a_zone_that_may_not_be_read_hides_no_other(bench: Bench) -> None:
    serve(bench, "public", refusal(403, "AuthorizationFailed"))
    serve(bench, "private", model("private", "A"))
    private = replace(record_set("private"), name="private/A/www")
    reading = await RecordSets(bench.clients).read([record_set(), private], PROFILE)
    unread = reading.objects[record_set().address]
    assert isinstance(unread, Unread)
    assert isinstance(unread.error, AccessDeniedError)
    assert unread.error.doing == "reading the records of dns_zone/contoso.com"
    assert isinstance(reading.objects[private.address], Present)


async def test_a_group_that_does_not_exist_is_no_absence(bench: Bench) -> None:
    serve(bench, "private", refusal(404, "ResourceGroupNotFound"))
    resource = record_set("private")
    unread = (await RecordSets(bench.clients).read([resource], PROFILE)).objects[resource.address]
    assert isinstance(unread, Unread)
    assert isinstance(unread.error, NotFoundError)
    assert unread.error.doing == "reading the records of private_dns_zone/contoso.com"


async def test_without_credentials_the_read_ends(bench: Bench) -> None:
    serve(bench, "public", refusal(401, "InvalidAuthenticationToken"))
    with pytest.raises(CredentialError):
        await RecordSets(bench.clients).read([record_set()], PROFILE)


TARGET = f"{NETWORK}/publicIPAddresses/front"


def alias(target: str = TARGET) -> RecordSet:
    return replace(record_set(), values=frozenset(), target=target)


async def test_an_alias_is_compared_by_its_target_alone(bench: Bench) -> None:
    """What it answers at the moment may come along, and is nobody's value."""
    address = [{"ipv4Address": "20.1.2.3"}]
    serve(bench, "public", model("public", "A", ARecords=address, targetResource={"id": TARGET.upper()}))
    observed = await read_one(bench, alias())
    assert diff(alias().properties(), observed.properties) == ()
    assert observed.surplus == {}
    (change,) = diff(alias(f"{TARGET}2").properties(), observed.properties)
    assert (change.path, change.after) == ("target", f"{TARGET}2")


async def test_an_alias_that_is_to_have_values_loses_its_target(bench: Bench) -> None:
    serve(bench, "public", model("public", "A", targetResource={"id": TARGET}))
    observed = await read_one(bench, record_set())
    assert observed.surplus == {"target": TARGET}
    assert [each.path for each in diff(record_set().properties(), observed.properties)] == ["values"]


async def test_an_alias_is_written_without_values(bench: Bench) -> None:
    bench.public_records.create_or_update.return_value = model("public", "A", metadata=OURS)
    await RecordSets(bench.clients).create(alias(), bench.work())
    assert sent(bench, "public") == {
        "properties": {"TTL": 300, "metadata": OURS, "targetResource": {"id": TARGET}}
    }


async def test_a_record_without_a_target_sends_none(bench: Bench) -> None:
    bench.public_records.create_or_update.return_value = model("public", "A", metadata=OURS)
    await RecordSets(bench.clients).create(record_set(), bench.work())
    assert "targetResource" not in sent(bench, "public")["properties"]


DELEGATION = replace(
    record_set("public", "NS", (), ttl=3600),
    values=("NS1.azure-dns.com.", "ns2.azure-dns.net."),
    delegation=True,
)


async def test_a_delegation_has_the_servers_of_the_zone_and_anyones_ttl(bench: Bench) -> None:
    served = [{"nsdname": "ns2.azure-dns.net."}, {"nsdname": "ns1.azure-dns.com."}]
    serve(bench, "public", model("public", "NS", ttl=172800, NSRecords=served))
    observed = await read_one(bench, DELEGATION)
    assert diff(DELEGATION.properties(), observed.properties) == ()
    bench.public_records.create_or_update.return_value = model("public", "NS", metadata=OURS)
    await RecordSets(bench.clients).update(DELEGATION, observed, [], bench.work())
    properties = sent(bench, "public")["properties"]
    assert properties["TTL"] == 172800
    assert {each["nsdname"].casefold() for each in properties["NSRecords"]} == {
        "ns1.azure-dns.com",
        "ns2.azure-dns.net",
    }


async def test_what_a_machine_registered_is_not_taken_over(bench: Bench) -> None:
    serve(bench, "private", model("private", "A", isAutoRegistered=True))
    resource = record_set("private")
    observed = await read_one(bench, resource)
    with pytest.raises(ConflictError, match="a virtual machine of a linked network registered"):
        await RecordSets(bench.clients).update(resource, observed, [], bench.work())
    bench.private_records.create_or_update.assert_not_awaited()
