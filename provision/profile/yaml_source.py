"""A YAML file → a tree with positions, or the problems of the file.

Built from the parser's events rather than with `yaml.compose`, so that depth and size are bounded
while reading: aliases are expanded by sharing, and a file is refused as soon as its expansion would be
larger than `MAX_NODES`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml
from yaml.reader import Reader

from provision.errors import Problem, ProfileError
from provision.profile.nodes import Entry, Kind, List, Map, Node, Place, Scalar, problem_at
from provision.profile.yaml_errors import syntax_problem

MAX_BYTES = 1_048_576
MAX_NODES = 200_000
MAX_DEPTH = 100

Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The fast one where PyYAML was built with it."""

_KINDS: dict[str, Kind] = {
    "tag:yaml.org,2002:str": "text",
    "tag:yaml.org,2002:int": "integer",
    "tag:yaml.org,2002:float": "number",
    "tag:yaml.org,2002:bool": "boolean",
    "tag:yaml.org,2002:timestamp": "date",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:value": "text",
    "!": "text",
}
_MERGE = "tag:yaml.org,2002:merge"
_COLLECTION_TAGS = frozenset({None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


def read_yaml(file: str) -> Map:
    """The root mapping of the only document of `file`. Raises ProfileError with all its problems."""
    return parse_yaml(_read_text(file), file)


def parse_yaml(text: str, file: str) -> Map:
    """As `read_yaml`, from text; `file` is for the positions."""
    builder = _Builder(file)
    unprintable = Reader.NON_PRINTABLE.search(text)
    if unprintable is not None:
        at = unprintable.start()
        line, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
        code = f"U+{ord(text[at]):04X}"
        raise ProfileError([Problem(file, line, column, f"the character {code} is not allowed in YAML")])
    try:
        root = builder.document(text)
    except yaml.MarkedYAMLError as error:
        raise ProfileError([*builder.problems, syntax_problem(error, file, text)]) from error
    if builder.problems:
        raise ProfileError(builder.problems)
    if isinstance(root, Map):
        return root
    place = root.place if root is not None else Place(file)
    what = (
        "the file is empty"
        if root is None or _is_empty(root)
        else "the file is not a mapping of keys to values"
    )
    raise ProfileError(
        [Problem(file, place.line, place.column, what, "A profile begins `apiVersion: provision/v1`.")]
    )


def _is_empty(root: Node) -> bool:
    return isinstance(root, Scalar) and root.kind == "nothing"


def _read_text(file: str) -> str:
    try:
        with Path(file).open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ProfileError([Problem(file, 0, 0, "there is no such file")]) from None
    except IsADirectoryError:
        hint = "Give the profile file in it."
        raise ProfileError([Problem(file, 0, 0, "is a directory, not a file", hint)]) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ProfileError([Problem(file, 0, 0, f"can't be read: {why}")]) from error
    if len(content) > MAX_BYTES:
        raise ProfileError(
            [Problem(file, 0, 0, f"is larger than {MAX_BYTES // 1024} KiB, too large for a profile")]
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"the byte 0x{content[error.start]:02X} is not UTF-8"
        raise ProfileError([Problem(file, line, column, message, "Save the file as UTF-8.")]) from error


@dataclass(slots=True)
class _Built:
    """A finished node with the number of nodes in it and its height, aliases expanded."""

    node: Node
    weight: int = 1
    height: int = 1
    is_merge: bool = False


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read; a mapping's keys and values alternate."""

    place: Place
    anchor: str | None
    is_map: bool
    children: list[_Built] = field(default_factory=list)


class _Builder:
    """Builds the tree of one document from the parser's events."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._anchors: dict[str, _Built | None] = {}
        self._open: list[_Open] = []
        self._root: _Built | None = None

    def document(self, text: str) -> Node | None:
        loader: Any = Loader(text)  # types-PyYAML leaves the parser's methods untyped
        try:
            documents = 0
            while loader.check_event():
                event = loader.get_event()
                if isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    if documents == 2:
                        self._stop(
                            self._place(event), "a second document begins here", "Put one profile in a file."
                        )
                self._handle(event, loader)
        finally:
            loader.dispose()
        return self._root.node if self._root else None

    def _handle(self, event: yaml.Event, loader: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                built = self._scalar(event, loader)
                self._finish(built, event.anchor)
            case yaml.AliasEvent():
                self._add(self._alias(event))
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                opened = self._open.pop()
                self._finish(self._mapping(opened) if opened.is_map else self._list(opened), opened.anchor)

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        place = self._place(event)
        if event.tag not in _COLLECTION_TAGS:
            self._refuse_tag(place, str(event.tag))
        if len(self._open) >= MAX_DEPTH:
            self._stop(place, f"lists and mappings are nested more than {MAX_DEPTH} deep")
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append(_Open(place, event.anchor, isinstance(event, yaml.MappingStartEvent)))

    def _scalar(self, event: yaml.ScalarEvent, loader: Any) -> _Built:
        place = self._place(event)
        tag = event.tag
        if tag is None:
            tag = loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag == _MERGE:
            return _Built(Scalar(place, event.value, "text"), is_merge=True)
        if tag not in _KINDS:
            self._refuse_tag(place, tag)
        return _Built(Scalar(place, event.value, _KINDS.get(tag, "text")))

    def _alias(self, event: yaml.AliasEvent) -> _Built:
        place = self._place(event)
        if event.anchor not in self._anchors:
            hint = f"`*` begins an alias in YAML; if `*{event.anchor}` is meant as text, put it in quotes."
            self._stop(place, f"there is no anchor `&{event.anchor}` before this alias", hint)
        built = self._anchors[event.anchor]
        if built is None:
            self._stop(place, f"the alias `*{event.anchor}` stands inside the value that it refers to")
        return built

    def _finish(self, built: _Built, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = built
        self._add(built)

    def _add(self, built: _Built) -> None:
        if self._open:
            self._open[-1].children.append(built)
        else:
            self._root = built

    def _list(self, opened: _Open) -> _Built:
        weight, height = self._measure(opened)
        return _Built(List(opened.place, tuple(each.node for each in opened.children)), weight, height)

    def _mapping(self, opened: _Open) -> _Built:
        weight, height = self._measure(opened)
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        children = opened.children
        for key, value in zip(children[::2], children[1::2], strict=True):
            name = key.node
            if key.is_merge:
                for source in self._merge_sources(value.node):
                    merged = {**source.entries, **merged}
            elif not isinstance(name, Scalar) or name.kind == "nothing":
                self._report(name.place, "a key must be text")
            elif name.text in own:
                first = own[name.text].place.line
                self._report(
                    name.place, f"the key `{name.text}` is already in line {first}", "Keep one of the two."
                )
            else:
                own[name.text] = Entry(name.place, value.node)
        return _Built(Map(opened.place, {**merged, **own}), weight, height)

    def _merge_sources(self, node: Node) -> list[Map]:
        """Earlier mappings win over later ones, as in the YAML merge key's definition."""
        sources = list(node.items) if isinstance(node, List) else [node]
        for each in sources:
            if not isinstance(each, Map):
                self._report(each.place, "`<<` takes a mapping, or a list of mappings", "Write `<<: *name`.")
        return [each for each in sources if isinstance(each, Map)]

    def _measure(self, opened: _Open) -> tuple[int, int]:
        weight = 1 + sum(each.weight for each in opened.children)
        height = 1 + max((each.height for each in opened.children), default=0)
        if weight > MAX_NODES:
            self._stop(opened.place, f"holds more than {MAX_NODES:,} values once its aliases are expanded")
        if height > MAX_DEPTH:
            self._stop(opened.place, f"is nested more than {MAX_DEPTH} deep once its aliases are expanded")
        return weight, height

    def _place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _refuse_tag(self, place: Place, tag: str) -> None:
        shown = tag.replace("tag:yaml.org,2002:", "!!")
        self._report(place, f"the tag `{shown}` is not allowed in a profile", "Write the plain value.")

    def _report(self, place: Place, message: str, hint: str = "") -> None:
        self.problems.append(problem_at(place, message, hint))

    def _stop(self, place: Place, message: str, hint: str = "") -> NoReturn:
        self._report(place, message, hint)
        raise ProfileError(self.problems)
