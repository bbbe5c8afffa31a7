"""Merges the calls of several senders within a short moment into one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from provision.providers.kubernetes.calls import Call, Reply

_MOMENT = 0.05
"""Seconds of real time that the first sender waits for others; what starts together sends together."""

Carry = Callable[[Sequence[Call]], Awaitable[list[Reply]]]


@dataclass(eq=False)
class _Batch:
    calls: list[Call] = field(default_factory=list)
    senders: int = 0


class Collector:
    """`send` may be called by many at once; `carry` gets what came together."""

    def __init__(self, carry: Carry) -> None:
        self._carry = carry
        self._open: tuple[_Batch, asyncio.Task[list[Reply]]] | None = None

    async def send(self, calls: Sequence[Call]) -> list[Reply]:
        """This sender's replies. Raises what `carry` raises, as all of its batch do."""
        if not calls:
            return []
        if self._open is None:
            made = _Batch()
            self._open = made, asyncio.create_task(self._flush(made))
        batch, task = self._open
        start = len(batch.calls)
        batch.calls += calls
        batch.senders += 1
        try:
            replies = await asyncio.shield(task)
        except asyncio.CancelledError:
            batch.senders -= 1
            if not batch.senders:
                task.cancel()
            raise
        return replies[start : start + len(calls)]

    async def _flush(self, batch: _Batch) -> list[Reply]:
        await asyncio.sleep(_MOMENT)
        self._open = None
        return await self._carry(batch.calls)
