"""Many calls at once, ended together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

_Result = TypeVar("_Result")


async def together(calls: Iterable[Coroutine[Any, Any, _Result]]) -> list[_Result]:
    """The results in order. When one raises, the others are cancelled and its error is raised by itself.

    `asyncio.gather` would leave the others running, with clients that are being closed under them.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from failed.exceptions[0].__cause__
    return [task.result() for task in tasks]
