"""Scenarios: a profile and an observed world → the plan. Each file in `cases/` is one, all of it data.

about: what the scenario shows
profile: a profile's keys; `extends` names a file from the repository's root
adopt: true, destroy: true, targets: [addresses]     as on the command line, all optional
world: a file of `worlds/` that `observed` is laid over, address by address
observed: address → what is there; an address that is not named is absent
    absent
    unread: why
    as declared                           ours, with the properties of the profile
    {as declared: true, properties: …}    the same but for these
    {properties, outputs, owner, digest}  in our vocabulary; a list is a set without case;
                                          a cluster's other properties are off
orphans: address → properties of what carries our mark though the profile does not name it
plan: address → action, or its parts; `others` stands for every change that is not named
    action, reason (words of it), fields: {path: [before, after]} (all of them),
    after (addresses it waits for), blocked (words), command (words)
notes: words of each note of the plan, in order
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.errors import ProvisionError
from provision.ingress import desired
from provision.ingress.load import load
from provision.plan.change import Change, digest
from provision.plan.destroy import destroy
from provision.plan.plan import Observation, Plan, known_outputs, plan
from provision.profile.model import Profile
from provision.resources.dns import DnsZone, RecordSet
from provision.resources.graph import ResourceGraph
from provision.resources.identity import FederatedCredential, UserAssignedIdentity
from provision.resources.managed_cluster import OFF, ManagedCluster
from provision.resources.observed import Absent, Observed, Present, Unread
from provision.resources.resource import Resource
from provision.resources.values import CaseInsensitive, Value, plain

HERE = Path(__file__).parent
CASES = HERE / "cases"
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    "AZURE_TENANT_ID": "99999999-0000-0000-0000-000000000000",
    "AZURE_SUBSCRIPTION_ID": "11111111-0000-0000-0000-000000000000",
}


@pytest.mark.parametrize("name", sorted(each.stem for each in CASES.glob("*.yaml")))
def test_scenario(name: str, tmp_path: Path) -> None:
    scenario = _read(CASES / f"{name}.yaml")
    profile = _profile(scenario["profile"], tmp_path)
    graph = desired.graph(profile)
    world = _read(HERE / "worlds" / f"{scenario['world']}.yaml") if "world" in scenario else {}
    objects = dict(_observed(profile, graph, {**world, **scenario.get("observed", {})}))
    orphans = tuple(_orphan(profile, graph, *each) for each in scenario.get("orphans", {}).items())
    made = _plan(profile, graph, Observation(objects, orphans), scenario)
    written = _spread(scenario["plan"], (change.address for change in made.changes))
    expected = {address: _parts(each) for address, each in written.items()}
    others = expected.pop("others", None)
    if others:
        expected = {change.address: others for change in made.changes} | expected
    assert {change.address: change.action.value for change in made.changes} == {
        address: each["action"] for address, each in expected.items()
    }
    done: set[str] = set()
    for change in made.changes:
        _check(change, expected[change.address])
        assert change.resource.dependencies() & expected.keys() <= done or made.backwards
        done.add(change.address)
    _check_words("notes", made.warnings, scenario.get("notes", []))


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def _profile(written: Mapping[str, Any], folder: Path) -> Profile:
    if "extends" in written:
        written = {**written, "extends": str(ROOT / written["extends"])}
    file = folder / "profile.yaml"
    file.write_text(yaml.safe_dump(written), encoding="utf-8")
    return load(file, ENVIRONMENT).profile


def _plan(
    profile: Profile, graph: ResourceGraph, observation: Observation, scenario: Mapping[str, Any]
) -> Plan:
    if scenario.get("destroy"):
        cluster = observation.objects[desired.cluster_address(profile)]
        return destroy(profile.name, graph, observation, [desired.given_back(graph, profile, cluster)])
    return plan(
        profile.name,
        graph,
        observation,
        adopt=scenario.get("adopt", False),
        targets=scenario.get("targets", ()),
    )


def _spread(written: Mapping[str, Any], addresses: Iterable[str]) -> dict[str, Any]:
    """What is written for `kubernetes/*` counts for every such address that is not written itself."""
    patterns = {address: each for address, each in written.items() if "*" in address}
    found = {address: each for address, each in written.items() if address not in patterns}
    for address in addresses:
        fitting = [each for pattern, each in patterns.items() if fnmatchcase(address, pattern)]
        if fitting:
            found.setdefault(address, fitting[0])
    return found


def _observed(
    profile: Profile, graph: ResourceGraph, written: Mapping[str, Any]
) -> Iterator[tuple[str, Observed]]:
    written = _spread(written, (resource.address for resource in graph))
    unknown = written.keys() - {resource.address for resource in graph}
    assert not unknown, f"observed, but not in the graph: {unknown}"
    known: dict[str, Observed] = {}
    for resource in graph:
        resolved = resource.resolved(known_outputs(Observation(known)))
        known[resource.address] = _object(profile, resource, resolved, written.get(resource.address))
    yield from known.items()


def _object(profile: Profile, resource: Resource, resolved: Resource, written: Any) -> Observed:
    if written is None or written == "absent":
        return Absent()
    if written == "as declared":
        written = {"as declared": True}
    if "unread" in written:
        return Unread(ProvisionError(f"reading {resource.address}", written["unread"]))
    declared = written.get("as declared", False)
    properties: dict[str, Value] = dict(OFF) if isinstance(resource, ManagedCluster) else {}
    properties |= resolved.properties() if declared else {}
    properties |= {path: _value(each) for path, each in written.get("properties", {}).items()}
    return Present(
        properties,
        {name: _value(each) for name, each in written.get("outputs", {}).items()},
        written.get("owner", profile.name if declared else None),
        written.get("digest", digest(resource) if declared else None),
    )


def _value(written: Any) -> Value:
    if isinstance(written, list):
        return frozenset(CaseInsensitive(each) for each in written)
    assert written is None or isinstance(written, bool | int | str)
    return written


def _orphan(
    profile: Profile, graph: ResourceGraph, address: str, written: Mapping[str, Any]
) -> tuple[Resource, Present]:
    kind, parent, rest = address.split("/", 2)
    present = Present({path: _value(each) for path, each in written.items()}, {}, profile.name)
    if kind == FederatedCredential.KIND:
        identity = graph[f"{UserAssignedIdentity.KIND}/{parent}"]
        assert isinstance(identity, UserAssignedIdentity)
        return FederatedCredential(
            name=f"{parent}/{rest}", identity_id=identity.id, credential_name=rest, issuer="", subject=""
        ), present
    zone = graph[f"{DnsZone.KIND}/{parent}"]
    assert isinstance(zone, DnsZone)
    record_type, name = rest.split("/")
    return RecordSet(
        name=f"{parent}/{rest}",
        zone_id=zone.id,
        visibility="public",
        record_type=record_type,
        record_name=name,
        ttl=written["ttl"],
        values=frozenset(),
    ), present


def _parts(expected: Any) -> dict[str, Any]:
    return {"action": expected} if isinstance(expected, str) else expected


def _check(change: Change, expected: Mapping[str, Any]) -> None:
    if "fields" in expected or change.action.value in ("update", "replace", "delete"):
        fields = {field.path: [plain(field.before), plain(field.after)] for field in change.fields}
        assert fields == expected.get("fields", {}), change.address
    assert expected.get("reason", "") in change.reason
    assert set(expected.get("after", ())) <= change.resource.dependencies()
    blocked = change.blocked
    _check_words(change.address, [str(blocked)] if blocked else [], _words(expected, "blocked"))
    _check_words(change.address, [blocked.command] if blocked else [""], [expected.get("command", "")])


def _words(expected: Mapping[str, Any], part: str) -> list[str]:
    return [expected[part]] if part in expected else []


def _check_words(what: str, texts: Any, words: list[str]) -> None:
    assert len(texts) == len(words), f"{what}: {texts}"
    for text, each in zip(texts, words, strict=True):
        assert each in text, what
