"""What is refused soon after the caller was given a role is tried again; what was never given is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any

import pytest

from providers.bench import PREFIX, SUBSCRIPTION, Bench, paged, refusal
from provision.apply.handler import Reading, Searching, Work
from provision.errors import AccessDeniedError, ConflictError, ProvisionError, ServiceError
from provision.plan.change import FieldChange
from provision.providers.azure import patience
from provision.providers.azure.host_records import HostRecords
from provision.providers.azure.patience import patient
from provision.providers.azure.role_assignments import RoleAssignments
from provision.resources.dns import DnsZone, HostRecord
from provision.resources.identity import RoleAssignment
from provision.resources.observed import Present

ZONE = DnsZone(name="contoso.com", id=f"{PREFIX}/Microsoft.Network/dnsZones/contoso.com")
CALLER = "55555555-5555-5555-5555-555555555555"
ACTION = "Microsoft.Network/dnsZones/write"
MADE = Present(outputs={"id": ZONE.id})
DENIED = AccessDeniedError("creating", "no", action=ACTION, scope=ZONE.id, principal=CALLER)


NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time does not go on, however slow the machine is."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Stopped:
            return cls.fromtimestamp(NOW.timestamp(), tz)

    monkeypatch.setattr(patience, "datetime", Stopped)


class Refusing:
    """A handler that refuses some times before it does what it is told."""

    def __init__(self, *errors: ProvisionError) -> None:
        self.errors = list(errors)
        self.done = 0

    async def read(self, resources: Sequence[Any], profile: str) -> Reading:
        raise self.errors[0]

    async def create(self, resource: Any, work: Work) -> Present:
        if self.errors:
            raise self.errors.pop(0)
        self.done += 1
        return MADE

    async def update(
        self, resource: Any, observed: Present, fields: Sequence[FieldChange], work: Work
    ) -> Present:
        return await self.create(resource, work)

    async def delete(self, resource: Any, observed: Present, work: Work) -> None:
        await self.create(resource, work)


def given(
    bench: Bench, seconds_ago: float, scope: str = ZONE.id, *, actions: tuple[str, ...] = ("*",)
) -> None:
    """The caller was given a role with these actions."""
    definition = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/r"
    created = NOW - timedelta(seconds=seconds_ago)
    assignment = SimpleNamespace(scope=scope, created_on=created, role_definition_id=definition)
    bench.roles.list_for_scope.return_value = paged(assignment)
    permission = SimpleNamespace(
        actions=list(actions), not_actions=["*/delete"], data_actions=None, not_data_actions=None
    )
    found = SimpleNamespace(role_name="DNS Zone Contributor", permissions=[permission])
    bench.definitions.get_by_id.return_value = found


async def test_a_right_given_a_moment_ago_is_waited_for_and_told(bench: Bench) -> None:
    given(bench, 40)
    handler = Refusing(DENIED, DENIED)
    assert await patient(handler, bench.clients).create(ZONE, bench.work()) == MADE
    assert bench.waits() == [2.0, 4.0]
    assert bench.told == [
        f"not allowed to do {ACTION} yet: the caller was given role DNS Zone Contributor at {ZONE.id}"
        f" {age} s ago, and that takes up to 600 s; trying again in {wait} s"
        for age, wait in ((40, 2), (42, 4))
    ]
    bench.roles.list_for_scope.assert_called_once_with(ZONE.id, filter=f"assignedTo('{CALLER}')")


@pytest.mark.parametrize("change", ["update", "delete"])
async def test_every_change_is_waited_for(bench: Bench, change: str) -> None:
    given(bench, 0, scope=f"/subscriptions/{SUBSCRIPTION}")
    handler = Refusing(DENIED)
    wrapped = patient(handler, bench.clients)
    if change == "update":
        await wrapped.update(ZONE, MADE, [], bench.work())
    else:
        await wrapped.delete(ZONE, MADE, bench.work())
    assert handler.done == 1


async def test_the_wait_ends_ten_minutes_after_the_role_was_given(bench: Bench) -> None:
    given(bench, 500)
    handler = Refusing(*[DENIED] * 50)
    with pytest.raises(AccessDeniedError):
        await patient(handler, bench.clients).create(ZONE, bench.work())
    assert 100 <= sum(bench.waits()) < 100 + 31


async def test_without_a_recent_role_a_refusal_is_a_refusal(bench: Bench) -> None:
    for seconds_ago, scope, actions in (
        (601.0, ZONE.id, ("*",)),
        (5.0, f"{ZONE.id}/A/www", ("*",)),
        (5.0, ZONE.id, ("*/read",)),
        (5.0, ZONE.id, ()),
    ):
        given(bench, seconds_ago, scope, actions=actions)
        with pytest.raises(AccessDeniedError):
            await patient(Refusing(DENIED), bench.clients).create(ZONE, bench.work())
    assert bench.waits() == []


async def test_what_a_role_leaves_out_is_not_waited_for(bench: Bench) -> None:
    given(bench, 5)
    leaves_out = AccessDeniedError(
        "deleting", "no", action="Microsoft.Network/dnsZones/delete", scope=ZONE.id, principal=CALLER
    )
    with pytest.raises(AccessDeniedError):
        await patient(Refusing(leaves_out), bench.clients).delete(ZONE, MADE, bench.work())
    assert bench.waits() == []


async def test_a_role_that_may_not_be_read_may_have_the_right(bench: Bench) -> None:
    given(bench, 5)
    bench.definitions.get_by_id.side_effect = refusal(403, "AuthorizationFailed")
    await patient(Refusing(DENIED), bench.clients).create(ZONE, bench.work())
    assert bench.waits() == [2.0]
    assert f"the caller was given a role at {ZONE.id} 5 s ago, and that takes up to 120 s" in bench.told[0]


async def test_a_role_that_may_not_be_read_is_not_waited_for_as_long(bench: Bench) -> None:
    given(bench, 60)
    bench.definitions.get_by_id.side_effect = refusal(403, "AuthorizationFailed")
    with pytest.raises(AccessDeniedError):
        await patient(Refusing(*[DENIED] * 50), bench.clients).create(ZONE, bench.work())
    assert 60 <= sum(bench.waits()) < 60 + 31


async def test_who_may_not_see_roles_does_not_wait(bench: Bench) -> None:
    bench.roles.list_for_scope.return_value = paged(refusal(403, "AuthorizationFailed"))
    with pytest.raises(AccessDeniedError):
        await patient(Refusing(DENIED), bench.clients).create(ZONE, bench.work())
    assert bench.waits() == []


async def test_another_error_is_not_waited_for(bench: Bench) -> None:
    with pytest.raises(ConflictError):
        await patient(Refusing(ConflictError("creating", "busy")), bench.clients).create(ZONE, bench.work())
    bench.roles.list_for_scope.assert_not_called()


async def test_reads_are_not_waited_for(bench: Bench) -> None:
    with pytest.raises(AccessDeniedError):
        await patient(Refusing(DENIED), bench.clients).read([ZONE], "prod")
    assert bench.waits() == []


def test_a_handler_still_searches_if_it_did(bench: Bench) -> None:
    assert isinstance(patient(RoleAssignments(bench.clients), bench.clients), Searching)
    assert not isinstance(patient(HostRecords(bench.clients), bench.clients), Searching)


@pytest.mark.parametrize(("assigned", "seconds"), [(False, 420), (True, 1020)])
async def test_a_record_is_given_the_time_that_its_writers_role_may_take(
    bench: Bench, assigned: bool, seconds: float
) -> None:
    bench.clients.assigned_roles = assigned
    bench.public_records.get.side_effect = refusal(404, "NotFound", bare=True)
    record = HostRecord(
        name="contoso.com/www", zone_id=ZONE.id, visibility="public", record_name="www", target="20.1.2.3"
    )
    with pytest.raises(ServiceError, match=f"after {seconds} s"):
        await HostRecords(bench.clients).create(record, bench.work())
    assert sum(bench.waits()) == seconds


async def test_a_run_knows_that_it_has_assigned_a_role(bench: Bench) -> None:
    role = RoleAssignment(name="z/r/w", scope=ZONE.id, role_id="r", role_name="R", principal_id=CALLER)
    made = SimpleNamespace(id="a", description=None, updated_by=None)
    bench.roles.create.side_effect = [refusal(403, "AuthorizationFailed"), made]
    with pytest.raises(AccessDeniedError):
        await RoleAssignments(bench.clients).create(role, bench.work())
    assert bench.clients.assigned_roles is False
    await RoleAssignments(bench.clients).create(role, bench.work())
    assert bench.clients.assigned_roles is True
