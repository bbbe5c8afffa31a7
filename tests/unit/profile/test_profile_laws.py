"""Laws of decoding, merging and saving that hold for every profile."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from provision.errors import ProfileError
from provision.ingress.load import load
from provision.profile import nodes
from provision.profile.decode import Decoder
from provision.profile.load import merge
from provision.profile.model import Profile
from provision.profile.nodes import Map, Place
from provision.profile.plain import from_plain, to_plain
from provision.profile.schema import json_schema
from provision.profile.shape import (
    Boolean,
    Choice,
    Field,
    Integer,
    Many,
    Object,
    Shape,
    Table,
    Text,
    Variant,
    fields_of,
)
from provision.profile.yaml_source import parse_yaml

PLACE = Place("p.yaml")
SOME_TEXT = st.text(min_size=1).filter(lambda text: text.strip() != "")


def values(shape: Shape, field: Field) -> st.SearchStrategy[Any]:
    """Values that the decoder accepts."""
    match shape:
        case Text():
            return st.from_regex(field.pattern.regex, fullmatch=True) if field.pattern else SOME_TEXT
        case Integer():
            return st.integers(field.minimum, field.maximum)
        case Boolean():
            return st.booleans()
        case Choice():
            return st.sampled_from(shape.values)
        case Many():
            least = field.minimum or 0
            return st.lists(values(shape.item, field), min_size=least, max_size=least + 1).map(tuple)
        case Table():
            assert field.keys
            keys = st.from_regex(field.keys.regex, fullmatch=True)
            return st.dictionaries(keys, values(shape.value, field), max_size=1)
        case Object():
            return objects(shape.type)
        case Variant():
            return st.one_of([objects(each) for each in shape.types.values()])


def objects(cls: type[Any]) -> st.SearchStrategy[Any]:
    required = {each.attribute: values(each.shape, each) for each in fields_of(cls) if each.required}
    optional = {each.attribute: values(each.shape, each) for each in fields_of(cls) if not each.required}
    build: Callable[[dict[str, Any]], Any] = lambda chosen: cls(**chosen)  # noqa: E731
    return st.fixed_dictionaries(required, optional=optional).map(build)


@given(objects(Profile))
def test_saved_profiles_come_back(profile: Profile) -> None:
    assert from_plain(to_plain(profile)) == profile


VALIDATOR = jsonschema.Draft202012Validator(json_schema())


@given(objects(Profile))
def test_every_profile_fits_the_schema(profile: Profile) -> None:
    assert list(VALIDATOR.iter_errors(to_plain(profile))) == []


def test_every_field_is_saved(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "{apiVersion: provision/v1, name: a, azure: {subscription: 11111111-2222-3333-4444-555555555555},"
        " cluster: {name: a, resourceGroup: b}, ingress: {option: app-routing}, adopt: true}"
    )
    profile = load(file, {}).profile
    plain = to_plain(profile)
    assert plain["adopt"] is True
    assert plain["ingress"] == {
        "option": "app-routing",
        "implementation": "gateway-api",
        "loadBalancer": "external",
        "clientSourceIP": "hide",
    }
    assert plain.keys() == {each.key for each in fields_of(Profile)}
    assert from_plain(plain) == profile
    assert from_plain({**plain, "adopt": False}) == dataclasses.replace(profile, adopt=False)


def test_a_saved_profile_that_is_none_names_its_file() -> None:
    with pytest.raises(ProfileError, match=r"plan\.json: the profile lacks `apiVersion`"):
        from_plain({}, "plan.json")


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mappings in which a key always has a value of the same kind, as in a profile."""
    inner = st.dictionaries(st.sampled_from("pqr"), leaves, max_size=3)
    return st.fixed_dictionaries({}, optional={"a": leaves, "b": leaves, "m": inner, "n": inner})


def tree(value: Any) -> Map:
    node = nodes.from_plain(value, PLACE)
    assert isinstance(node, Map)
    return node


JSON = st.integers() | st.lists(st.integers(), max_size=2)
TREES = trees(JSON).map(tree)
EMPTY = tree({})


@given(TREES)
def test_merging_with_nothing_changes_nothing(one: Map) -> None:
    assert merge(one, EMPTY) == one
    assert merge(EMPTY, one) == one
    assert merge(one, one) == one


@given(TREES, TREES, TREES)
def test_merging_is_associative(one: Map, two: Map, three: Map) -> None:
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(trees(JSON), trees(JSON))
def test_what_the_overlay_says_is_so(base: Any, overlay: Any) -> None:
    merged = merge(tree(base), tree(overlay))
    for key, value in overlay.items():
        if isinstance(value, dict):
            value = {**base.get(key, {}), **value}
        assert merged.entries[key].value == nodes.from_plain(value, PLACE)
    assert merged.entries.keys() == base.keys() | overlay.keys()


@given(TREES, st.sampled_from("abmn"))
def test_null_removes(base: Map, key: str) -> None:
    merged = merge(base, tree({key: None}))
    assert merged.entries.keys() - {key} == base.entries.keys() - {key}
    assert (key in merged.entries) == (key not in base.entries)


KEYS = st.sampled_from([each.key for each in fields_of(Profile)] + ["option", "name", "zone", "x"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, ANYTHING))
def test_any_mapping_is_decoded_or_has_problems(value: Any) -> None:
    decoder = Decoder()
    profile = decoder.decode(nodes.from_plain(value, PLACE), Object(Profile), ())
    assert isinstance(profile, Profile) != bool(decoder.problems)


YAML_PARTS = st.sampled_from(
    [
        *("name: a\n", "cluster: {name: a}\n", "dns: {zones: {a.b: {}}}\n", "hosts:\n", "  a.b: "),
        *("extends: p.yaml\n", "ingress:\n", "  option: app-routing\n", "- ", "*a", "&a ", "{", "}", "\n"),
        *("<<: ", "${X}", ": ", "'", "!!int "),
    ]
)


@given(st.lists(YAML_PARTS, max_size=12).map("".join))
def test_any_yaml_loads_or_has_problems(text: str) -> None:
    try:
        root = parse_yaml(text, "p.yaml")
    except ProfileError as error:
        event(f"refused: {len(error.problems)} problems")
        return
    decoder = Decoder()
    decoder.decode(root, Object(Profile), ())
    assert all(problem.line > 0 for problem in decoder.problems)
