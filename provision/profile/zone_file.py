"""BIND zone files → record sets as trees with places, as the profile's own YAML gives them.

SOA and the NS records of the zone itself are left out with a note: Azure keeps its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from provision.errors import Problem, ProfileError
from provision.profile.decode import FAILED, Decoder
from provision.profile.loaded import LoadedProfile
from provision.profile.model import Record
from provision.profile.nodes import Entry as Key
from provision.profile.nodes import List, Map, Node, Path, Place, few, from_plain, path_text, problem_at
from provision.profile.shape import Object
from provision.profile.zone_faults import EXAMPLES, explained

if TYPE_CHECKING:
    from dns.name import Name
    from dns.rdata import Rdata

_TYPES = tuple(EXAMPLES)
_TOKEN = re.compile(r'\\.|"(?:\\.|[^"\\])*"|;[^\n]*|[()\n]', re.DOTALL)
"""What decides where an entry of a zone file ends (RFC 1035, section 5.1)."""
_GENERATE = re.compile(r"\s*\$GENERATE\s+(\d+)-(\d+)(?:/(\d+))?", re.IGNORECASE)
_MOST_GENERATED = 25_000
"""As many as the largest zone, a private one, has record sets."""


@dataclass(frozen=True, slots=True)
class ZoneFile:
    """What a zone file says: a tree with a record's keys for each record set, faults, what was left out."""

    records: list[Map] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Set:
    """The records of one name and type."""

    place: Place
    ttl: int
    held: set[Rdata] = field(default_factory=set)
    values: list[Node] = field(default_factory=list)


class Entry(NamedTuple):
    """One entry of a zone file, over several lines where parentheses or quotes say so."""

    place: Place
    text: str

    @property
    def word(self) -> str:
        """The first word, in upper case: a directive, if it begins with $."""
        return self.text.split(maxsplit=1)[0].upper()


def declared(loaded: LoadedProfile) -> tuple[LoadedProfile, list[Problem]]:
    """The profile with the record sets of its zone files behind its own, and what is wrong in the files.

    A profile that names none comes back as it is, and no DNS library is loaded.
    """
    dns = loaded.profile.dns
    records, notes = list(dns.records), list(loaded.notes)
    decoder = Decoder(places=dict(loaded.places))
    for name, zone in dns.zones.items():
        if zone.file is None:
            continue
        path = ("dns", "zones", name, "file")
        file = str(FilePath(loaded.place(path).file).parent / zone.file)
        try:
            found = read_zone_file(file, name)
        except (OSError, UnicodeDecodeError) as error:
            decoder.problems.append(loaded.problem(path, f"reading {file}: {_unreadable(error)}"))
            continue
        records += _decoded(found, decoder, len(records))
        notes += found.notes
    whole = replace(loaded.profile, dns=replace(dns, records=tuple(records)))
    return replace(loaded, profile=whole, places=decoder.places, notes=tuple(notes)), decoder.problems


class Read(NamedTuple):
    """The record sets of one zone file, where they stand as `dns.records`, and what is beside them."""

    records: tuple[Record, ...]
    places: Mapping[Path, Place]
    notes: tuple[Problem, ...]


def records_of(file: str, zone: str) -> Read:
    """Raises ProfileError with all that can't be read in it."""
    decoder = Decoder()
    try:
        found = read_zone_file(file, zone)
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError([Problem(file, 0, 0, _unreadable(error))]) from error
    records = _decoded(found, decoder, 0)
    if decoder.problems:
        raise ProfileError(decoder.problems)
    return Read(tuple(records), decoder.places, tuple(found.notes))


def _decoded(found: ZoneFile, decoder: Decoder, first: int) -> list[Record]:
    """The record sets, whose places are those of `dns.records` from index `first` on."""
    problems = list(found.problems)
    values = []
    for index, tree in enumerate(found.records, first):
        path = ("dns", "records", index)
        known = len(decoder.problems)
        values.append(decoder.decode(tree, Object(Record), path))
        # The file has no such path: its line says where it is.
        own = f"{path_text(path)}."
        problems += [
            replace(each, message=each.message.removeprefix(own)) for each in decoder.problems[known:]
        ]
        del decoder.problems[known:]
    decoder.problems += few(sorted(problems, key=lambda each: (each.line, each.column)))
    return [value for value in values if value is not FAILED]


def _unreadable(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is no text in UTF-8"


def read_zone_file(file: str, zone: str) -> ZoneFile:
    """The record sets of a zone file in its order. Raises OSError, and UnicodeDecodeError for no text."""
    import dns.exception
    import dns.name
    import dns.rdataclass
    import dns.tokenizer
    import dns.zonefile

    text = FilePath(file).read_text(encoding="utf-8-sig")
    origin = dns.name.from_text(zone)
    heap = _Heap(origin)
    empty = dns.tokenizer.Tokenizer("", file)
    reader = dns.zonefile.Reader(
        empty, dns.rdataclass.IN, cast("Any", heap), allow_directives=("$GENERATE", "$ORIGIN", "$TTL")
    )
    found = ZoneFile()
    sets: dict[tuple[str, str], _Set] = {}
    for entry in entries(text, file):
        if fault := _refused(entry):
            found.problems.append(problem_at(entry.place, *fault))
            continue
        heap.found.clear()
        reader.tok = dns.tokenizer.Tokenizer(entry.text, file)
        try:
            reader.read()
        except dns.exception.DNSException as error:
            said = str(error).removeprefix(f"{file}:").lstrip("0123456789: ")
            found.problems.append(problem_at(entry.place, *explained(entry.text, said)))
            if entry.word == "$TTL":  # or every record below it would have none
                reader.default_ttl, reader.default_ttl_known = 3600, True
            continue
        if not heap.found and entry.word not in ("$TTL", "$ORIGIN"):
            hint = "A name without a final dot is relative to $ORIGIN, or to the zone."
            found.problems.append(problem_at(entry.place, f"the name is outside the zone {zone}", hint))
        for owner, ttl, data in heap.found:
            _collect(found, sets, owner.relativize(origin).to_text(), ttl, data, entry.place)
    found.records.extend(_tree(zone, name, kind, each) for (name, kind), each in sets.items() if each.values)
    return found


def _refused(entry: Entry) -> tuple[str, str] | None:
    """Message and hint for a directive that would read other files, or make more than a zone holds."""
    if entry.word == "$INCLUDE":
        return "$INCLUDE is not followed", "Put all into one file."
    if match := _GENERATE.match(entry.text):
        start, stop, step = (int(each or 1) for each in match.groups())
        if step and (stop - start) // step >= _MOST_GENERATED:
            return f"$GENERATE would make more than {_MOST_GENERATED} records", "No zone holds so many."
    return None


def entries(text: str, file: str) -> Iterator[Entry]:
    """The entries of a zone file that say something, without comments."""
    start, begun, depth, line = 0, 1, 0, 1
    kept: list[str] = []
    for token in _TOKEN.finditer(text + "\n"):
        kept.append(text[start : token.start()])
        start = token.end()
        said = token.group()
        depth = max(0, depth + (said == "(") - (said == ")"))
        if not said.startswith(";"):
            kept.append(said)
        line += said.count("\n")
        if said == "\n" and depth == 0:
            if body := "".join(kept).lstrip("\n"):
                bare = body.lstrip()
                if bare:
                    yield Entry(Place(file, begun, len(body) - len(bare) + 1), body)
            kept, begun = [], line
    if body := "".join(kept).strip():  # a parenthesis was left open: the reader says so
        yield Entry(Place(file, begun, 1), body)


class _Heap:
    """Takes what dnspython's reader would put into a zone."""

    def __init__(self, origin: Name) -> None:
        self.manager = self
        self.found: list[tuple[Name, int, Rdata]] = []
        self._origin = origin

    def origin_information(self) -> tuple[Name, bool, Name]:
        return self._origin, False, self._origin

    def _set_origin(self, origin: Name) -> None:
        """$ORIGIN, which the reader itself keeps."""

    def check_put_rdataset(self, check: object) -> None:
        """The rules of a profile's records are stricter than the reader's."""

    def add(self, name: Name, ttl: int, data: Rdata) -> None:
        self.found.append((name, ttl, data))


def _collect(
    found: ZoneFile,
    sets: dict[tuple[str, str], _Set],
    name: str,
    ttl: int,
    data: Rdata,
    place: Place,
) -> None:
    kind = data.rdtype.name
    if kind in ("SOA", "NS") and name == "@":
        message = f"the zone's own {kind} records are left out: Azure keeps its own"
        if not any(note.message == message for note in found.notes):
            found.notes.append(problem_at(place, message))
        return
    if kind not in _TYPES:
        message = f"records of type {kind} can't be declared"
        found.problems.append(problem_at(place, message, f"Possible are {', '.join(_TYPES)}."))
        return
    held = sets.setdefault((name.lower(), kind), _Set(place, ttl))
    if held.ttl != ttl:
        message = f"the {kind} records of {name} have the TTLs {held.ttl} (line {held.place.line}) and {ttl}"
        hint = "The records of one name and type have one TTL."
        found.problems.append(problem_at(place, message, hint))
    if data in held.held:  # a server keeps it once (RFC 2181, section 5)
        found.notes.append(problem_at(place, f"this {kind} record of {name} is there twice"))
        return
    held.held.add(data)
    try:
        held.values.append(from_plain(_value(kind, data), place))
    except UnicodeDecodeError:
        found.problems.append(problem_at(place, "the text is not UTF-8"))


def _value(kind: str, data: Rdata) -> str:
    """One record as a profile has it. Raises UnicodeDecodeError for a text of other octets."""
    if kind == "TXT":
        return b"".join(cast("Any", data).strings).decode()
    return data.to_text()


def _tree(zone: str, name: str, kind: str, held: _Set) -> Map:
    plain = {"zone": zone, "name": name, "type": kind, "ttl": held.ttl}
    entries_ = {key: Key(held.place, from_plain(value, held.place)) for key, value in plain.items()}
    return Map(held.place, {**entries_, "values": Key(held.place, List(held.place, tuple(held.values)))})
