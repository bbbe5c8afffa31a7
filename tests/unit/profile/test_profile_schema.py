"""The JSON Schema agrees with the decoder, and the copy in `profiles/` is current."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from provision.profile.schema import json_schema

PROFILES = Path(__file__).parents[3] / "profiles"
CASES = Path(__file__).parent / "cases"
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


class EditorLoader(yaml.SafeLoader):
    """Reads days as text, as YAML 1.2 in editors does."""


EditorLoader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if not each[0].endswith("timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), EditorLoader)  # noqa: S506 - a safe loader


def errors(value: object) -> list[str]:
    return [each.message for each in VALIDATOR.iter_errors(value)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_copy_is_current() -> None:
    """`provision schema -o profiles/profile.schema.json` writes it anew."""
    assert json.loads(PROFILES.joinpath("profile.schema.json").read_text(encoding="utf-8")) == SCHEMA


@pytest.mark.parametrize("file", sorted(PROFILES.glob("*.yaml")), ids=lambda file: file.stem)
def test_example_profiles(file: Path) -> None:
    assert errors(read(file)) == []
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=./profile.schema.json"


SEEN_BY_SCHEMA = [
    "choice",
    "choice_of_numbers",
    "choice_of_one",
    "choice_quoted_number",
    "fraction",
    "integer_too_large",
    "integer_too_small",
    "list_for_mapping",
    "list_too_long",
    "list_too_short",
    "mapping_for_text",
    "missing_keys_at_root",
    "number_for_text",
    "option_unknown",
    "pattern",
    "pattern_of_key",
    "pattern_of_list_item",
    "quoted_boolean",
    "quoted_integer",
    "text_for_list",
    "text_for_mapping",
    "unknown_key",
    "unknown_key_at_root",
    "unknown_key_of_sibling",
    "word_for_integer",
    "yes_for_text",
]


@pytest.mark.parametrize("name", SEEN_BY_SCHEMA)
def test_the_schema_sees_what_the_decoder_sees(name: str) -> None:
    assert errors(read(CASES / f"{name}.yaml"))


WHOLE = read(CASES / "base" / "whole.yaml")


def test_a_whole_profile_needs_its_keys() -> None:
    assert errors(WHOLE) == []
    assert errors({**WHOLE, "cluster": {"name": "aks"}}) == ["'resourceGroup' is a required property"]
    assert errors({**WHOLE, "cluster": None})


def test_a_part_does_not() -> None:
    assert errors({"extends": "base.yaml", "cluster": {"name": "aks"}, "vaults": {"kv-one": None}}) == []
    assert errors({"extends": ["a.yaml", "b.yaml"], "ingress": None}) == []
    assert errors({"extends": []})
    assert errors({"roles": "verify"}) == []


def test_lists_of_a_part_are_whole() -> None:
    record = {"zone": "contoso.com", "name": "www", "values": ["20.0.0.1"]}
    assert errors({"extends": "base.yaml", "dns": {"records": [record]}})
    assert errors({"extends": "base.yaml", "dns": {"records": [{**record, "type": "A"}]}}) == []


@pytest.mark.parametrize("value", ["${A}", "${A:-1}", "x-${A}"])
def test_variables_stand_for_any_value(value: str) -> None:
    azure = {"subscription": value, "cloud": value}
    certificate = {"vault": value, "dnsNames": [value], "validityMonths": value, "keySize": value}
    whole = {**WHOLE, "azure": azure, "adopt": value, "certificates": {"shop-tls": certificate}}
    assert errors(whole) == []


def test_every_key_is_described() -> None:
    for name, definition in SCHEMA["$defs"].items():
        assert definition["description"], name
        for key, schema in definition.get("properties", {}).items():
            assert schema["description"], f"{name}.{key}"
