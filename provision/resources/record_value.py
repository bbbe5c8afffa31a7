"""Record values in one spelling, so that two spellings of the same value are no difference."""

from __future__ import annotations

import ipaddress
import re
import shlex

from provision.resources.values import CaseInsensitive

_STRING_OCTETS = 255


def canonical(record_type: str, text: str) -> str:
    """A value as written in a zone file → the spelling we compare. Raises ValueError when it is no value.

    Host names lose their final dot and are compared without case; IPv6 addresses are compressed;
    a CAA value is `flags tag "value"`, an MX value `preference exchange`, an SRV value
    `priority weight port target`.
    """
    match record_type:
        case "A":
            return str(ipaddress.IPv4Address(text))
        case "AAAA":
            return str(ipaddress.IPv6Address(text))
        case "CNAME" | "NS" | "PTR":
            return CaseInsensitive(_host(text))
        case "MX":
            preference, exchange = text.split()
            return CaseInsensitive(f"{int(preference)} {_host(exchange)}")
        case "SRV":
            priority, weight, port, target = text.split()
            return CaseInsensitive(f"{int(priority)} {int(weight)} {int(port)} {_host(target)}")
        case "CAA":
            flags, tag, value = shlex.split(text)
            return f'{int(flags)} {tag.lower()} "{quoted(value)}"'
        case _:
            return text


def quoted(text: str) -> str:
    """What stands between the quotes of a zone file."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def unquoted(text: str) -> str:
    """What `quoted` was made of."""
    return re.sub(r"\\(.)", r"\1", text)


def strings(text: str) -> list[str]:
    """A TXT value as the strings that a record holds: at most 255 octets each (RFC 1035, section 3.3), no
    character cut in two."""
    pieces: list[str] = []
    rest = text.encode()
    while len(rest) > _STRING_OCTETS:
        piece = rest[:_STRING_OCTETS].decode(errors="ignore")  # without a character that begins at its end
        pieces.append(piece)
        rest = rest[len(piece.encode()) :]
    return [*pieces, rest.decode()]


def _host(text: str) -> str:
    # The root itself stays: `0 .` says that a domain takes no mail (RFC 7505).
    return text.rstrip(".") or "."
