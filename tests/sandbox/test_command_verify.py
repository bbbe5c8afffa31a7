"""Every link of a host's chain, told one by one; what could not be looked at is never green."""

from __future__ import annotations

from command_line import LEGACY, PRIVATE, PROD, Applied, CommandLine
from verifying import broken, links

from provision.sandbox import faults

SHOP, API = "shop.contoso.com", "api.contoso.com"


def test_every_link_holds(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    done = provision("verify", *PROD, "--format", "json")
    assert done.code == 0, done.out
    assert broken(done) == {SHOP: set(), API: set()}
    for host, found in links(done).items():
        # The certificates of this profile are self-signed.
        assert [link["link"] for link in found["warning"]] == ["trust"]
        by_kind = {link["link"]: link for link in found["ok"]}
        thumbprints = {by_kind[kind]["detail"][:8] for kind in ("certificate", "secret", "wire")}
        assert len(thumbprints) == 1
        assert by_kind["record"]["detail"] == by_kind["gateway"]["detail"]
        assert by_kind["http"]["detail"] == f"200; plain HTTP: 301 → https://{host}/"
    assert [call for call in done.calls if call.method in ("PUT", "DELETE")] == []


def test_nginx_and_private_zones(provision: CommandLine, applied: Applied) -> None:
    applied("nginx")
    done = provision("verify", *LEGACY, "--format", "json")
    assert broken(done) == {"orders.legacy.contoso.com": set(), "intranet.corp.contoso.com": set()}
    plain = links(done)["intranet.corp.contoso.com"]["ok"]
    assert {link["link"] for link in plain} == {"resource", "delegation", "record", "gateway", "http"}


def test_some_hosts(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    done = provision("verify", *PROD, "--host", API)
    assert done.code == 0
    assert done.out.startswith(f"{API}: 1 warning; ")
    assert f"\n{SHOP}" not in done.out
    strange = provision("verify", *PROD, "--host", "x.contoso.com")
    assert strange.code == 1
    assert f"no host x.contoso.com in this profile\nIt has: {SHOP}, {API}" in strange.err


def test_a_private_cluster_is_seen_through_the_run_command(provision: CommandLine, applied: Applied) -> None:
    """All the links, and of a Secret no more than its certificate in the output, which Azure keeps."""
    applied("private")
    done = provision("verify", *PRIVATE, "--format", "json")
    assert (done.code, broken(done)) == (0, {"intranet.corp.contoso.com": set()})
    assert not [call for call in done.calls if call.path.startswith("/kubernetes/")]
    commands = [call.body["command"] for call in done.calls if call.path.endswith("/runCommand")]
    parts = [part for command in commands for part in command.split("echo '=== ")]
    about_secrets = [part for part in parts if "get secret" in part or "/secrets/" in part]
    assert about_secrets
    assert all("-o jsonpath=" in part and "tls.key" not in part for part in about_secrets)


def test_a_cluster_that_may_not_be_read_is_never_green(provision: CommandLine, applied: Applied) -> None:
    applied("prod")
    refused = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no", "code": 403}
    with provision.azure() as azure:
        faults.inject(azure, path="^/kubernetes/", status=403, body=refused, count=1000)
    done = provision("verify", *PROD, "--host", API, "--format", "json")
    assert done.code == 3, links(done)[API].get("broken")
    unknown = {link["link"] for link in links(done)[API]["not checked"]}
    assert unknown == {"resource", "record", "gateway", "route", "secret", "wire", "http"}
    assert "broken" not in links(done)[API]
