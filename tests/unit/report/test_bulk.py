"""Plans and applies of thousands of record sets, as a reader sees them."""

from __future__ import annotations

import io
from typing import Any

from provision.apply.events import Finished, Outcome, Progress, Started, Status
from provision.errors import ServiceError
from provision.plan.change import Action, Change
from provision.plan.plan import Plan
from provision.report.live import LiveDisplay, display_for
from provision.report.plans import plan_text
from provision.report.style import Style
from provision.resources.dns import DnsZone, RecordSet
from provision.resources.observed import Absent
from provision.resources.ref import Ref

ZONE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones"


def change(number: int, action: Action = Action.CREATE, zone: str = "contoso.com", **says: Any) -> Change:
    record = RecordSet(
        **{
            "name": f"{zone}/A/h{number}",
            "zone_id": f"{ZONE}/{zone}",
            "visibility": "public",
            "record_type": "A",
            "record_name": f"h{number}",
            "ttl": 300,
            "values": frozenset({f"20.0.0.{number % 256}", "20.0.1.0"}),
            **says,
        }
    )
    return Change(record, Absent(), action, reason="does not exist" if action is Action.CREATE else "ours")


def other(name: str) -> Change:
    return Change(DnsZone(name=name, id=f"{ZONE}/{name}"), Absent(), Action.CREATE, reason="does not exist")


def text(*changes: Change) -> list[str]:
    return plan_text(Plan("shop", changes), "here", Style()).splitlines()


def test_many_record_sets_are_a_line_each() -> None:
    alias = f"{ZONE}/contoso.com/A/h1".replace("dnsZones", "publicIPAddresses")
    below = Ref("dns_zone/x.contoso.com", "nameServers")
    lines = text(
        other("a.example"),
        *(change(number) for number in range(300)),
        change(300, values=frozenset(), target=alias, record_name="@"),
        change(301, values=below, record_type="NS", record_name="a-long-name", delegation=True),
        other("b.example"),
    )
    assert lines[2:5] == [
        "+ dns_zone/a.example  does not exist",
        "",
        "+ 302 record sets of contoso.com  do not exist",
    ]
    assert lines[5] == "    h0           300  A   20.0.0.0, 20.0.1.0"
    assert lines[305] == "    @            300  A   alias of h1"
    assert lines[306] == "    a-long-name       NS  (known after dns_zone/x.contoso.com)"
    assert lines[307:] == ["", "+ dns_zone/b.example  does not exist", "", "304 to create."]


def test_few_record_sets_are_shown_in_full() -> None:
    lines = text(*(change(number) for number in range(20)))
    assert "+ record_set/contoso.com/A/h0  does not exist" in lines


def test_each_zone_and_what_is_done_to_it_stand_by_themselves() -> None:
    lines = text(
        *(change(number) for number in range(30)),
        *(change(number, Action.DELETE) for number in range(30, 60)),
        *(change(number, zone="other.example") for number in range(30)),
        change(99, Action.UPDATE),
    )
    assert [line for line in lines if line.startswith(("+", "-", "~"))] == [
        "+ 30 record sets of contoso.com  do not exist",
        "- 30 record sets of contoso.com  ours",
        "+ 30 record sets of other.example  do not exist",
        "~ record_set/contoso.com/A/h99  ours",
    ]


FAILED = Outcome(change(7), Status.FAILED, error=ServiceError("creating it", "no", ""))


def test_the_log_of_many_is_a_line_for_each_that_ended() -> None:
    stream = io.StringIO()
    with display_for(stream, Style(), live=False, total=101) as display:
        for event in (
            Started(change(1)),
            Finished(Outcome(change(1), Status.CREATED)),
            Started(other("a.example")),
            Finished(FAILED),
        ):
            display(event)
    assert stream.getvalue().splitlines() == [
        "created   record_set/contoso.com/A/h1",
        "creating dns_zone/a.example",
        "failed    record_set/contoso.com/A/h7",
    ]


def test_a_terminal_shows_some_that_run_and_how_many_ended() -> None:
    stream = io.StringIO()
    with display_for(stream, Style(), live=True, total=101) as display:
        assert isinstance(display, LiveDisplay)
        for number in range(32):
            display(Started(change(number)))
        display(Progress(change(0), "waiting"))
        display(Finished(Outcome(change(1), Status.CREATED)))
        display(Finished(FAILED))
        display(Finished(Outcome(other("a.example"), Status.CREATED)))
        lines = str(display._render()).splitlines()
    assert len(lines) == 12
    assert lines[0] == "  creating record_set/contoso.com/A/h0  0:00  waiting"
    assert lines[10:] == ["  and 20 more", "  3 of 101 done, 1 failed"]
    kept = [line.strip() for line in stream.getvalue().splitlines()]
    assert "created   dns_zone/a.example" in kept
    assert "failed    record_set/contoso.com/A/h7" in kept
    assert not any(line.startswith("created   record_set/") for line in kept)
