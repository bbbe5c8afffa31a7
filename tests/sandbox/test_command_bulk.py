"""Hundreds of record sets through the command line: batches, limits, deletes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from dns_profile import Profile

from provision.providers.azure import rates
from provision.providers.azure.rates import Rate
from provision.sandbox import faults
from provision.sandbox.azure import Json


def a_records(count: int, first: int = 0) -> list[Json]:
    return [
        {
            "zone": "contoso.com",
            "name": f"h{number}",
            "type": "A",
            "values": [f"20.0.{number // 256}.{number % 256}"],
        }
        for number in range(first, count)
    ]


def statuses(found: dict[str, str]) -> Counter[str]:
    return Counter(status for address, status in found.items() if address.startswith("record_set/"))


def test_a_request_a_change_and_a_page_a_hundred(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "zone").write_text("".join(f"h{n} 300 A 20.0.{n // 256}.{n % 256}\n" for n in range(250)))
    profile.write(zones={"contoso.com": {"resourceGroup": "rg-dns", "file": "zone"}})
    plan = profile.run("plan")
    assert "+ 250 record sets of contoso.com  do not exist" in plan.out
    assert (
        "250 record sets change, and Azure takes 200 a minute of a public zone: about 2 minutes." in plan.out
    )
    ran = profile.run("apply", "--yes", "--format", "json")
    assert statuses(ran.statuses()) == {"created": 250}
    sets = [call for call in ran.calls if "/dnsZones/contoso.com/A/" in call.path]
    assert Counter((call.method, call.status) for call in sets) == {("PUT", 201): 250}
    assert "creating record_set/" not in ran.err
    again = profile.run("apply", "--yes", "--format", "json")
    assert statuses(again.statuses()) == {"unchanged": 250}
    assert again.writes() == []
    assert len([call for call in again.below("/dnsZones/contoso.com/") if call.method == "GET"]) == 3


def test_a_plan_that_waits_for_azure_says_so(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does of a zone of more than 6,000 record sets, of more pages than Azure takes in a minute."""
    profile.apply(records=a_records(250))
    # Half a second of the sandbox's time: a slow machine does not read three pages so slowly.
    lists = Rate(("reads",), r"(?P<of>dnszones/[^/]+)/[^/]+", 1, 500.0)
    monkeypatch.setattr(rates, "RATES", (lists, *rates.RATES))
    waits = "waiting for zone contoso.com, of which Azure takes 1 such reads in 500 s ("
    ran = profile.run("drift")
    assert (ran.code, waits in ran.err, waits in ran.out) == (0, True, False)
    exported = profile.export("contoso.com")
    assert (exported.code, waits in exported.err, waits in exported.out) == (0, True, False)


def test_somebody_else_changes_the_zone_as_well(profile: Profile) -> None:
    """The service has less left than it documents: what it refuses waits as long as it asks."""
    profile.apply()
    path = ".*/dnsZones/contoso.com/A/.*"
    asked = {"x-ms-retry-after-ms": "30"}
    with profile.provision.azure() as azure:
        faults.inject(azure, method="PUT", path=path, status=429, headers=asked, count=40)
    profile.write(records=a_records(60))
    ran = profile.run("apply", "--yes", "--format", "json")
    assert statuses(ran.statuses()) == {"created": 60}, ran.errors()
    sets = Counter(call.status for call in ran.below("/dnsZones/contoso.com/A/"))
    assert sets == {429: 40, 201: 60}
    assert profile.in_sync()


def test_a_limit_that_does_not_end_is_told(profile: Profile) -> None:
    profile.apply()
    with profile.provision.azure() as azure:
        faults.inject(azure, method="PUT", path=".*/dnsZones/contoso.com/A/.*", status=429, count=1000)
    profile.write(records=a_records(2))
    ran = profile.run("apply", "--yes", "--format", "json")
    assert ran.code == 1
    error = ran.errors()["record_set/contoso.com/A/h0"]
    assert "TooManyRequests" in error
    assert "The service's request limit is reached; try again in a minute." in error


def test_many_deletes_of_a_zone_are_shown_and_refused(profile: Profile) -> None:
    profile.apply(records=a_records(12))
    profile.write(records=a_records(12, 4))
    refused = profile.run("plan")
    assert refused.code == 1
    assert "- record_set/contoso.com/A/h0" in refused.out
    assert "Error: planning zone contoso.com: 4 of 12 record sets would be deleted" in refused.out
    assert "add --force" in refused.out
    ran = profile.run("apply", "--yes")
    assert ran.code == 1
    assert ran.writes() == []
    assert profile.run("plan", "--force").code == 2
    done = profile.run("apply", "--yes", "--force", "--format", "json")
    assert statuses(done.statuses()) == {"deleted": 4, "unchanged": 8}
    # Three of ten are few enough, and of fewer than ten all may go.
    assert statuses(profile.apply(records=a_records(12, 5))) == {"deleted": 1, "unchanged": 7}
    assert statuses(profile.apply(records=[])) == {"deleted": 7}


def test_a_zone_that_is_not_named_any_more_loses_all_of_them(profile: Profile) -> None:
    zones = {"contoso.com": {"resourceGroup": "rg-dns"}, "kept.example": {"resourceGroup": "rg-dns"}}
    profile.apply(zones=zones, records=a_records(10))
    profile.write(zones={"kept.example": {"resourceGroup": "rg-dns"}}, records=[])
    assert "10 of 10 record sets would be deleted" in profile.run("plan").out
    assert profile.run("apply", "--yes", "--force").code == 0
    profile.apply(zones=zones, records=a_records(10))
    assert profile.run("destroy", "--yes").code == 0  # that is meant
