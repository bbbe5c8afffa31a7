"""What is happening, while it happens: a live line a running change on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from provision.apply.events import Event, Finished, Progress, Started, Status
from provision.plan.change import Action
from provision.report.outcomes import outcome_line
from provision.report.style import Style
from provision.resources.dns import RecordSet

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

_MANY = 100
"""Changes of a plan, from which on a line for each tells nothing any more."""
_LINES = 10
"""Running changes that a terminal shows."""
_DOING = {
    Action.CREATE: "creating",
    Action.UPDATE: "updating",
    Action.REPLACE: "replacing",
    Action.DELETE: "deleting",
    Action.NO_OP: "checking",
}


class Display(Protocol):
    """Listens to events; is a context manager, since a terminal must be left as it was."""

    def __call__(self, event: Event) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class PlainDisplay:
    """A line an event, for pipes and logs. Unchanged resources are not worth a line.

    Of many record sets only the end is told: it comes a moment after the beginning.
    """

    def __init__(self, stream: TextIO, style: Style, total: int = 0) -> None:
        self._stream = stream
        self._style = style
        self._brief = RecordSet if total > _MANY else ()
        self._told: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case Started(change) if not isinstance(change.resource, self._brief):
                self._write(f"{_DOING[change.action]} {change.address}")
            case Progress(change, text) if self._told.get(change.address) != text:
                self._told[change.address] = text
                self._write(f"{change.address}: {text}")
            case Finished(outcome) if outcome.status not in (Status.UNCHANGED, Status.SKIPPED):
                self._write(outcome_line(outcome, self._style))

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class LiveDisplay:
    """A line a running change with its elapsed time, redrawn four times a second.

    Of many changes the first that run and a count of all; no line stays of a record set that went well.
    """

    def __init__(self, stream: TextIO, style: Style, total: int = 0) -> None:
        from rich.console import Console
        from rich.live import Live

        self._style = style
        self._running: dict[str, tuple[str, float, str]] = {}
        self._total = total
        self._counts: Counter[Status] = Counter()
        console = Console(file=stream, highlight=False, no_color=not style.colour)
        self._live: Live = Live(
            console=console, get_renderable=self._render, refresh_per_second=4, transient=True
        )

    def __call__(self, event: Event) -> None:
        match event:
            case Started(change):
                doing = f"{_DOING[change.action]} {change.address}"
                self._running[change.address] = (doing, time.monotonic(), "")
            case Progress(change, text) if change.address in self._running:
                doing, since, _ = self._running[change.address]
                self._running[change.address] = (doing, since, text)
            case Finished(outcome):
                self._running.pop(outcome.change.address, None)
                self._counts[outcome.status] += 1
                dull = {Status.UNCHANGED, Status.SKIPPED}
                if self._total > _MANY and isinstance(outcome.change.resource, RecordSet):
                    dull |= {Status.CREATED, Status.UPDATED, Status.DELETED}
                if outcome.status not in dull:
                    self._print(outcome_line(outcome, self._style))

    def _print(self, line: str) -> None:
        from rich.text import Text

        self._live.console.print(Text.from_ansi(line))

    def _render(self) -> Text:
        from rich.text import Text

        now = time.monotonic()
        lines = [
            f"  {doing}  {_elapsed(now - since)}" + (f"  {text}" if text else "")
            for doing, since, text in self._running.values()
        ]
        if len(lines) > _LINES + 1:
            lines[_LINES:] = [f"  and {len(lines) - _LINES} more"]
        if self._total > _MANY:
            failed = f", {self._counts[Status.FAILED]} failed" if self._counts[Status.FAILED] else ""
            lines.append(f"  {self._counts.total()} of {self._total} done{failed}")
        return Text("\n".join(lines))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


def _elapsed(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def display_for(stream: TextIO, style: Style, live: bool, total: int = 0) -> Display:
    """The display that suits the stream; `live` only on a terminal. `total`: the changes of the plan."""
    return LiveDisplay(stream, style, total) if live else PlainDisplay(stream, style, total)
