"""What `-f` names: files, folders, standard input; YAML with several documents, or JSON; lists unpacked."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import yaml

from provision.sandbox.http import Json
from provision.sandbox.kubectl.errors import KubectlError
from provision.sandbox.shell.process import Process

_SUFFIXES = (".yaml", ".yml", ".json")


def documents(process: Process, names: Sequence[str]) -> list[tuple[str, Json]]:
    """(source, object) of everything in the files; a source is the file's name, or `STDIN`."""
    found: list[tuple[str, Json]] = []
    for name in names:
        for source, content in _contents(process, name):
            for document in _parsed(source, content):
                found += ((source, each) for each in _unpacked(source, document))
    return found


def single(process: Process, names: Sequence[str]) -> Any:
    """The one document of `--raw … -f FILE`; None without a file."""
    if not names:
        return None
    ((source, content),) = _contents(process, names[0])
    parsed = _parsed(source, content)
    return parsed[0] if parsed else None


def _contents(process: Process, name: str) -> Iterator[tuple[str, bytes]]:
    if name in ("-", "/dev/stdin"):
        yield "STDIN", process.stdin
        return
    place = process.files.folder(process.folder, name)
    if place is not None:
        for entry in process.files.names(place):
            if entry.endswith(_SUFFIXES):
                yield posixpath.join(name, entry), process.files.read(place, entry)
        return
    try:
        yield name, process.files.read(process.folder, name)
    except FileNotFoundError as error:
        raise KubectlError(f'error: the path "{name}" does not exist') from error


def _parsed(source: str, content: bytes) -> list[Any]:
    text = content.decode(errors="replace")
    try:
        if text.lstrip()[:1] == "{":
            return [json.loads(text)]
        found = [each for each in yaml.load_all(text, _Loader) if each is not None]
        return [json.loads(json.dumps(each)) for each in found]  # keys of every type become text
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise KubectlError(f"error: error parsing {source}: {_why(error)}") from error


def _why(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        line = error.problem_mark.line
        return f"error converting YAML to JSON: yaml: line {line}: {error.problem}"
    return str(error)


def _unpacked(source: str, document: Any) -> Iterator[Json]:
    if not isinstance(document, dict):
        raise KubectlError(f"error: error validating {source!r}: the document is not an object")
    for field in ("apiVersion", "kind"):
        if not document.get(field):
            raise KubectlError(
                f'error: error validating "{source}": error validating data: {field} not set; if you choose'
                " to ignore these errors, turn validation off with --validate=false"
            )
    if document["kind"].endswith("List") and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _unpacked(source, item)
        return
    yield document


class _Loader(yaml.SafeLoader):
    """YAML as kubectl reads it: a date stays the text that it is, `y` and `n` are booleans."""

    bool_values: ClassVar[dict[str, bool]] = {**yaml.SafeLoader.bool_values, "y": True, "n": False}


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))
