"""What can't be changed at all stands in the way of the plan."""

from __future__ import annotations

import pytest

from provision.errors import UnsafePlanError
from provision.plan.change import Action
from provision.plan.plan import Observation, plan
from provision.resources.graph import ResourceGraph
from provision.resources.observed import Present
from provision.resources.vault import KeyVault

VAULT = KeyVault(name="kv", id="/kv", create=True, location="westeurope", soft_delete_days=30)


@pytest.mark.parametrize("owner", ["shop", None])
@pytest.mark.parametrize("adopt", [True, False])
def test_a_fixed_property_blocks_whoever_owns_it(owner: str | None, adopt: bool) -> None:
    observed = Present({**VAULT.properties(), "softDeleteDays": 90, "sku": "premium"}, {}, owner)
    world = Observation({VAULT.address: observed})
    (change,) = plan("shop", ResourceGraph([VAULT]), world, adopt=adopt).changes
    assert isinstance(change.blocked, UnsafePlanError)
    assert "softDeleteDays can't be changed" in str(change.blocked)
    assert [field.path for field in change.fields] == ["sku", "softDeleteDays"]


def test_the_rest_can_be_changed() -> None:
    world = Observation({VAULT.address: Present({**VAULT.properties(), "sku": "premium"}, {}, "shop")})
    (change,) = plan("shop", ResourceGraph([VAULT]), world).changes
    assert (change.action, change.blocked) == (Action.UPDATE, None)
