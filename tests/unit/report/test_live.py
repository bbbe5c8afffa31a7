"""What is told while changes run, and when there is colour."""

from __future__ import annotations

import io

import pytest

from provision.apply.events import Event, Finished, Outcome, Progress, Started, Status
from provision.report.live import LiveDisplay, PlainDisplay, display_for
from provision.report.style import Style, style_for

from . import examples
from .golden import check

EVENTS: list[Event] = [
    Started(examples.CREATED),
    Started(examples.UPDATED),
    Finished(Outcome(examples.CREATED, Status.CREATED, 1.24)),
    Started(examples.REPLACED),
    Progress(examples.UPDATED, "cluster is Updating, waiting for that operation to end"),
    Started(examples.DELETED),
    Finished(Outcome(examples.SAME, Status.UNCHANGED)),
    Finished(Outcome(examples.DELETED, Status.DELETED)),
    Finished(Outcome(examples.REPLACED, Status.FAILED, 3.0, error=examples.FAILURE)),
    Finished(Outcome(examples.WITH_REF, Status.SKIPPED, reason="x failed")),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines() -> None:
    stream = io.StringIO()
    with display_for(stream, Style(), live=False) as display:
        assert isinstance(display, PlainDisplay)
        for event in EVENTS:
            display(event)
    check("live.txt", stream.getvalue())


def test_a_live_display_keeps_what_ended_and_shows_what_runs() -> None:
    stream = io.StringIO()
    with display_for(stream, Style(), live=True) as display:
        assert isinstance(display, LiveDisplay)
        for event in EVENTS:
            display(event)
        (running,) = str(display._render()).splitlines()
    assert running.startswith("  updating managed_cluster/aks  0:0")
    assert running.endswith("  cluster is Updating, waiting for that operation to end")
    lines = [line.strip() for line in stream.getvalue().splitlines()]
    for ended in (
        "created   dns_zone/contoso.com (1.2 s)",
        "deleted   record_set/contoso.com/A/old",
        "failed    virtual_network_link/corp.contoso.com/hub (3.0 s)",
    ):
        assert ended in lines
    assert not any("unchanged" in line or "skipped" in line for line in lines)


def test_progress_of_what_does_not_run_is_let_be() -> None:
    with LiveDisplay(io.StringIO(), Style()) as display:
        display(Progress(examples.UPDATED, "late"))
        assert str(display._render()) == ""


@pytest.mark.parametrize(
    ("stream", "environment", "colour"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {"TERM": "xterm"}, True),
        (io.StringIO(), {}, False),
    ],
)
def test_colour(stream: io.StringIO, environment: dict[str, str], colour: bool) -> None:
    """NO_COLOR counts when it is set and not empty (https://no-color.org)."""
    style = style_for(stream, environment)
    assert style.colour is colour
    assert style("red", "x") == ("\x1b[31mx\x1b[0m" if colour else "x")
