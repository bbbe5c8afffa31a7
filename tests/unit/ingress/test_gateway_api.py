"""Every object of a host, with either implementation, and the laws that they keep."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from golden import FOLDER, GATEWAY, NGINX, PROFILE, SECURE, VARIATIONS, manifests, text
from hypothesis import given
from hypothesis import strategies as st

from provision.profile.model import AppRouting, Profile
from provision.resources.ref import Ref, refs

hosts = st.sets(
    st.builds(
        "{}.{}".format, st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True), st.sampled_from(["a", "int.a"])
    ).map("{}.example".format),
    min_size=1,
    max_size=12,
)


def of(profile: Profile, kind: str) -> list[dict[str, Any]]:
    found = [each for each in manifests(profile) if each.api.kind == kind]
    return [each.resolved(lambda ref: f"<{ref}>").document() for each in found]


@pytest.mark.parametrize("name", VARIATIONS)
def test_the_objects_are_those_of_the_file(name: str) -> None:
    assert text(VARIATIONS[name]) == (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def test_every_file_belongs_to_a_variation() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(VARIATIONS)


@given(hosts)
def test_listeners_have_names_of_their_own(names: set[str]) -> None:
    (gateway,) = of(replace(PROFILE, hosts=dict.fromkeys(sorted(names), SECURE)), "Gateway")
    listeners = [each["name"] for each in gateway["spec"]["listeners"]]
    assert len(listeners) == len(set(listeners)) == len(names) + 1


@given(hosts)
def test_internal_hosts_are_never_seen_by_the_writer_of_a_public_zone(names: set[str]) -> None:
    profile = replace(PROFILE, hosts=dict.fromkeys(sorted(names), SECURE))
    zones = {
        each["spec"]["filters"]["routeAndIngressLabels"]: each["spec"]["dnsZoneResourceIDs"]
        for each in of(profile, "ClusterExternalDNS")
    }
    for route in of(profile, "HTTPRoute"):
        labels = route["metadata"].get("labels")
        if labels is None:
            assert route["metadata"]["name"].endswith("-redirect")
            continue
        written = zones[f"provision/dns={labels['provision/dns']}"]
        private = route["spec"]["hostnames"][0].endswith(".int.a.example")
        assert all(("/privatednszones/" in zone.casefold()) is private for zone in written)


@pytest.mark.parametrize("ingress", [GATEWAY, replace(NGINX, default_certificate="all")])
def test_certificates_are_named_without_a_version(ingress: AppRouting) -> None:
    made = manifests(replace(PROFILE, ingress=ingress))
    named = [ref for each in made for value in each.properties().values() for ref in refs(value)]
    assert {ref for ref in named if ref.address.startswith("certificate/")} == {
        Ref("certificate/kv/all", "uri")
    }
