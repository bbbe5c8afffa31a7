"""What is wrong with an entry of a zone file, in words that say what to write instead.

dnspython names a fault by where its parser stood (`expected EOL or EOF, got 3 "y"`, `Text input is
malformed.`). The words are those of dnspython 2.7 and 2.8; one that is not known here is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

EXAMPLES: Mapping[str, str] = {
    "A": "www 3600 IN A 20.50.1.2",
    "AAAA": "www 3600 IN AAAA 2603:1020::1",
    "CAA": '@ 3600 IN CAA 0 issue "digicert.com"',
    "CNAME": "status 3600 IN CNAME status.example.net.",
    "MX": "@ 3600 IN MX 10 mail.example.net.",
    "NS": "lab 3600 IN NS ns1.example.net.",
    "PTR": "4 3600 IN PTR host.example.net.",
    "SRV": "_sip._tcp 3600 IN SRV 0 5 5061 sip.example.net.",
    "TXT": '@ 3600 IN TXT "v=spf1 -all"',
}
"""A line of a zone file for each type of record that a profile can have."""

_SHOWN = 60
_WORD = re.compile(r'"(?:\\.|[^"\\])*"|[^\s()]+', re.DOTALL)
_PIECES = 'Write it in pieces: "…" "…".'
_ANY = f"A line reads `{EXAMPLES['A']}`."

_Explained = tuple[str, str]


def explained(text: str, said: str) -> _Explained:
    """Message and hint for an entry that could not be read; `said` are dnspython's words."""
    line = text.strip().partition("\n")[0]
    shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
    words = _WORD.findall(text)
    first = words[0].upper() if words else ""
    if first.startswith("$"):
        return _directive(shown, first, said)
    if _open_parentheses(text):
        return f"`{shown}`: a parenthesis is not closed", "Close it after the last value."
    for pattern, make in _RECORDS.items():
        if match := re.search(pattern, said):
            message, hint = make(match)
            return f"`{shown}`: {message}", hint or _example(words)
    return f"`{shown}` is no record: {said}", _example(words)


def _directive(shown: str, name: str, said: str) -> _Explained:
    if name == "$TTL":
        return f"`{shown}` says no time", "Write seconds, or a time such as 1h or 1d12h: $TTL 3600."
    if name == "$ORIGIN":
        return f"`{shown}` says no domain name", "Write one that ends with a dot: $ORIGIN contoso.com."
    if name == "$GENERATE":
        if "default TTL" in said:
            return f"`{shown}` has no TTL", "Write $TTL 3600 above it, or: $GENERATE 1-9 h$ 3600 A 10.0.0.$"
        return f"`{shown}` makes no records", "Write it as $GENERATE 1-9 host$ 3600 A 10.0.0.$, for a line."
    return f"there is no directive {name}", "Known are $ORIGIN, $TTL and $GENERATE."


def _open_parentheses(text: str) -> bool:
    bare = re.sub(r'\\.|"(?:\\.|[^"\\])*"', "", text, flags=re.DOTALL)
    return bare.count("(") > bare.count(")")


def _no_type(match: re.Match[str]) -> _Explained:
    word = match[1]
    if word.isdigit():
        return f"`{word}` is no TTL", "Write seconds, at most 2147483647, or a time such as 1h."
    return f"there is no record type {word}", f"{_ANY} What begins with a blank continues the name above it."


def _rest(match: re.Match[str]) -> _Explained:
    return f"`{match[1]}` is too much", ""


_RECORDS: Mapping[str, Callable[[re.Match[str]], _Explained]] = {
    "default TTL": lambda _: ("it has no TTL", "Write $TTL 3600 at the top, or a TTL in each record."),
    "unknown rdatatype '(.*)'": _no_type,
    "class is not": lambda _: ("only records of class IN can be declared", "Write IN, or no class."),
    "newline in quoted": lambda _: ("a quoted text does not end", 'Close it with " on its line.'),
    "string too long": lambda _: ("a text has more than 255 octets", _PIECES),
    "label is > 63|label is too long": lambda _: ("a part of a name has more than 63 characters", ""),
    "label is empty": lambda _: ("a name has two dots in a row", ""),
    "name is > 255|DNS name is too long": lambda _: ("a name has more than 255 octets", ""),
    'expected EOL or EOF, got \\d+ "(.*)"': _rest,
    "unexpected end|expecting an? (?:identifier|string)|end of input": lambda _: ("its value is missing", ""),
    "expecting an integer": lambda _: ("a number is missing in its value", ""),
    "malformed|caught exception": lambda _: ("its value can't be read", ""),
}
"""By dnspython's words: the message, and the hint where it is not an example of the type."""


def _example(words: list[str]) -> str:
    for word in words[1:] or words:
        if word.upper() in EXAMPLES:
            return f"Such a line reads `{EXAMPLES[word.upper()]}`."
    return _ANY
