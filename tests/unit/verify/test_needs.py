"""The plan's part of a host's chain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provision.errors import ServiceError
from provision.plan.change import FieldChange
from provision.profile.model import Ignore
from provision.resources.managed_cluster import SECRET_ROTATION
from provision.resources.observed import Present
from provision.resources.ref import Ref
from provision.resources.resource import Condition
from provision.resources.vault import KeyVault
from provision.verify.links import Link, Status
from provision.verify.needs import named, needs

from . import world
from .world import CLUSTER, FILE, PROFILE, ROLE, absent, planned, unread

ROTATION_OFF = {CLUSTER.address: Present({SECRET_ROTATION: "false"}, owner=PROFILE)}


def one(**changes: object) -> Link:
    """The only link that does not hold."""
    made = planned(**changes)  # type: ignore[arg-type]
    links = [link for link in needs(world.CHAIN.needs, made) if link.status is not Status.OK]
    assert len(links) == 1
    return links[0]


def test_all_in_sync() -> None:
    links = needs(world.CHAIN.needs, planned())
    assert [link.subject for link in links] == [named(address) for address in world.CHAIN.needs]
    assert {link.status for link in links} == {Status.OK}


def test_missing() -> None:
    link = one(observed=absent(ROLE))
    assert link.subject == "role assignment kv-prod/key-vault-secrets-user/id-ingress-prod"
    assert (link.status, link.detail) == (Status.BROKEN, "missing")
    assert (link.fix, link.command) == ("Apply the profile:", f"provision apply {FILE}")


def test_different() -> None:
    link = one(observed=ROTATION_OFF)
    assert (link.subject, link.status) == ("managed cluster aks-prod", Status.BROKEN)
    assert link.fields == (FieldChange(SECRET_ROTATION, "false", "true"),)
    assert link.command == f"provision apply {FILE}"


def test_unread_is_never_green() -> None:
    link = one(observed=unread(world.FRONT))
    assert (link.status, link.detail) == (Status.NOT_CHECKED, "reading it: no answer\nTry again.")


def test_left_to_another_team() -> None:
    theirs = replace(ROLE, managed=False)
    resources = [theirs if resource is ROLE else resource for resource in world.RESOURCES]
    link = one(observed=absent(ROLE), resources=resources)
    assert (link.status, link.detail) == (Status.BROKEN, "missing")
    assert link.command.startswith("az role assignment create ")


def test_not_ours() -> None:
    link = one(observed={world.ROUTE.address: Present({"spec.hostnames": ("x",)}, owner="other")})
    assert (link.status, link.detail) == (Status.BROKEN, "belongs to profile other")
    assert "--adopt" in link.fix
    assert [field.path for field in link.fields] == ["spec.hostnames"]


@pytest.mark.parametrize(
    ("path", "status"), [(SECRET_ROTATION, Status.WARNING), ("tags.*", Status.BROKEN), ("*", Status.WARNING)]
)
def test_ignored_by_the_profile(path: str, status: Status) -> None:
    ignore = Ignore(resource="managed_cluster/*", path=path, reason="on purpose")
    link = one(observed=ROTATION_OFF, ignores=(ignore,))
    assert link.status is status
    assert ("on purpose" in link.detail) == (status is Status.WARNING)


def test_refused_as_a_whole() -> None:
    error = ServiceError("checking aks-prod", "the mesh is on", "Switch it off.")
    link = one(refused=(error,))
    assert (link.subject, link.status, link.detail) == (
        "checking aks-prod",
        Status.BROKEN,
        "the mesh is on",
    )


VAULT = KeyVault(name="kv-prod", id="/vault")
CONDITIONAL = ROLE.conditional(Condition(Ref(VAULT.address, "authorization"), "rbac"))


@pytest.mark.parametrize(
    ("vault", "expected"),
    [
        ({VAULT.address: Present(outputs={"authorization": "rbac"})}, [Status.OK]),
        ({VAULT.address: Present(outputs={"authorization": "access-policy"})}, []),
        (absent(VAULT), [Status.NOT_CHECKED]),
    ],
)
def test_wanted_under_a_condition(vault: dict[str, Present], expected: list[Status]) -> None:
    made = planned(vault, (VAULT, CONDITIONAL))
    assert [link.status for link in needs([CONDITIONAL.address], made)] == expected


def test_left_out_by_the_profile() -> None:
    (link,) = needs(["kubernetes/Gateway/a/b"], planned())
    assert (link.subject, link.status) == ("kubernetes Gateway/a/b", Status.NOT_CHECKED)
