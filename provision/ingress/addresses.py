"""IP addresses in profiles."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The IP address that `text` is, if it is one."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_private(address: IPv4Address | IPv6Address) -> bool:
    """RFC 1918, RFC 6598 (carrier-grade NAT) and RFC 4193: the ranges of virtual networks."""
    ranges = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
    return any(address in ip_network(each) for each in ranges)
