"""Carries out a plan: a change starts when those it waits for are done; nothing hides a failure."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from graphlib import TopologicalSorter

from provision.apply.events import DONE, Finished, Listener, Outcome, Progress, Started, Status
from provision.apply.handler import Handler, Handlers, Mark, Work
from provision.errors import ProvisionError, StalePlanError
from provision.plan.change import Action, Change, FieldChange
from provision.plan.plan import Plan, missing
from provision.resources.observed import Present
from provision.resources.ref import Ref
from provision.resources.values import Value

_LOGGER = logging.getLogger(__name__)
"""Shown with --debug."""

_AT_ONCE = 32
"""Changes of one kind that run at the same time: a zone may have thousands of record sets."""


class Execution:
    """One run of one plan. `stop()` lets running changes end and starts no others."""

    def __init__(self, plan: Plan, handlers: Handlers, listener: Listener) -> None:
        self._plan = plan
        self._handlers = handlers
        self._listener = listener
        self._outcomes: dict[str, Outcome] = {}
        self._outputs: dict[str, Mapping[str, Value]] = {
            change.address: change.observed.outputs
            for change in plan.changes
            if isinstance(change.observed, Present)
        }
        self._stopped = False

    def stop(self) -> None:
        """Drain: what runs may end, nothing new starts."""
        self._stopped = True

    async def run(self) -> tuple[Outcome, ...]:
        """Carry out the plan. One outcome for every change, in the plan's order."""
        waits_for = _waits_for(self._plan)
        changes = {change.address: change for change in self._plan.changes}
        sorter = TopologicalSorter(waits_for)
        sorter.prepare()
        running: dict[asyncio.Task[Outcome], str] = {}
        ready: defaultdict[str, deque[str]] = defaultdict(deque)
        started: Counter[str] = Counter()
        try:
            while sorter.is_active():
                for address in sorter.get_ready():
                    ready[changes[address].resource.KIND].append(address)
                for kind, waiting in ready.items():
                    while waiting and started[kind] < _AT_ONCE:
                        address = waiting.popleft()
                        work = self._carry_out(changes[address], waits_for[address])
                        running[asyncio.create_task(work, name=address)] = address
                        started[kind] += 1
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    address = running.pop(task)
                    started[changes[address].resource.KIND] -= 1
                    self._record(_outcome(task, changes[address]))
                    sorter.done(address)
        except asyncio.CancelledError:
            await self._abandon(running)
            raise
        return self.outcomes()

    def outcomes(self) -> tuple[Outcome, ...]:
        """One outcome a change, also after a cancellation: what did not start was skipped."""
        outcomes = tuple(
            self._outcomes.get(change.address, Outcome(change, Status.SKIPPED, reason="interrupted"))
            for change in self._plan.changes
        )
        if len(outcomes) != len({outcome.change.address for outcome in outcomes}):
            raise AssertionError("a change has no outcome of its own")
        return outcomes

    async def _abandon(self, running: Mapping[asyncio.Task[Outcome], str]) -> None:
        for task in running:
            task.cancel()
        ended = await asyncio.gather(*running, return_exceptions=True)
        results = dict(zip(running.values(), ended, strict=True))
        for change in self._plan.changes:
            result = results.get(change.address)
            if isinstance(result, Outcome):
                # It was done before the cancellation reached it.
                self._record(result)
            elif isinstance(result, Exception):
                self._record(_failed_by_bug(change, result))
            elif change.address in results:
                error = ProvisionError(
                    f"applying {change.address}",
                    "left while it was running; the service may still be at it",
                    "Run apply again: it reads what is there and goes on from it.",
                )
                self._record(Outcome(change, Status.FAILED, error=error))

    def _record(self, outcome: Outcome) -> None:
        self._outcomes[outcome.change.address] = outcome
        self._listener(Finished(outcome))

    async def _carry_out(self, change: Change, waits_for: Iterable[str]) -> Outcome:
        obstacle = self._obstacle(change, waits_for)
        if obstacle:
            return Outcome(change, Status.SKIPPED, reason=obstacle)
        if change.awaits_others:
            return Outcome(change, Status.FAILED, error=self._for_others(change))
        if change.action is Action.NO_OP:
            return Outcome(change, Status.UNCHANGED, reason=change.reason)
        self._listener(Started(change))
        start = time.monotonic()
        try:
            await self._act(change)
        except ProvisionError as error:
            return Outcome(change, Status.FAILED, time.monotonic() - start, error=error)
        made = self._made(change)
        return Outcome(change, DONE[change.action], time.monotonic() - start, made=made)

    def _made(self, change: Change) -> Mapping[str, Value]:
        if change.action is Action.DELETE:
            return {}
        outputs = self._outputs.get(change.address, {})
        return {name: outputs[name] for name in change.resource.TOLD if outputs.get(name) is not None}

    def _for_others(self, change: Change) -> ProvisionError:
        if change.blocked:
            return change.blocked
        try:
            # Only now is it known for whom: the command in the error names the identity just made.
            return missing(self._resolved(change).resource)
        except ProvisionError as error:
            return error

    def _obstacle(self, change: Change, waits_for: Iterable[str]) -> str:
        if change.blocked and not change.awaits_others:
            return change.reason
        for address in waits_for:
            outcome = self._outcomes[address]
            if outcome.status is Status.FAILED:
                return f"{address} failed"
            if outcome.status is Status.SKIPPED:
                return f"{address} was skipped"
        return "interrupted" if self._stopped and change.action is not Action.NO_OP else ""

    async def _act(self, change: Change) -> None:
        resolved = self._resolved(change)
        resource, observed = resolved.resource, resolved.observed
        handler: Handler = self._handlers[resource.KIND]
        mark = Mark(self._plan.profile, change.digest)
        work = Work(mark, lambda text: self._listener(Progress(change, text)), change.release)
        if isinstance(observed, Present) and change.action in (Action.DELETE, Action.REPLACE):
            await handler.delete(resource, observed, work)
        if isinstance(observed, Present) and change.action is Action.UPDATE:
            present = await handler.update(resource, observed, resolved.fields, work)
        elif change.action in (Action.CREATE, Action.REPLACE):
            present = await handler.create(resource, work)
        else:
            return
        self._outputs[change.address] = present.outputs

    def _resolved(self, change: Change) -> Change:
        """The change with every ref filled in that the plan could not know."""

        def lookup(ref: Ref) -> Value:
            value = self._outputs.get(ref.address, {}).get(ref.output)
            if value is None and change.action is not Action.DELETE:
                raise StalePlanError(
                    f"applying {change.address}",
                    f"{ref.address} did not give its {ref.output}",
                    "Run plan again to see what is there now.",
                )
            return value

        resource = change.resource.resolved(lookup)
        wanted = resource.properties()
        # A field that is no longer declared is to go, as it says itself.
        fields = tuple(
            FieldChange(field.path, field.before, wanted.get(field.path, field.after))
            for field in change.fields
        )
        return replace(change, resource=resource, fields=fields)


def _outcome(task: asyncio.Task[Outcome], change: Change) -> Outcome:
    """How a change ended. An exception that is none of ours is a bug, and no reason to leave the others."""
    error = task.exception()
    if error is None or isinstance(error, BrokenPipeError):  # of the output: nobody reads it any more
        return task.result()
    return _failed_by_bug(change, error)


def _failed_by_bug(change: Change, cause: BaseException) -> Outcome:
    doing = f"applying {change.address}"
    _LOGGER.debug(doing, exc_info=cause)
    error = ProvisionError(
        doing,
        # Not its text: nobody has looked through that for secrets.
        f"this is a bug in provision ({type(cause).__name__})",
        "The other changes went on. Run it again with --debug, and report it with the traceback.",
    )
    error.__cause__ = cause
    return Outcome(change, Status.FAILED, error=error)


def _waits_for(plan: Plan) -> dict[str, set[str]]:
    """Which changes each change waits for; the graph's edges, turned round for a destroy."""
    present = {change.address for change in plan.changes}
    edges: dict[str, set[str]] = {address: set() for address in present}
    for change in plan.changes:
        for dependency in change.resource.dependencies() & present:
            if plan.backwards and dependency not in change.resource.outlives:
                edges[dependency].add(change.address)
            else:
                edges[change.address].add(dependency)
    return edges
