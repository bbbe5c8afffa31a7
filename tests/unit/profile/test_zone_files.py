"""Zone files: what is read from them, and each fault at its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import ProfileError, UsageError
from provision.ingress.load import load
from provision.ingress.rules import warnings
from provision.ingress.zone_import import imported
from provision.plan.zone_contents import Held
from provision.profile.model import Record
from provision.profile.zone_file import entries, read_zone_file, records_of
from provision.report.zones import records_yaml, zone_text
from provision.resources.record_value import canonical

BASE = Path(__file__).parent / "cases" / "base" / "whole.yaml"

Row = tuple[str, str, int, tuple[str, ...]]


def written(folder: Path, text: str) -> str:
    file = folder / "zone"
    file.write_text(text, encoding="utf-8")
    return str(file)


def rows(folder: Path, text: str) -> list[Row]:
    """Name, type, TTL and values of the record sets of a file."""
    found = records_of(written(folder, text), "contoso.com").records
    return [(each.name, each.type, each.ttl, each.values) for each in found]


def faults(folder: Path, text: str) -> list[str]:
    """`line:column: message`, and the hint on a line of its own."""
    with pytest.raises(ProfileError) as caught:
        imported(written(folder, text), "contoso.com")
    return [str(each).partition("/zone:")[2] for each in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("; nothing\n\n   ; but words\n", [], id="comments"),
        pytest.param("www 300 IN A 1.1.1.1", [("www", "A", 300, ("1.1.1.1",))], id="no line end"),
        pytest.param(
            "www 300 A 1.1.1.1\n    300 A 1.1.1.2 ; and\n\n\t300 AAAA ::1\n",
            [("www", "A", 300, ("1.1.1.1", "1.1.1.2")), ("www", "AAAA", 300, ("::1",))],
            id="the name above",
        ),
        pytest.param(
            "$ORIGIN dev.contoso.com.\n@ 60 A 1.1.1.1\nx 60 A 1.1.1.2\n$ORIGIN y\nx 60 A 1.1.1.3\n"
            "z.contoso.com. 60 A 1.1.1.4\n$ORIGIN com.\ncontoso 60 A 1.1.1.5\n",
            [
                ("dev", "A", 60, ("1.1.1.1",)),
                ("x.dev", "A", 60, ("1.1.1.2",)),
                ("x.y.dev", "A", 60, ("1.1.1.3",)),
                ("z", "A", 60, ("1.1.1.4",)),
                ("@", "A", 60, ("1.1.1.5",)),
            ],
            id="$ORIGIN",
        ),
        pytest.param(
            "$TTL 1d2h3m4s\na A 1.1.1.1\n$ttl 90\nb A 1.1.1.1\nc 1W A 1.1.1.1\nd A 1.1.1.1\n",
            [
                ("a", "A", 93784, ("1.1.1.1",)),
                ("b", "A", 90, ("1.1.1.1",)),
                ("c", "A", 604800, ("1.1.1.1",)),
                ("d", "A", 90, ("1.1.1.1",)),
            ],
            id="$TTL",
        ),
        pytest.param(
            "a 300 A 1.1.1.1\nb A 1.1.1.1\n",
            [("a", "A", 300, ("1.1.1.1",)), ("b", "A", 300, ("1.1.1.1",))],
            id="without $TTL the last one stated",
        ),
        pytest.param(
            "a IN 5m A 1.1.1.1\nb 5m in a 1.1.1.1\n",
            [("a", "A", 300, ("1.1.1.1",)), ("b", "A", 300, ("1.1.1.1",))],
            id="class and TTL in any order",
        ),
        pytest.param(
            "@ 300 MX ( 10 ; first\n  mail ) ; done\nx 300 A ( 1.1.1.1 )\n",
            [("@", "MX", 300, ("10 mail.contoso.com.",)), ("x", "A", 300, ("1.1.1.1",))],
            id="parentheses",
        ),
        pytest.param(
            'x 300 TXT "a;b (c) \\"d\\" \\\\" " e" f\\;g\n',
            [("x", "TXT", 300, ('a;b (c) "d" \\ ef;g',))],
            id="quotes and escapes",
        ),
        pytest.param('x 300 TXT "\\195\\188" ü\n', [("x", "TXT", 300, ("üü",))], id="octets"),
        pytest.param(
            '@ 60 CAA 0 issue "ca.example; policy=ev"\n',
            [("@", "CAA", 60, ('0 issue "ca.example; policy=ev"',))],
            id="CAA",
        ),
        pytest.param(
            "_sip._tcp 60 SRV 0 5 5061 sip.example.net.\n"
            "*.dev 60 CNAME www\n4 60 PTR a.\nsub 60 NS ns1.sub\n",
            [
                ("_sip._tcp", "SRV", 60, ("0 5 5061 sip.example.net.",)),
                ("*.dev", "CNAME", 60, ("www.contoso.com.",)),
                ("4", "PTR", 60, ("a.",)),
                ("sub", "NS", 60, ("ns1.sub.contoso.com.",)),
            ],
            id="names in values",
        ),
        pytest.param(
            "$TTL 60\n$GENERATE 1-5/2 h$ A 10.0.0.$\n",
            [(f"h{number}", "A", 60, (f"10.0.0.{number}",)) for number in (1, 3, 5)],
            id="$GENERATE",
        ),
        pytest.param(
            "X 60 A 1.1.1.1\nx 60 A 1.1.1.2\n",
            [("x", "A", 60, ("1.1.1.1", "1.1.1.2"))],
            id="names have no case",
        ),
        pytest.param("\ufeffx 60 A 1.1.1.1\r\n", [("x", "A", 60, ("1.1.1.1",))], id="from Windows"),
        pytest.param("bücher 60 A 1.1.1.1\n", [("xn--bcher-kva", "A", 60, ("1.1.1.1",))], id="IDNA"),
    ],
)
def test_what_is_read(tmp_path: Path, text: str, expected: list[Row]) -> None:
    assert rows(tmp_path, text) == expected


RELATIVE = "\n    A name without a final dot is relative to $ORIGIN, or to the zone."
LINE = "\n    A line reads `www 3600 IN A 20.50.1.2`."
ABOVE = f"{LINE} What begins with a blank continues the name above it."
A = "\n    Such a line reads `www 3600 IN A 20.50.1.2`."
TIME = "\n    Write seconds, or a time such as 1h or 1d12h: $TTL 3600."
NUMBER = "\n    Write a number from 1 to 2147483647."
TYPES = "\n    Possible are A, AAAA, CAA, CNAME, MX, NS, PTR, SRV, TXT."
PLAIN_NAME = "\n    Write a name relative to its zone, such as www, or @ for the zone itself."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "x A 1.1.1.1",
            "1:1: `x A 1.1.1.1`: it has no TTL\n    Write $TTL 3600 at the top, or a TTL in each",
        ),
        ("\n\n; c\nx 60 A 1.2.3", f"4:1: `x 60 A 1.2.3`: its value can't be read{A}"),
        ("x 60 A 1.1.1.1\n  60 A 1.2.3", f"2:3: `60 A 1.2.3`: its value can't be read{A}"),
        (
            "x 60 MX (\n10\n)",
            "1:1: `x 60 MX (`: its value is missing\n    Such a line reads `@ 3600 IN MX 10",
        ),
        (
            "x 60 MX mail",
            "1:1: `x 60 MX mail`: a number is missing in its value\n    Such a line reads `@ 3600",
        ),
        ("x 60 CNAME", "1:1: `x 60 CNAME`: its value is missing\n    Such a line reads `status 3600"),
        ("x 60 A 1.1.1.1 1.1.1.2", f"1:1: `x 60 A 1.1.1.1 1.1.1.2`: `1.1.1.2` is too much{A}"),
        ("x 60 B 1", f"1:1: `x 60 B 1`: there is no record type B{ABOVE}"),
        (" x 60 A 1.1.1.1", f"1:2: `x 60 A 1.1.1.1`: there is no record type x{ABOVE}"),
        (
            "x 60 CH A 1.1.1.1",
            "1:1: `x 60 CH A 1.1.1.1`: only records of class IN can be declared\n    Write",
        ),
        (
            "x 60 A ( 1.1.1.1\ny 60 A 1.1.1.1",
            "1:1: `x 60 A ( 1.1.1.1`: a parenthesis is not closed\n    Close",
        ),
        ("x 60 A 1.1.1.1 )", f"1:1: `x 60 A 1.1.1.1 )`: its value can't be read{A}"),
        (
            'x 60 TXT "a\ny 60 A 1.1.1.1',
            '1:1: `x 60 TXT "a`: a quoted text does not end\n    Close it with "',
        ),
        (
            f"x 60 TXT {'y' * 256}",
            f"1:1: `x 60 TXT {'y' * 51}…`: a text has more than 255 octets\n    Write it",
        ),
        ('x 60 TXT "\\255"', "1:1: the text is not UTF-8"),
        ('x 60 TXT ""', "1:1: values[0] is empty"),
        ("x..y 60 A 1.1.1.1", f"1:1: `x..y 60 A 1.1.1.1`: a name has two dots in a row{A}"),
        (f"{'x' * 64} 60 A 1.1.1.1", f"1:1: `{'x' * 60}…`: a part of a name has more than 63 characters{A}"),
        ("x.example.net. 60 A 1.1.1.1", f"1:1: the name is outside the zone contoso.com{RELATIVE}"),
        ("$ORIGIN net.\nx 60 A 1.1.1.1", f"2:1: the name is outside the zone contoso.com{RELATIVE}"),
        ("$GENERATE 1-2 x$.net. 60 A 1.1.1.1", f"1:1: the name is outside the zone contoso.com{RELATIVE}"),
        ("$INCLUDE /etc/passwd", "1:1: $INCLUDE is not followed\n    Put all into one file."),
        ("$UNICODE 2008", "1:1: there is no directive $UNICODE\n    Known are $ORIGIN, $TTL and $GENERATE."),
        ("$TTL soon\nx A 1.1.1.1", f"1:1: `$TTL soon` says no time{TIME}"),
        ("$TTL", f"1:1: `$TTL` says no time{TIME}"),
        ("$ORIGIN", "1:1: `$ORIGIN` says no domain name\n    Write one that ends with a dot: $ORIGIN"),
        ("$GENERATE 1-2 x$ A 1.1.1.$", "1:1: `$GENERATE 1-2 x$ A 1.1.1.$` has no TTL\n    Write $TTL 3600"),
        ("$GENERATE 1-2 x$ 60 A 1.$", "1:1: `$GENERATE 1-2 x$ 60 A 1.$` makes no records\n    Write it as"),
        (
            "$GENERATE 1-25001 x$ 60 A 1.1.1.1",
            "1:1: $GENERATE would make more than 25000 records\n    No zone",
        ),
        ("$GENERATE 9999999999999999999999-1 x", "1:1: `$GENERATE 9999999999999999999999-1 x` makes no"),
        ("x 60 HTTPS 1 . alpn=h2", f"1:1: records of type HTTPS can't be declared{TYPES}"),
        ("x 60 SOA a b 1 2 3 4 5", "1:1: records of type SOA can't be declared"),
        ("a.b\\.c 60 A 1.1.1.1", f"1:1: name can't be `a.b\\.c`{PLAIN_NAME}"),
        ("x 0 A 1.1.1.1", f"1:1: ttl can't be `0`{NUMBER}"),
        ("x 4294967295 A 1.1.1.1", f"1:1: ttl can't be `4294967295`{NUMBER}"),
        ("x 99999999999 A 1.1.1.1", "1:1: `x 99999999999 A 1.1.1.1`: `99999999999` is no TTL\n    Write sec"),
        (
            "x 60 A 1.1.1.1\ny 60 A 1.1.1.1\nx 61 A 1.1.1.2",
            "3:1: the A records of x have the TTLs 60 (line 1) and 61\n    The records of one name and type",
        ),
        # The rules of the records of a profile hold as well.
        ("@ 60 CNAME example.net.", "1:1: a zone itself can't have CNAME records: there are always other"),
        ("x 60 A 1.1.1.1\nx 60 CNAME y", "2:1: x in contoso.com has a CNAME record and others (A, CNAME)"),
        ("x 60 CNAME y\nx 60 CNAME z", "1:1: a CNAME record has exactly one value\n    Keep one."),
        (
            "x 60 TXT " + " ".join(["y" * 250] * 17),
            "1:1: the values have 4250 octets; at most 4096 are possible",
        ),
        (
            "".join(f"x 60 A 10.0.0.{number}\n" for number in range(21)),
            "1:1: values has 21 values; at most 20",
        ),
    ],
)
def test_a_fault(tmp_path: Path, text: str, expected: str) -> None:
    (fault,) = faults(tmp_path, text)
    assert fault.startswith(expected), fault


def test_all_faults_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "x 0 A 1.1.1.1\ny 60 A 1\nz 60 A 1.1.1.1\nnet. 60 A 1.1.1.1\n"
    assert [each.partition(":")[0] for each in faults(tmp_path, text)] == ["1", "2", "4"]


def test_lines_are_counted_through_quotes_and_parentheses(tmp_path: Path) -> None:
    text = 'w 60 TXT "a\nb"\nx 60 TXT ( ";"\n"a" )\ny 60 A 1\nz 60 TXT ( a\n\n)\nz 60 A 2\n'
    assert [each.split(":")[0] for each in faults(tmp_path, text)] == ["1", "5", "9"]


def test_one_mistake_is_not_told_a_thousand_times(tmp_path: Path) -> None:
    told = faults(tmp_path, "".join(f"x{number} A 1.1.1.1\n" for number in range(1000)))
    assert len(told) == 21
    assert told[-1] == "21:1: and 980 more like these from here on"


def test_what_is_left_out_is_told_once(tmp_path: Path) -> None:
    text = (
        "$TTL 60\n@ SOA ns1 mail 1 2 3 4 5\n NS ns1\n NS ns2\nlab NS ns1.lab\nx A 1.1.1.1\n  a 1.1.1.1\n"
        "y CNAME z\ny CNAME Z.contoso.com.\n"
    )
    read = records_of(written(tmp_path, text), "contoso.com")
    assert [(each.name, each.values) for each in read.records] == [
        ("lab", ("ns1.lab.contoso.com.",)),
        ("x", ("1.1.1.1",)),
        ("y", ("z.contoso.com.",)),
    ]
    assert [(each.line, each.message) for each in read.notes] == [
        (2, "the zone's own SOA records are left out: Azure keeps its own"),
        (3, "the zone's own NS records are left out: Azure keeps its own"),
        (7, "this A record of x is there twice"),
        (9, "this CNAME record of y is there twice"),
    ]


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="zone: No such file or directory"):
        imported(str(tmp_path / "zone"), "contoso.com")
    (tmp_path / "zone").write_bytes(b"x 60 TXT \xff\n")
    with pytest.raises(ProfileError, match="zone: it is no text in UTF-8"):
        imported(str(tmp_path / "zone"), "contoso.com")


def test_a_zone_that_can_not_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`a\.\.b` can't be a zone"):
        imported(written(tmp_path, ""), "a..b")


# In a profile.


def profile(folder: Path, zone: str, dns: str = "") -> str:
    written(folder, zone)
    file = folder / "p.yaml"
    file.write_text(
        f"extends: {BASE}\ndns:\n  zones:\n    contoso.com: {{resourceGroup: rg-dns, file: zone}}\n{dns}"
    )
    return str(file)


def test_the_records_of_a_file_stand_behind_the_profiles_own(tmp_path: Path) -> None:
    own = "  records: [{zone: contoso.com, name: own, type: A, values: [1.1.1.1]}]\n"
    loaded = load(profile(tmp_path, "x 60 A 1.1.1.2\ny 60 TXT z\n@ 60 NS a\n", own), {})
    assert [(each.name, each.ttl) for each in loaded.profile.dns.records] == [
        ("own", 3600),
        ("x", 60),
        ("y", 60),
    ]
    assert loaded.place(("dns", "records", 0)).file.endswith("p.yaml")
    assert loaded.place(("dns", "records", 2, "values", 0))[1:] == (2, 1)
    (note,) = warnings(loaded, "2026-08-01")
    assert str(note).partition("/zone:")[2].startswith("3:1: the zone's own NS records are left out")


@pytest.mark.parametrize(
    ("zone", "dns", "expected"),
    [
        ("shop 60 A 1.1.1.1", "", ["/zone:1:1: the cluster keeps the address records of the host"]),
        ("\nx 60 A 1", "", ["/zone:2:1: `x 60 A 1`: its value can't be read"]),
        (
            "x 60 A 1.1.1.1",
            "  records: [{zone: contoso.com, name: x, type: A, values: [1.1.1.2]}]\n",
            ["/zone:1:1: there is already a A record x in contoso.com"],
        ),
        (
            "x 60 CNAME y",
            "  records: [{zone: contoso.com, name: x, type: A, values: [1.1.1.2]}]\n",
            ["/zone:1:1: x in contoso.com has a CNAME record and others (A, CNAME)"],
        ),
    ],
)
def test_faults_in_a_file_of_a_profile(tmp_path: Path, zone: str, dns: str, expected: list[str]) -> None:
    with pytest.raises(ProfileError) as caught:
        load(profile(tmp_path, zone, dns), {})
    assert [
        str(each).removeprefix(str(tmp_path)).startswith(start)
        for each, start in zip(caught.value.problems, expected, strict=True)
    ] == [True] * len(expected), caught.value


def test_a_file_that_is_not_there_is_told_where_it_is_named(tmp_path: Path) -> None:
    file = profile(tmp_path, "")
    (tmp_path / "zone").unlink()
    with pytest.raises(ProfileError, match=r"p\.yaml:4:48: reading .*zone: No such file"):
        load(file, {})


def test_what_deserves_a_look_is_not_told_a_thousand_times(tmp_path: Path) -> None:
    private = "".join(f"x{number} 60 A 10.0.0.1\ny{number} 60 CNAME gone\n" for number in range(100))
    found = warnings(load(profile(tmp_path, private), {}), "2026-08-01")
    assert [each.message for each in found if each.message.startswith("and")] == [
        "and 80 more like these from here on",
        "and 80 more like these from here on",
    ]
    assert len(found) == 42


def test_rules_of_a_profile_are_not_told_a_thousand_times(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        load(profile(tmp_path, "".join(f"shop.contoso.com 60 A 10.0.0.{n}\n" for n in range(9))), {})
    assert len(caught.value.problems) == 1
    wrong = "".join(f"x{number}.contoso.com 60 A 20.0.0.1\n" for number in range(100))
    with pytest.raises(ProfileError) as caught:
        load(profile(tmp_path, wrong), {})
    assert caught.value.problems[-1].message == "and 80 more like these from here on"


def test_a_warning_points_into_the_file(tmp_path: Path) -> None:
    loaded = load(profile(tmp_path, "\nx 60 A 10.0.0.1\n"), {})
    (warning,) = warnings(loaded, "2026-08-01")
    assert (warning.line, warning.column) == (2, 1)
    assert warning.message == "the public zone contoso.com would publish the private address 10.0.0.1"


# Laws.


LABELS = st.from_regex(r"[a-z0-9_]([a-z0-9-]{0,5}[a-z0-9_])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
HOSTS = NAMES.map("{}.example.net".format)
NUMBERS = st.integers(0, 65535)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300).filter(str.strip)
TAGS = st.sampled_from(["issue", "issuewild", "iodef"])
VALUES: dict[str, st.SearchStrategy[str]] = {
    "A": st.ip_addresses(v=4).map(str),
    "AAAA": st.ip_addresses(v=6).map(str),
    "CAA": st.builds('{} {} "{}"'.format, st.integers(0, 255), TAGS, HOSTS),
    "CNAME": HOSTS,
    "MX": st.builds("{} {}".format, NUMBERS, HOSTS | st.just("mail.contoso.com")),
    "NS": HOSTS,
    "PTR": HOSTS,
    "SRV": st.builds("{} {} {} {}".format, NUMBERS, NUMBERS, NUMBERS, HOSTS),
    "TXT": TEXTS | st.sampled_from(["x" * 300, "ü" * 200, "x" * 254 + "ü" * 300]),
}


def sets(type_: str) -> st.SearchStrategy[Held]:
    most = 1 if type_ == "CNAME" else 4
    values = st.lists(VALUES[type_], min_size=1, max_size=most, unique_by=lambda text: canonical(type_, text))
    apex = st.just("@") if type_ not in ("NS", "CNAME") else st.nothing()
    return st.builds(
        Held,
        name=apex | NAMES | NAMES.map("*.{}".format),
        type=st.just(type_),
        ttl=st.integers(1, 2**31 - 1),
        values=values.map(tuple),
    )


CONTENTS = st.lists(
    st.sampled_from([*VALUES]).flatmap(sets),
    max_size=6,
    unique_by=lambda held: (held.name.lower(), held.type),
)


def spelled(type_: str, values: tuple[str, ...]) -> set[str]:
    return {str(canonical(type_, value)).lower() if type_ != "TXT" else value for value in values}


@given(contents=CONTENTS)
def test_what_is_exported_is_imported_as_it_was(
    contents: list[Held], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text, notes = zone_text("contoso.com", contents)
    read = records_of(written(tmp_path_factory.getbasetemp(), text), "contoso.com")
    assert (notes, read.notes) == ([], ())
    assert {(each.name, each.type): (each.ttl, spelled(each.type, each.values)) for each in read.records} == {
        (each.name, each.type): (each.ttl, spelled(each.type, each.values)) for each in contents
    }


@given(values=st.lists(TEXTS | st.sampled_from(["${HOME}", "$${", "a\x85b", "a\nb", "yes", "1"]), max_size=4))
def test_records_as_yaml_are_the_same_records(
    values: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    records = tuple(
        Record(zone="contoso.com", name=f"n{number}", type="TXT", ttl=60, values=(value,))
        for number, value in enumerate(values)
    )
    file = tmp_path_factory.getbasetemp() / "records.yaml"
    file.write_text(f"extends: {BASE}\n{records_yaml(records)}", encoding="utf-8")
    assert load(file, {}).profile.dns.records == records


WORDS = st.sampled_from(
    [
        *(
            "@",
            "$TTL",
            "$ORIGIN",
            "$GENERATE",
            "IN",
            "CH",
            "A",
            "MX",
            "TXT",
            "NS",
            "SOA",
            "CNAME",
            "60",
            "1h",
        ),
        *(
            "1.1.1.1",
            '"a"',
            '"',
            "(",
            ")",
            ";",
            "\\",
            "\\195",
            "\\#",
            "10",
            "x",
            "a.b",
            "h$",
            "${0,3}",
            "1-3/2",
        ),
        *("contoso.com.", "example.net.", "\n", " ", "\n ", "\t", "é", "\ufeff"),
    ]
)


@given(words=st.lists(WORDS | st.text(max_size=3), max_size=12))
def test_no_text_is_too_wrong_to_be_told(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    text = " ".join(words).replace("\r", "")
    found = read_zone_file(written(tmp_path_factory.getbasetemp(), text), "contoso.com")
    lines = text.removeprefix("\ufeff").split("\n")
    for each in found.problems:
        assert 1 <= each.line <= len(lines)
        assert 1 <= each.column <= len(lines[each.line - 1]) + 1


@given(words=st.lists(WORDS, max_size=12))
def test_entries_keep_every_word_that_is_no_comment(words: list[str]) -> None:
    text = "\n".join(word for word in words if not set(word) & set('"\\;()'))
    kept = " ".join(entry.text for entry in entries(text, "zone"))
    assert kept.split() == text.split()
