"""Hosts that move: from the NGINX controller, which nobody patches any more, to the Gateway API and back, and
from one namespace to another. They are served all the while."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import CLUSTER_KIND, LEGACY, LEGACY_CLUSTER, PROD, ROOT, Applied, CommandLine

from provision.sandbox import faults

HOSTS = {
    "legacy.contoso.com/orders.legacy.contoso.com": "orders/orders-legacy-contoso-com",
    "corp.contoso.com/intranet.corp.contoso.com": "intranet/intranet-corp-contoso-com",
}


@pytest.fixture
def file(provision: CommandLine, applied: Applied, tmp_path: Path) -> str:
    """The profile with the Gateway API, on a cluster where it was applied with NGINX."""
    applied("nginx")
    moved = tmp_path / "moved.yaml"
    text = (ROOT / LEGACY[0]).read_text(encoding="utf-8").replace("extends: ", f"extends: {ROOT}/profiles/")
    moved.write_text(text.replace("implementation: nginx", "implementation: gateway-api"), encoding="utf-8")
    return str(moved)


def test_an_ingress_goes_once_its_host_is_served_anew(provision: CommandLine, file: str) -> None:
    done = provision("apply", file, "--sandbox", "--yes")
    assert done.code == 0, done.out
    told = done.out + done.err
    lines = told.splitlines()
    begun = [line for line in lines if line.startswith("deleting ")]
    for host, name in HOSTS.items():
        served = next(i for i, line in enumerate(lines) if line.startswith(f"updated   host_record/{host}"))
        assert lines.index(f"deleting kubernetes/Ingress/{name}") > served
        assert (
            f"kubernetes/Ingress/{name}: its hosts are served anew, 300 s until resolvers know that" in told
        )
    assert len(begun) == len(HOSTS)
    assert provision("plan", file, "--sandbox").code == 0
    assert provision("verify", file, "--sandbox").code == 0


def test_and_back(provision: CommandLine, file: str) -> None:
    assert provision("apply", file, "--sandbox", "--yes").code == 0
    done = provision("apply", *LEGACY, "--yes")
    assert done.code == 0, done.out
    lines = (done.out + done.err).splitlines()
    ended = lines.index("deleting kubernetes/ClusterExternalDNS/legacy-public-7383a0")
    led = next(
        i for i, line in enumerate(lines) if line.startswith("updated   host_record/legacy.contoso.com/")
    )
    gone = lines.index("deleting kubernetes/HTTPRoute/orders/orders-legacy-contoso-com")
    assert ended < led < gone
    assert provision("plan", *LEGACY).code == 0
    assert provision("verify", *LEGACY).code == 0


def test_an_ingress_stays_while_its_host_is_not_served_anew(provision: CommandLine, file: str) -> None:
    """Its route is refused; the other host moves on, but for its record: no DNS controller may begin yet, or
    it would take away the records of hosts without a route."""
    broken, other = HOSTS.values()
    with provision.azure() as azure:
        faults.inject(
            azure, method="PATCH", path=f"/httproutes/{broken.partition('/')[2]}$", status=403, count=9
        )
    done = provision("apply", file, "--sandbox", "--yes", "--format", "json")
    assert done.code == 1
    ended = done.statuses()
    assert ended[f"kubernetes/HTTPRoute/{broken}"] == "failed"
    assert ended[f"kubernetes/HTTPRoute/{other}"] == "created"
    assert {ended[f"kubernetes/Ingress/{each}"] for each in (broken, other)} == {"skipped"}
    with provision.azure() as azure:
        faults.clear(azure)
    again = provision("apply", file, "--sandbox", "--yes", "--format", "json")
    assert again.code == 0, again.out
    assert {again.statuses()[f"kubernetes/Ingress/{each}"] for each in (broken, other)} == {"deleted"}


def test_zones_that_somebody_else_attached_stay_theirs(provision: CommandLine, file: str) -> None:
    """There may be Ingresses of theirs in them. Those that we attached go with the cluster's update."""
    planned = provision("plan", file, "--sandbox")
    assert planned.code == 2
    assert "dnsZoneResourceIds: [corp.contoso.com, legacy.contoso.com] → []" in planned.out
    with provision.azure() as azure:
        cluster = azure.store.get(CLUSTER_KIND, LEGACY_CLUSTER)
        assert cluster is not None
        cluster["tags"] = {}
        azure.store.put(CLUSTER_KIND, LEGACY_CLUSTER, cluster)
    refused = provision("apply", file, "--sandbox", "--yes")
    assert refused.code == 1
    assert not refused.writes()
    assert "az aks approuting zone delete" in refused.out


def test_a_host_goes_to_another_namespace(provision: CommandLine, applied: Applied, tmp_path: Path) -> None:
    """The DNS controller sees both of its routes, and writes the addresses of both gateways meanwhile."""
    applied("prod")
    moved = tmp_path / "moved.yaml"
    text = (ROOT / PROD[0]).read_text(encoding="utf-8").replace("extends: ", f"extends: {ROOT}/profiles/")
    moved.write_text(text.replace("namespace: shop", "namespace: store"), encoding="utf-8")
    done = provision("apply", str(moved), "--sandbox", "--yes")
    assert done.code == 0, done.out
    lines = (done.out + done.err).splitlines()
    old = "kubernetes/HTTPRoute/shop/shop-contoso-com"
    assert f"{old}: its hosts are served anew, 480 s until resolvers know that" in lines
    served = next(
        i for i, line in enumerate(lines) if line.startswith("created   kubernetes/HTTPRoute/store/shop-")
    )
    gone = next(i for i, line in enumerate(lines) if line.startswith(f"deleted   {old} "))
    led = next(
        i for i, line in enumerate(lines) if line.startswith("updated   host_record/contoso.com/shop.")
    )
    assert served < lines.index(f"deleting {old}") < gone < led
    assert provision("plan", str(moved), "--sandbox").code == 0
    assert provision("verify", str(moved), "--sandbox").code == 0
