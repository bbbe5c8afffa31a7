"""Carrying out a plan from the command line: show, ask, run, tell, and what Ctrl-C does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from provision.apply.events import Outcome, Status
from provision.apply.executor import Execution
from provision.apply.handler import Handlers
from provision.errors import UnsafePlanError
from provision.plan.plan import Plan
from provision.report.live import display_for
from provision.report.outcomes import outcomes_json, outcomes_text
from provision.report.plans import plan_text
from provision.report.style import Style, style_for


@dataclass(frozen=True, slots=True)
class Show:
    """Where and how the output goes. As JSON, only the outcomes go to stdout and the rest to stderr."""

    json: bool
    out: TextIO
    environment: Mapping[str, str]

    @property
    def aside(self) -> TextIO:
        """The stream for what is not the result."""
        return sys.stderr if self.json else self.out

    @property
    def style(self) -> Style:
        return style_for(self.aside, self.environment)

    def plan(self, plan: Plan, where: str, notes: tuple[str, ...] = ()) -> None:
        self.aside.write(plan_text(plan, where, self.style, notes))
        self.aside.flush()

    def outcomes(self, plan: Plan, outcomes: tuple[Outcome, ...]) -> None:
        if self.json:
            self.out.write(outcomes_json(plan.profile, outcomes, plan.unchecked))
        else:
            self.out.write(outcomes_text(outcomes, self.style, plan.unchecked))


def may_go_on(question: str, *, yes: bool, must_ask: bool, json: bool) -> None:
    """Ask on a terminal; without one go on by itself unless `must_ask`. Raises UnsafePlanError for a no."""
    if yes:
        return
    if sys.stdin.isatty() and sys.stderr.isatty() and not json:
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
        raise UnsafePlanError("", "Nothing was changed: the answer was not yes.")
    if must_ask:
        raise UnsafePlanError(
            "applying the plan",
            "it deletes or replaces, and there is no terminal to ask on",
            "Review it, then run the same command with --yes.",
        )


async def carry_out(plan: Plan, handlers: Handlers, show: Show) -> int:
    """Run the plan and report every change. 1 when one did not end well, 3 when all did and a part of the
    profile was left out or not looked at, else 0.

    The first Ctrl-C lets running operations end and starts no others; the second leaves at once.
    """
    live = show.aside.isatty() and os.environ.get("TERM") != "dumb"
    with display_for(show.aside, show.style, live, len(plan.changes)) as display:
        execution = Execution(plan, handlers, display)
        task = asyncio.current_task()
        interrupts = 0

        def interrupt() -> None:
            nonlocal interrupts
            interrupts += 1
            if interrupts == 1:
                execution.stop()
                sys.stderr.write("\nstopping: waiting for what runs; press Ctrl-C again to leave at once\n")
            elif task:
                task.cancel()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt)
        try:
            outcomes = await execution.run()
        except asyncio.CancelledError:
            outcomes = execution.outcomes()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
    show.outcomes(plan, outcomes)
    if any(outcome.status in (Status.FAILED, Status.SKIPPED) for outcome in outcomes):
        return 1
    return 3 if plan.unchecked else 0
