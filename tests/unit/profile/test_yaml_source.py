"""Files that are no good YAML, and the parts of YAML that work."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from provision.errors import ProfileError
from provision.profile.nodes import Entry, List, Map, Place, Scalar
from provision.profile.yaml_source import MAX_BYTES, MAX_DEPTH, MAX_NODES, parse_yaml, read_yaml


def problem_of(text: str) -> str:
    with pytest.raises(ProfileError) as caught:
        parse_yaml(text, "p.yaml")
    (problem,) = caught.value.problems
    return str(problem).splitlines()[0]


def written(tmp_path: Path, content: bytes) -> str:
    file = tmp_path / "p.yaml"
    file.write_bytes(content)
    with pytest.raises(ProfileError) as caught:
        read_yaml(str(file))
    return str(caught.value.problems[0]).replace(str(file), "p.yaml").splitlines()[0]


def test_missing_file(tmp_path: Path) -> None:
    file = str(tmp_path / "none.yaml")
    with pytest.raises(ProfileError, match="there is no such file"):
        read_yaml(file)


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="is a directory"):
        read_yaml(str(tmp_path))


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_impossible_file_names(name: str) -> None:
    with pytest.raises(ProfileError, match=r"can't be read: (embedded null byte|File name too long)"):
        read_yaml(name)


def test_empty_file(tmp_path: Path) -> None:
    assert written(tmp_path, b"") == "p.yaml: the file is empty"


def test_null_document(tmp_path: Path) -> None:
    assert written(tmp_path, b"---\n~\n") == "p.yaml:2:1: the file is empty"


def test_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
    assert written(tmp_path, b"name: one\nnote: caf\xe9\n") == "p.yaml:2:10: the byte 0xE9 is not UTF-8"


def test_utf_16_is_not_utf_8(tmp_path: Path) -> None:
    assert written(tmp_path, "name: one\n".encode("utf-16")) == "p.yaml:1:1: the byte 0xFF is not UTF-8"


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes(b"\xef\xbb\xbfname: one\n")
    assert read_yaml(str(file)).entries["name"].place == Place(str(file), 1, 1)


def test_too_large(tmp_path: Path) -> None:
    assert "larger than 1024 KiB" in written(tmp_path, b"#" * (MAX_BYTES + 1))
    assert "the file is empty" in written(tmp_path, b"#" * MAX_BYTES)


def test_control_character() -> None:
    assert problem_of("name: one\nb: a\x07\n") == "p.yaml:2:5: the character U+0007 is not allowed in YAML"


def test_columns_count_characters() -> None:
    assert problem_of("{é: 1, ü: !x 2}") == "p.yaml:1:11: the tag `!x` is not allowed in a profile"


def test_aliases_that_expand_without_end() -> None:
    levels = "\n".join(f"l{n + 1}: &l{n + 1} [{', '.join([f'*l{n}'] * 10)}]" for n in range(9))
    message = problem_of(f"l0: &l0 [x]\n{levels}\n")
    assert f"more than {MAX_NODES:,} values once its aliases are expanded" in message


def test_aliases_that_nest_deeply() -> None:
    levels = "\n".join(f"l{n + 1}: &l{n + 1} [*l{n}]" for n in range(MAX_DEPTH))
    assert "deep once its aliases are expanded" in problem_of(f"l0: &l0 [x]\n{levels}\n")


@pytest.mark.parametrize("levels", [MAX_DEPTH, 20_000])
def test_deep_nesting(levels: int) -> None:
    assert f"nested more than {MAX_DEPTH} deep" in problem_of("a: " + "[" * levels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("just text", "p.yaml:1:1: the file is not a mapping of keys to values"),
        ("~: 1", "p.yaml:1:1: a key must be text"),
        ('a: "\\q"', "found unknown escape character"),
    ],
)
def test_no_mapping_of_text(text: str, message: str) -> None:
    assert message in problem_of(text)


def test_several_problems_at_once() -> None:
    with pytest.raises(ProfileError) as caught:
        parse_yaml("a: !x 1\na: 2\nb: !y 3\n", "p.yaml")
    assert [each.line for each in caught.value.problems] == [1, 2, 3]


def test_anchors_and_merge_keys() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\n"
    root = parse_yaml(text, "p.yaml")
    merged = root.entries["c"].value
    assert isinstance(merged, Map)
    values = {key: entry.value for key, entry in merged.entries.items()}
    assert values == {
        "x": Scalar(Place("p.yaml", 1, 11), "1", "integer"),
        "y": Scalar(Place("p.yaml", 1, 17), "1", "integer"),
        "z": Scalar(Place("p.yaml", 3, 22), "3", "integer"),
    }


def test_quoted_merge_key_is_a_key() -> None:
    assert list(parse_yaml('"<<": 1', "p.yaml").entries) == ["<<"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("one", "text"),
        ("'1'", "text"),
        ("1", "integer"),
        ("1.5", "number"),
        ("yes", "boolean"),
        ("2027-03-01", "date"),
        ("", "nothing"),
        ("~", "nothing"),
        ("!!str 1", "text"),
        ("! 1", "text"),
        ("=", "text"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    value = parse_yaml(f"key: {text}", "p.yaml").entries["key"].value
    assert isinstance(value, Scalar)
    assert value.kind == kind


def test_positions() -> None:
    root = parse_yaml("# note\nkey:\n  - one\n", "p.yaml")
    item = Scalar(Place("p.yaml", 3, 5), "one", "text")
    value = List(Place("p.yaml", 3, 3), (item,))
    assert root == Map(Place("p.yaml", 2, 1), {"key": Entry(Place("p.yaml", 2, 1), value)})


@given(st.text() | st.text(alphabet="ab:- {}[],&*<\"'\n\t|>!%#?@`~\x85\u2028\ufeff"))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        root = parse_yaml(text, "p.yaml")
    except ProfileError as error:
        event(f"refused: {len(error.problems)} problems")
    else:
        assert isinstance(root, Map)
