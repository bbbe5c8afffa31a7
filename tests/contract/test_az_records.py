"""Zones and records of every type: az reads back what provision made, and provision what az made.

The same profile is used both ways, so that what az makes with its own words is to fit to the letter.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.rdatatype
import dns.zone
import pytest
import yaml

from contract.az import Az
from provision.__main__ import main
from provision.sandbox.azure import SUBSCRIPTION
from provision.sandbox.home import Home

Provision = Callable[..., tuple[int, Any]]
GROUP = ("-g", "rg-dns")
NETWORK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns/providers/Microsoft.Network"
ADDRESS = f"{NETWORK}/publicIPAddresses/front"
HUB = f"{NETWORK}/virtualNetworks/hub"

# Type, values of the profile, and what az is told for each of them.
COMMON: dict[str, tuple[list[str], list[list[str]]]] = {
    "A": (["20.1.2.3", "20.1.2.4"], [["-a", "20.1.2.4"], ["-a", "20.1.2.3"]]),
    "AAAA": (["2603:1020::1"], [["-a", "2603:1020:0:0::1"]]),
    "CNAME": (["status.example.net"], [["-c", "Status.example.net."]]),
    "MX": (["10 mail.example.net"], [["-e", "mail.example.net.", "-p", "10"]]),
    "PTR": (["host.example.net"], [["-d", "host.example.net"]]),
    "SRV": (
        ["0 5 5061 sip.example.net"],
        [["-p", "0", "-w", "5", "-r", "5061", "-t", "sip.example.net"]],
    ),
    "TXT": (["v=spf1 -all", "two words"], [["-v", "v=spf1 -all"], ["-v", "two words"]]),
}
PUBLIC: dict[str, tuple[list[str], list[list[str]]]] = {
    **COMMON,
    "CAA": (['0 issue "digicert.com"'], [["--flags", "0", "--tag", "issue", "--value", "digicert.com"]]),
    "NS": (["ns1.example.net"], [["-d", "ns1.example.net."]]),
}


@pytest.fixture
def provision(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Provision:
    """Runs provision against the same sandbox: exit code and JSON."""
    monkeypatch.setenv("PROVISION_SANDBOX_HOME", str(home.path))

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--sandbox", "--format", "json"])
        out, err = capsys.readouterr()
        assert out, err
        return code, json.loads(out)

    return run


def profile(folder: Path, zone: str, **dns: Any) -> str:
    """A profile of one public zone, one below it and a private zone, each with `records`."""
    zones = {
        zone: {"resourceGroup": "rg-dns"},
        f"below.{zone}": {"resourceGroup": "rg-dns"},
        f"{zone}.internal": {
            "resourceGroup": "rg-dns",
            "visibility": "private",
            "links": [{"virtualNetwork": HUB}],
        },
    }
    records = [
        {"zone": each, "name": type_.lower(), "type": type_, "values": values}
        for each, types in ((zone, PUBLIC), (f"{zone}.internal", COMMON))
        for type_, (values, _) in types.items()
    ]
    records.append({"zone": zone, "name": "@", "type": "A", "target": ADDRESS})
    says = {
        "apiVersion": "provision/v1",
        "name": zone.partition(".")[0],
        "azure": {"subscription": SUBSCRIPTION},
        "cluster": {"name": "aks-records", "resourceGroup": "rg-records"},
        "ingress": {"option": "app-routing"},
        "roles": "off",
        "dns": {"zones": zones, "records": records},
    }
    file = folder / "records.yaml"
    file.write_text(yaml.safe_dump(says), encoding="utf-8")
    return str(file)


def test_az_reads_what_provision_made(az: Az, provision: Provision, tmp_path: Path) -> None:
    code, _ = provision("apply", profile(tmp_path, "ours.example"), "--yes")
    assert code == 0
    where = (*GROUP, "-z", "ours.example")
    listed = {each["name"]: each for each in az("network", "dns", "record-set", "list", *where)}
    assert [each["ipv4Address"] for each in listed["a"]["ARecords"]] == ["20.1.2.3", "20.1.2.4"]
    assert listed["aaaa"]["AAAARecords"] == [{"ipv6Address": "2603:1020::1"}]
    assert listed["cname"]["CNAMERecord"] == {"cname": "status.example.net"}
    assert listed["mx"]["MXRecords"] == [{"exchange": "mail.example.net", "preference": 10}]
    assert listed["ptr"]["PTRRecords"] == [{"ptrdname": "host.example.net"}]
    service = {"port": 5061, "priority": 0, "target": "sip.example.net", "weight": 5}
    assert listed["srv"]["SRVRecords"] == [service]
    assert listed["caa"]["caaRecords"] == [{"flags": 0, "tag": "issue", "value": "digicert.com"}]
    assert listed["ns"]["NSRecords"] == [{"nsdname": "ns1.example.net"}]
    servers = az("network", "dns", "zone", "show", *GROUP, "-n", "below.ours.example")["nameServers"]
    delegated = [each["nsdname"] for each in listed["below"]["NSRecords"]]
    assert delegated == [server.rstrip(".") for server in servers]
    apex = az("network", "dns", "record-set", "a", "show", *where, "-n", "@")
    assert apex["targetResource"]["id"] == ADDRESS
    private = (*GROUP, "-z", "ours.example.internal")
    listed = {each["name"]: each for each in az("network", "private-dns", "record-set", "list", *private)}
    assert listed["srv"]["srvRecords"] == [service]
    assert sorted(each["value"] for each in listed["txt"]["txtRecords"]) == [["two words"], ["v=spf1 -all"]]
    (link,) = az("network", "private-dns", "link", "vnet", "list", *private)
    assert (link["name"], link["registrationEnabled"]) == ("hub", False)


def pending(provision: Provision, file: str) -> dict[str, Any]:
    """What a plan would change of DNS: fields by address."""
    _, plan = provision("plan", file)
    ours = ("dns_zone/", "private_dns_zone/", "virtual_network_link/", "record_set/")
    return {each["resource"]: each["fields"] for each in plan["changes"] if each["resource"].startswith(ours)}


def test_provision_changes_nothing_of_what_az_made(az: Az, provision: Provision, tmp_path: Path) -> None:
    file = profile(tmp_path, "theirs.example")
    # Three zones, a link, an alias and a delegation besides the records.
    assert len(pending(provision, file)) == len(PUBLIC) + len(COMMON) + 6
    az("network", "dns", "zone", "create", *GROUP, "-n", "theirs.example")
    az("network", "dns", "zone", "create", *GROUP, "-n", "below.theirs.example", "-p", "theirs.example")
    private = "theirs.example.internal"
    az("network", "private-dns", "zone", "create", *GROUP, "-n", private)
    link = (*GROUP, "-z", private, "-n", "hub", "-v", HUB, "-e", "false")
    az("network", "private-dns", "link", "vnet", "create", *link)
    alias = (*GROUP, "-z", "theirs.example", "-n", "@", "--target-resource", ADDRESS)
    az("network", "dns", "record-set", "a", "create", *alias)
    for service, zone, types in (("dns", "theirs.example", PUBLIC), ("private-dns", private, COMMON)):
        for type_, (_, told) in types.items():
            verb = "set-record" if type_ == "CNAME" else "add-record"
            where = (*GROUP, "-z", zone, "-n", type_.lower())
            for words in told:
                az("network", service, "record-set", type_.lower(), verb, *where, *words)
    assert pending(provision, file) == {}


ZONE_FILE = """\
$TTL 1h
@          IN SOA ns1.old.example. admin.old.example. ( 2026010101 2h 15m 4w 5m )
           IN MX  10 mail
           IN MX  20 mail.example.net.
           IN TXT "v=spf1 include:example.net -all"
mail   5m  IN A   20.1.2.3
       5m  IN AAAA 2603:1020:0::1
www        IN CNAME mail
*.dev      IN A   20.1.2.4
           IN A   20.1.2.5
_sip._tcp  IN SRV 0 5 5061 sip.example.net.
4          IN PTR host.example.net.
text       IN TXT "a b; c"
a.sub  60  IN A   20.1.2.6
"""
PUBLIC_ONLY = '@ IN CAA 0 issue "ca.example"\nlab IN NS ns1.lab.example.\n'


def as_zone(text: str, zone: str) -> dict[tuple[str, str], tuple[int, set[str]]]:
    """What dnspython reads, without what each server keeps for itself."""
    whole = dns.zone.from_text(text, zone, relativize=False, check_origin=False)
    return {
        (name.to_text(), dns.rdatatype.to_text(rdataset.rdtype)): (
            rdataset.ttl,
            {each.to_text().lower() for each in rdataset},
        )
        for name, rdataset in whole.iterate_rdatasets()
        if not (name == whole.origin and rdataset.rdtype in (dns.rdatatype.SOA, dns.rdatatype.NS))
    }


@pytest.mark.parametrize(("service", "visibility"), [("dns", "public"), ("private-dns", "private")])
def test_a_zone_file_means_the_same_to_az(
    az: Az,
    home: Home,
    provision: Provision,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    service: str,
    visibility: str,
) -> None:
    """az imports it, nothing is left for us to do, and what we export is what went in."""
    zone = f"file-{visibility}.example"
    text = f"$ORIGIN {zone}.\n{ZONE_FILE}{PUBLIC_ONLY if visibility == 'public' else ''}"
    (tmp_path / "zone").write_text(text)
    says = {
        "apiVersion": "provision/v1",
        "name": f"file-{visibility}",
        "azure": {"subscription": SUBSCRIPTION},
        "cluster": {"name": "aks-records", "resourceGroup": "rg-records"},
        "ingress": {"option": "app-routing"},
        "roles": "off",
        "dns": {"zones": {zone: {"resourceGroup": "rg-dns", "visibility": visibility, "file": "zone"}}},
    }
    file = tmp_path / "profile.yaml"
    file.write_text(yaml.safe_dump(says), encoding="utf-8")
    assert len(pending(provision, str(file))) == len(as_zone(text, zone)) + 1
    az("network", service, "zone", "import", *GROUP, "-n", zone, "-f", str(tmp_path / "zone"))
    assert pending(provision, str(file)) == {}
    capsys.readouterr()
    assert main(["zone", "export", str(file), zone, "--sandbox"]) == 0
    assert as_zone(capsys.readouterr().out, zone) == as_zone(text, zone)
