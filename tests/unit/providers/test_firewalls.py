"""403 of a vault's firewall."""

from __future__ import annotations

import json

import pytest

from providers.bench import raised
from provision.errors import AccessDeniedError, UnreachableError
from provision.providers.azure.errors import translating

_CALLER = "Caller: appid=1;oid=2;iss=3\r\nVault: kv-prod;location=westeurope"


def told(inner: str, message: str) -> Exception:
    body = {"error": {"code": "Forbidden", "message": message, "innererror": {"code": inner}}}
    with pytest.raises((UnreachableError, AccessDeniedError)) as caught, translating("reading x"):
        raise raised(403, json.dumps(body))
    return caught.value


@pytest.mark.parametrize("address", ["20.1.2.3", "2001:db8::1"])
def test_the_firewall_names_the_address_to_let_in(address: str) -> None:
    message = (
        "Client address is not authorized and caller is not a trusted service.\r\n"
        f"Client address: {address}\r\n{_CALLER}"
    )
    error = told("ForbiddenByFirewall", message)
    assert isinstance(error, UnreachableError)
    assert error.why == f"the firewall of vault kv-prod does not let this machine in (address {address})"
    assert error.command == f"az keyvault network-rule add --name kv-prod --ip-address {address}"


def test_a_firewall_that_tells_nothing_more() -> None:
    error = told("ForbiddenByFirewall", "No.")
    assert isinstance(error, UnreachableError)
    assert error.command == "az keyvault network-rule add --name VAULT --ip-address ADDRESS"


def test_no_public_network() -> None:
    error = told("ForbiddenByConnection", f"Public network access is disabled and …\r\n{_CALLER}")
    assert isinstance(error, UnreachableError)
    assert error.why == "vault kv-prod takes no connections from the public network"
    assert "private endpoint" in error.fix


def test_firewalls_that_have_no_code_of_their_own() -> None:
    message = f"Client address is not authorized and caller is not …\r\nClient address: 20.1.2.3\r\n{_CALLER}"
    assert isinstance(told("AccessDenied", message), UnreachableError)
    assert isinstance(told("AccessDenied", "Public network access is disabled and …"), UnreachableError)


def test_a_missing_right_is_another_matter() -> None:
    assert isinstance(told("ForbiddenByRbac", f"Caller is not authorized.\r\n{_CALLER}"), AccessDeniedError)
