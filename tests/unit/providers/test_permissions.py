"""Every kind that has a handler says what it costs, and a built-in role is known for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.bench import Bench
from provision.ingress import desired
from provision.ingress.load import load
from provision.ingress.roles import smallest
from provision.plan.custom_roles import PURPOSES, needs
from provision.plan.permission import World
from provision.plan.permissions import TABLE
from provision.providers.handlers import all_handlers
from provision.sandbox import rbac

PROFILES = Path(__file__).parents[3] / "profiles"
VARIABLES = {
    "AZURE_TENANT_ID": "22222222-2222-2222-2222-222222222222",
    "AZURE_SUBSCRIPTION_ID": "11111111-1111-1111-1111-111111111111",
}


def test_the_table_has_every_kind(bench: Bench) -> None:
    assert set(TABLE) == set(all_handlers(bench.clients))


@pytest.mark.parametrize("profile", ["prod", "nginx", "private", "dev"])
def test_the_role_that_an_error_proposes_has_the_right(profile: str) -> None:
    graph = desired.graph(load(str(PROFILES / f"{profile}.yaml"), VARIABLES).profile)
    for need in needs(World(graph, lambda ref: ref), PURPOSES):
        permission = need.permission
        role = smallest(permission.action)
        assert role is not None, permission
        [granted] = rbac.built_in()[role.id]["properties"]["permissions"]
        assert rbac._grants(granted, permission.action, data=permission.data), (role.name, permission)
        assert rbac.built_in()[role.id]["properties"]["roleName"] == role.name
