"""Resolvers and proxies from the environment."""

from __future__ import annotations

import pytest

from provision.errors import UsageError
from provision.providers.network.reach import Reach


def test_nothing_set() -> None:
    assert Reach.from_environment({}) == Reach()


def test_everything_set() -> None:
    variables = {
        "PROVISION_RESOLVER": "127.0.0.1:5353",
        "PROVISION_PARENT_RESOLVER": "[::1]:53",
        "https_proxy": "http://proxy:8080",
        "NO_PROXY": "localhost, 10.0.0.0/8,",
    }
    found = Reach.from_environment(variables)
    assert found == Reach(("127.0.0.1", 5353), ("::1", 53), "http://proxy:8080", ("localhost", "10.0.0.0/8"))


@pytest.mark.parametrize("text", ["127.0.0.1", "dns.example:53", "127.0.0.1:x", ":53"])
def test_no_endpoint(text: str) -> None:
    with pytest.raises(UsageError, match=f"^reading PROVISION_RESOLVER: {text} is no ip:port"):
        Reach.from_environment({"PROVISION_RESOLVER": text})


@pytest.mark.parametrize(
    ("pattern", "address", "direct"),
    [
        ("*", "20.1.2.3", True),
        ("10.0.0.0/8", "10.9.9.9", True),
        ("10.0.0.0/8", "20.1.2.3", False),
        ("10.0.0.0/8", "x.net", False),
        ("20.1.2.3", "20.1.2.3", True),
        ("10.1.2.3/8", "10.0.0.1", True),
        ("azure.com", "x.alb.Azure.com", True),
        (".azure.com", "x.azure.com", True),
        ("azure.com", "notazure.com", False),
    ],
)
def test_what_needs_no_proxy(pattern: str, address: str, direct: bool) -> None:
    reach = Reach(proxy="http://proxy", no_proxy=("example.org", pattern))
    assert reach.proxy_for(address) == (None if direct else "http://proxy")
