"""The real az against the sandbox's public and private DNS."""

from __future__ import annotations

import pytest

from contract.az import Az, AzError
from provision.sandbox.azure import SUBSCRIPTION

GROUP = ("-g", "rg-dns")
NETWORK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns/providers/Microsoft.Network/virtualNetworks/v"


def test_zone_and_record_sets(az: Az) -> None:
    zone = az("network", "dns", "zone", "create", *GROUP, "-n", "az.example")
    assert "/dnszones/" in zone["id"]
    assert zone["numberOfRecordSets"] == 2
    where = (*GROUP, "-z", "az.example", "-n", "www")
    added = az("network", "dns", "record-set", "a", "add-record", *where, "-a", "10.0.0.1")
    assert added["TTL"] == 3600
    added = az("network", "dns", "record-set", "a", "add-record", *where, "-a", "10.0.0.2")
    assert [record["ipv4Address"] for record in added["ARecords"]] == ["10.0.0.1", "10.0.0.2"]
    with pytest.raises(AzError, match="Conflict"):
        az("network", "dns", "record-set", "cname", "set-record", *where, "-c", "x.example")
    for address in ("10.0.0.1", "10.0.0.2"):
        az("network", "dns", "record-set", "a", "remove-record", *where, "-a", address)
    with pytest.raises(AzError, match="NotFound"):
        az("network", "dns", "record-set", "a", "show", *where)
    az("network", "dns", "zone", "delete", *GROUP, "-n", "az.example", "--yes")
    assert az("network", "dns", "zone", "list", *GROUP, "--query", "[?name=='az.example']") == []


def test_a_reserved_zone_is_not_available(az: Az) -> None:
    with pytest.raises(AzError, match="is not available"):
        az("network", "dns", "zone", "create", *GROUP, "-n", "myzone.com")


def test_a_record_set_is_guarded_by_its_etag(az: Az) -> None:
    az("network", "dns", "zone", "create", *GROUP, "-n", "guarded.example")
    where = (*GROUP, "-z", "guarded.example", "-n", "www")
    az("network", "dns", "record-set", "a", "create", *where)
    with pytest.raises(AzError, match="PreconditionFailed"):
        az("network", "dns", "record-set", "a", "create", *where, "--if-none-match", "*")


def test_private_zone_with_a_link(az: Az) -> None:
    zone = (*GROUP, "-n", "corp.az.example")
    made = az("network", "private-dns", "zone", "create", *zone)
    assert made["numberOfRecordSets"] == 1
    with pytest.raises(AzError, match="PreconditionFailed"):
        az("network", "private-dns", "zone", "create", *zone)
    link = (*GROUP, "-z", "corp.az.example", "-n", "hub")
    linked = az("network", "private-dns", "link", "vnet", "create", *link, "-v", NETWORK, "-e", "false")
    assert linked["etag"].startswith('"')
    assert linked["virtualNetworkLinkState"] == "Completed"
    where = (*GROUP, "-z", "corp.az.example", "-n", "www")
    record = az("network", "private-dns", "record-set", "a", "add-record", *where, "-a", "10.0.0.1")
    assert record["isAutoRegistered"] is False
    with pytest.raises(AzError, match="CannotDeleteResource"):
        az("network", "private-dns", "zone", "delete", *zone, "--yes")
    az("network", "private-dns", "link", "vnet", "delete", *link, "--yes")
    az("network", "private-dns", "zone", "delete", *zone, "--yes")
    with pytest.raises(AzError, match="ResourceNotFound"):
        az("network", "private-dns", "zone", "show", *zone)
