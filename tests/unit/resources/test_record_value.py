"""Record values in one spelling."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.resources.record_value import canonical, quoted, strings, unquoted


@pytest.mark.parametrize(
    ("record_type", "text", "expected"),
    [
        ("A", "20.50.1.2", "20.50.1.2"),
        ("AAAA", "2603:1020:0:0:0:0:0:1", "2603:1020::1"),
        ("AAAA", "2603:1020::ABCD", "2603:1020::abcd"),
        ("CNAME", "Status.Example.net.", "status.example.net"),
        ("NS", "ns1-01.azure-dns.com.", "NS1-01.azure-dns.com"),
        ("MX", "010  Mail.Example.net.", "10 mail.example.net"),
        ("MX", "0 .", "0 ."),
        ("PTR", "Shop.Contoso.com.", "shop.contoso.com"),
        ("SRV", "00  5 05061 Sip.Example.net.", "0 5 5061 sip.example.net"),
        ("SRV", "0 0 0 .", "0 0 0 ."),
        ("CAA", "0  ISSUE   digicert.com", '0 issue "digicert.com"'),
        ("CAA", '0 issue "ca.example; policy=ev"', '0 issue "ca.example; policy=ev"'),
        ("CAA", r'0 issue "a\"b\\c"', r'0 issue "a\"b\\c"'),
        ("TXT", "V=spf1  -all ", "V=spf1  -all "),
    ],
)
def test_one_spelling(record_type: str, text: str, expected: str) -> None:
    assert canonical(record_type, text) == expected


@pytest.mark.parametrize(
    ("record_type", "one", "other"),
    [
        ("TXT", "a", "A"),
        ("CAA", '0 issue "a"', '0 issue "A"'),
        ("MX", "1 a.b", "2 a.b"),
        ("SRV", "1 1 1 a.b", "1 1 2 a.b"),
        ("A", "1.1.1.1", "1.1.1.2"),
    ],
)
def test_what_is_not_the_same(record_type: str, one: str, other: str) -> None:
    assert canonical(record_type, one) != canonical(record_type, other)


@pytest.mark.parametrize(
    ("record_type", "text"),
    [
        ("A", "x"),
        ("A", "1.2.3"),
        ("AAAA", "1.2.3.4"),
        ("MX", "mail"),
        ("MX", "x a.b"),
        ("CAA", "0 issue"),
        ("SRV", "1 2 a.b"),
    ],
)
def test_what_is_no_value(record_type: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(record_type, text)


LABELS = st.lists(st.text("aZ0-", min_size=1, max_size=5), min_size=1, max_size=3)
HOSTS = st.builds(lambda labels, dot: ".".join(labels) + dot, LABELS, st.sampled_from(["", "."]))
# Quotes and backslashes are written escaped and kept plain: they have no second spelling to be stable in.
CAA_VALUES = st.text(st.characters(exclude_characters='"\\', codec="utf-8"), max_size=10)
VALUES = st.one_of(
    st.tuples(st.just("A"), st.integers(0, 2**32 - 1).map(lambda each: str(IPv4Address(each)))),
    st.tuples(st.just("AAAA"), st.integers(0, 2**128 - 1).map(lambda each: IPv6Address(each).exploded)),
    st.tuples(st.sampled_from(["CNAME", "NS", "PTR"]), HOSTS),
    st.tuples(st.just("SRV"), st.builds("{0} {0} {0} {1}".format, st.integers(0, 65535), HOSTS)),
    st.tuples(st.just("MX"), st.builds("{} {}".format, st.integers(0, 65535), HOSTS)),
    st.tuples(st.just("CAA"), st.builds('{} Issue "{}"'.format, st.integers(0, 255), CAA_VALUES)),
    st.tuples(st.just("TXT"), st.text(max_size=10)),
)


@given(VALUES)
def test_the_one_spelling_stays(case: tuple[str, str]) -> None:
    record_type, text = case
    once = canonical(record_type, text)
    assert str(canonical(record_type, once)) == str(once)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("x" * 255, [255]),
        ("x" * 256, [255, 1]),
        ("x" * 600, [255, 255, 90]),
        ("ü" * 127 + "x", [255]),
        ("ü" * 128, [254, 2]),
        ("x" + "ü" * 128, [255, 2]),
        ("€" * 86, [255, 3]),
        ("😀" * 64, [252, 4]),
        ("", [0]),
    ],
)
def test_a_text_is_cut_by_octets_and_never_inside_a_character(text: str, octets: list[int]) -> None:
    """RFC 1035, section 3.3: a character-string has at most 255 octets."""
    pieces = strings(text)
    assert [len(piece.encode()) for piece in pieces] == octets
    assert "".join(pieces) == text


@given(st.text())
def test_what_is_quoted_is_the_same_unquoted(text: str) -> None:
    assert unquoted(quoted(text)) == text
    assert '"' not in quoted(text).replace("\\\\", "").replace('\\"', "")
