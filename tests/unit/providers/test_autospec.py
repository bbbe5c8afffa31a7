"""That a mocked SDK client takes what the SDK's takes and nothing else."""

from __future__ import annotations

import pytest
from azure.mgmt.dns.aio.operations import ZonesOperations

from providers.autospec import autospec


async def test_it_has_the_methods_of_its_class_and_no_others() -> None:
    zones = autospec(ZonesOperations)
    zones.get.return_value = "a zone"
    assert await zones.get("rg", "contoso.com") == "a zone"
    zones.list.return_value = ["a zone"]
    assert zones.list(top=1) == ["a zone"]
    assert [call[0] for call in zones.method_calls] == ["get", "list"]
    with pytest.raises(AttributeError):
        _ = zones.fetch


def test_a_call_must_fit_the_signature() -> None:
    zones = autospec(ZonesOperations)
    with pytest.raises(TypeError, match="zone_name"):
        zones.get("rg")
    with pytest.raises(TypeError, match="too many positional"):
        zones.get("rg", "contoso.com", "one more")
    zones.get.assert_not_called()
