"""How names are resolved and addresses dialled from here."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from provision.errors import UsageError

Endpoint = tuple[str, int]
"""IP address and port."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Ways out of this machine.

    `resolver` stands in for the system's resolvers; with `parent_resolver` beside it, which answers as the
    name servers above a zone, both are taken for authoritative (the sandbox has such a pair). `proxy` is
    the URL of an HTTP proxy that addresses are dialled through, but for those in `no_proxy`.
    """

    resolver: Endpoint | None = None
    parent_resolver: Endpoint | None = None
    proxy: str | None = None
    no_proxy: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Reach:
        """PROVISION_RESOLVER, PROVISION_PARENT_RESOLVER (`ip:port`), HTTPS_PROXY and NO_PROXY.

        Raises UsageError for a resolver that is no such pair.
        """
        proxy = environment.get("HTTPS_PROXY") or environment.get("https_proxy")
        excluded = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
        return cls(
            _endpoint("PROVISION_RESOLVER", environment),
            _endpoint("PROVISION_PARENT_RESOLVER", environment),
            proxy or None,
            tuple(part.strip() for part in excluded.split(",") if part.strip()),
        )

    def proxy_for(self, address: str) -> str | None:
        """The proxy for an address, None when it is dialled directly."""
        return None if any(_matches(address, pattern) for pattern in self.no_proxy) else self.proxy


def _endpoint(variable: str, environment: Mapping[str, str]) -> Endpoint | None:
    text = environment.get(variable)
    if not text:
        return None
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    try:
        return str(ipaddress.ip_address(host)), int(port)
    except ValueError:
        raise UsageError(f"reading {variable}", f"{text} is no ip:port", "Such as 127.0.0.1:53.") from None


def _matches(address: str, pattern: str) -> bool:
    """As curl and Go read NO_PROXY: `*`, an address, a CIDR block, or the end of a name."""
    if pattern == "*":
        return True
    try:
        network = ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        name = pattern.lstrip(".").casefold()
        return address.casefold() == name or address.casefold().endswith(f".{name}")
    try:
        return ipaddress.ip_address(address) in network
    except ValueError:
        return False
