"""What the objects of a host are called: legal and different, whatever the host."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provision.ingress.hosts import gateway_name, object_name, zone_group, zone_of
from provision.profile.model import AppRouting, Azure, Cluster, Dns, Profile, Zone

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
PROFILE = Profile(
    api_version="provision/v1",
    name="shop",
    azure=Azure(subscription="11111111-0000-0000-0000-000000000000"),
    cluster=Cluster(name="aks", resource_group="rg"),
    ingress=AppRouting(option="app-routing"),
)

labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
plain = st.lists(labels, min_size=2, max_size=4).map(".".join)
hosts = plain | plain.map("*.{}".format)


@given(st.sets(hosts, min_size=2, max_size=8))
def test_names_are_labels_and_differ_when_the_hosts_do(names: set[str]) -> None:
    made = [object_name(name) for name in names]
    assert len(set(made)) == len(names)
    assert all(LABEL.fullmatch(name) and len(name) <= 30 for name in made)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a-b.example", "a.b.example"),
        ("*.example", "wildcard.example"),
        (f"{'a' * 40}.example", f"{'a' * 40}.test"),
    ],
)
def test_hosts_that_read_alike_are_told_apart(one: str, other: str) -> None:
    assert object_name(one) != object_name(other)


@example("a" * 40, "b" * 30)
@given(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True), labels)
def test_what_the_operator_makes_of_the_names_is_a_label(name: str, host: str) -> None:
    gateway = gateway_name(replace(PROFILE, name=name))
    assert gateway[0].isalpha()
    assert LABEL.fullmatch(gateway)
    assert len(f"kv-gw-cert-{gateway}-{object_name(f'{host}.a.example')}") <= 63
    group = zone_group(with_zones(replace(PROFILE, name=name * 3), [Zone(resource_group="rg")]), "0.example")
    assert LABEL.fullmatch(group)
    assert len(f"{group}-external-dns") <= 63


def test_a_host_belongs_to_the_longest_zone_that_it_ends_with() -> None:
    zones = {name: Zone(resource_group="rg") for name in ("a.example", "int.a.example")}
    found = {host: zone_of(host, zones) for host in ("x.int.a.example", "int.a.example", "xa.example")}
    assert found == {
        "x.int.a.example": "int.a.example",
        "int.a.example": "int.a.example",
        "xa.example": None,
    }


def with_zones(profile: Profile, zones: Iterable[Zone]) -> Profile:
    return replace(profile, dns=Dns(zones={f"{number}.example": zone for number, zone in enumerate(zones)}))


def test_zones_share_a_group_by_visibility_subscription_and_resource_group() -> None:
    here = Zone(resource_group="rg")
    same = [here, Zone(resource_group="RG"), replace(here, subscription=PROFILE.azure.subscription)]
    others = [replace(here, visibility="private"), replace(here, resource_group="rg2")]
    together, apart = with_zones(PROFILE, same), with_zones(PROFILE, [here, *others])
    assert len({zone_group(together, name) for name in together.dns.zones}) == 1
    assert len({zone_group(apart, name) for name in apart.dns.zones}) == 3


def test_a_zone_below_another_has_a_controller_of_its_own() -> None:
    """One that may not read the lower zone yet must not write its hosts into the upper one."""
    zones = {name: Zone(resource_group="rg") for name in ("a.example", "b.example", "x.a.example")}
    profile = replace(PROFILE, dns=Dns(zones=zones))
    upper, beside, lower = (zone_group(profile, name) for name in zones)
    assert upper == beside
    assert lower != upper
