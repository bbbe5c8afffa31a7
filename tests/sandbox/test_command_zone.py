"""`provision zone import` and `export`, and profiles whose records are in zone files."""

from __future__ import annotations

from pathlib import Path

import dns.rdatatype
import dns.zone
import pytest
import yaml
from dns_profile import Profile

from provision.sandbox.azure import SUBSCRIPTION, Json
from provision.sandbox.dns_flavours import PUBLIC
from provision.sandbox.dns_records import new_record_set

NETWORK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns/providers/Microsoft.Network"
ZONE = f"{NETWORK}/dnszones/contoso.com"
FILE = """\
$ORIGIN contoso.com.
$TTL 1h
@           IN SOA ns1.old.example. admin.old.example. ( 2026010101 ; serial
                2h 15m 4w 5m )
            IN NS  ns1.old.example.
            IN MX  10 mail
            IN MX  20 mail.example.net.
            IN TXT "v=spf1 include:example.net -all"
            IN CAA 0 issue "ca.example; policy=ev"
mail    5m  IN A   20.1.2.3
        5m  IN AAAA 2603:1020:0::1
www         IN CNAME mail
*.dev       IN A   20.1.2.4
            IN A   20.1.2.5
_sip._tcp   IN SRV 0 5 5061 sip.example.net.
lab         IN NS  ns1.lab.example.
4           IN PTR host.example.net.
text        IN TXT "a;b \\"c\\" \\\\" "" "; d"
$ORIGIN sub
a       60  IN A   20.1.2.6
"""


def as_zone(text: str) -> dict[tuple[str, str], tuple[int, set[str]]]:
    """What dnspython reads: TTL and values by name and type, without what each server keeps for itself."""
    zone = dns.zone.from_text(text, "contoso.com", relativize=False, check_origin=False)
    found = {}
    for name, rdataset in zone.iterate_rdatasets():
        kind, owner = dns.rdatatype.to_text(rdataset.rdtype), name.to_text()
        if owner == "contoso.com." and kind in ("SOA", "NS"):
            continue
        values = {b"".join(each.strings).decode() if kind == "TXT" else each.to_text() for each in rdataset}
        found[(owner, kind)] = (rdataset.ttl, values)
    return found


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    file = tmp_path / "contoso.com.zone"
    file.write_text(FILE)
    return file


def test_a_zone_file_goes_in_and_comes_out_as_it_was(profile: Profile, zone: Path) -> None:
    zones = {"contoso.com": {"resourceGroup": "rg-dns", "file": zone.name}}
    profile.write(zones=zones)
    plan = profile.run("plan")
    assert plan.code == 2
    assert f"Note: {zone}:3:1: the zone's own SOA records are left out" in plan.out
    statuses = profile.again()
    sets = [status for address, status in statuses.items() if address.startswith("record_set/contoso.com/")]
    assert sets == ["created"] * len(as_zone(FILE))
    assert profile.in_sync()
    ran = profile.export("contoso.com")
    assert (ran.code, ran.err) == (0, "")
    assert as_zone(ran.out) == as_zone(FILE)
    # It is a whole zone to other programs too, with the servers that Azure gave it.
    whole = dns.zone.from_text(ran.out, "contoso.com", relativize=False)
    assert "azure-dns" in str(whole.get_rdataset("@", "SOA")) + str(whole.get_rdataset("@", "NS"))
    # And goes in again.
    zone.write_text(ran.out)
    assert profile.in_sync()


def test_a_change_of_the_file_is_a_change_of_the_zone(profile: Profile, zone: Path) -> None:
    zones = {"contoso.com": {"resourceGroup": "rg-dns", "file": zone.name}}
    profile.apply(zones=zones)
    zone.write_text(FILE.replace("20.1.2.6", "20.1.2.7").replace("lab         IN NS  ns1.lab.example.\n", ""))
    changed = {each for each in profile.again().items() if each[1] != "unchanged"}
    assert changed == {
        ("record_set/contoso.com/A/a.sub", "updated"),
        ("record_set/contoso.com/NS/lab", "deleted"),
    }
    assert profile.in_sync()


def test_a_saved_plan_holds_what_the_file_said(profile: Profile, zone: Path, tmp_path: Path) -> None:
    profile.write(zones={"contoso.com": {"resourceGroup": "rg-dns", "file": zone.name}})
    saved = str(tmp_path / "plan.json")
    assert profile.run("plan", "-o", saved).code == 2
    zone.unlink()
    assert profile.provision("apply", saved, "--sandbox", "--yes").code == 0
    zone.write_text(FILE)
    assert profile.in_sync()


def test_an_import_writes_what_stands_in_a_profile(profile: Profile, zone: Path, tmp_path: Path) -> None:
    output = tmp_path / "records.yaml"
    ran = profile.provision("zone", "import", str(zone), "--zone", "Contoso.com.", "-o", str(output))
    assert (ran.code, ran.out, ran.calls) == (0, "", ())
    assert f"Note: {zone}:5:13: the zone's own NS records are left out: Azure keeps its own" in ran.err
    shown = profile.provision("zone", "import", str(zone), "--zone", "contoso.com").out
    assert shown == output.read_text()
    profile.apply(zones={"contoso.com": {"resourceGroup": "rg-dns"}}, **yaml.safe_load(shown)["dns"])
    assert as_zone(profile.export("contoso.com").out) == as_zone(FILE)
    profile.write(zones={"contoso.com": {"resourceGroup": "rg-dns", "file": zone.name}})
    assert profile.in_sync()


@pytest.mark.parametrize("words", [["plan", "--sandbox"], ["apply", "--sandbox", "--yes"], ["validate"]])
def test_a_wrong_file_stops_everything_before_it_begins(
    profile: Profile, zone: Path, words: list[str]
) -> None:
    zone.write_text(FILE.replace("20.1.2.4", "20.1.2").replace("lab  ", "lab.net."))
    profile.write(zones={"contoso.com": {"resourceGroup": "rg-dns", "file": zone.name}})
    ran = profile.provision(words[0], str(profile.file), *words[1:])
    assert (ran.code, ran.calls) == (1, ())
    assert f"{zone}:13:1: `*.dev       IN A   20.1.2`: its value can't be read" in ran.err
    assert f"{zone}:16:1: the name is outside the zone contoso.com" in ran.err


def test_an_import_of_a_wrong_file(profile: Profile, zone: Path) -> None:
    zone.write_text("@ 60 CNAME example.net.\nx 60 A 20.1.2\n")
    ran = profile.provision("zone", "import", str(zone), "--zone", "contoso.com")
    assert (ran.code, ran.out) == (1, "")
    assert f"{zone}:2:1: `x 60 A 20.1.2`: its value can't be read" in ran.err
    zone.write_text("@ 60 CNAME example.net.\n")
    ran = profile.provision("zone", "import", str(zone), "--zone", "contoso.com")
    assert (ran.code, ran.out) == (1, "")
    assert f"{zone}:1:1: a zone itself can't have CNAME records" in ran.err
    ran = profile.provision("zone", "import", str(zone), "--zone", "contoso")
    assert (ran.code, ran.out) == (1, "")
    assert "`contoso` can't be a zone" in ran.err
    ran = profile.provision("zone", "import", str(zone / "no"), "--zone", "contoso.com")
    assert (ran.code, ran.out) == (1, "")
    assert "zone/no: Not a directory" in ran.err


def test_what_an_export_can_not_hold_is_a_comment(profile: Profile) -> None:
    alias = {"zone": "contoso.com", "name": "@", "type": "A", "target": f"{NETWORK}/publicIPAddresses/front"}
    profile.apply(records=[alias])
    with profile.provision.azure() as azure:
        held = azure.store.get("Microsoft.Network/dnsZones", ZONE)
        assert held is not None
        new_record_set(
            azure, PUBLIC, held, "A", "theirs", {"TTL": 60, "ARecords": [{"ipv4Address": "20.1.2.3"}]}
        )
        new_record_set(azure, PUBLIC, held, "TXT", "empty", {"TTL": 60, "TXTRecords": []})
    ran = profile.export("contoso.com")
    assert as_zone(ran.out) == {("theirs.contoso.com.", "A"): (60, {"20.1.2.3"})}
    assert f"; @ 3600 IN A is an alias of {alias['target']}\n" in ran.out
    assert ran.err.splitlines() == [
        "Note: A @ is an alias: a comment in the file",
        "Note: TXT empty has no records that can be read: left out of the file",
    ]


def test_an_export_of_a_private_zone(profile: Profile) -> None:
    zones = {"corp.example": {"resourceGroup": "rg-dns", "visibility": "private"}}
    record = {"zone": "corp.example", "name": "db", "type": "A", "ttl": 60, "values": ["10.0.0.5"]}
    profile.apply(zones=zones, records=[record])
    machine: Json = {
        "id": f"{NETWORK}/privateDnsZones/corp.example/A/vm-1",
        "name": "vm-1",
        "type": "Microsoft.Network/privateDnsZones/A",
        "properties": {"ttl": 10, "aRecords": [{"ipv4Address": "10.0.0.4"}], "isAutoRegistered": True},
    }
    with profile.provision.azure() as azure:
        azure.store.put("Microsoft.Network/privateDnsZones/recordsets", machine["id"], machine)
    ran = profile.export("corp.example.")
    assert "\ndb 60 IN A 10.0.0.5\n" in ran.out
    assert "\n; vm-1 10 IN A 10.0.0.4 ; registered by a virtual network\n" in ran.out
    assert ran.err == "Note: A vm-1 is a registered machine: a comment in the file\n"


def test_an_export_of_what_is_not_there(profile: Profile, tmp_path: Path) -> None:
    profile.write()
    ran = profile.export("contoso.com")
    assert ran.code == 1
    assert "zone contoso.com: this zone does not exist" in ran.err
    assert "Run provision apply, which makes it." in ran.err
    ran = profile.export("contoso.net")
    assert ran.code == 1
    assert f"there is none of that name in {profile.file}\n" in ran.err
    assert "It has: contoso.com." in ran.err
    profile.apply()
    ran = profile.export("contoso.com", "-o", str(tmp_path))
    assert ran.code == 1
    assert "Is a directory" in ran.err


def test_an_export_needs_no_right_to_write(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    profile.apply()
    monkeypatch.setenv("PROVISION_SANDBOX_CLIENT", "reader")
    ran = profile.export("contoso.com")
    assert ran.code == 0, ran.err
    assert [call.method for call in ran.writes()] == []
