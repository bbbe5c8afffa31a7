"""The sandbox's state as its gateways and name servers see it: read again for each lookup, always current."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from provision.sandbox import services
from provision.sandbox.azure import Azure, Clock, Settle
from provision.sandbox.store import Store


class State:
    """A store connection of the edge's own; `speed` is the sandbox's."""

    def __init__(
        self, path: Path | str, speed: float, settlers: Mapping[str, Settle] = services.SETTLERS
    ) -> None:
        self.azure = Azure(Store(path), Clock(speed), settlers)

    def close(self) -> None:
        self.azure.store.close()

    async def settle(self) -> None:
        """Write the effect of operations whose time is over, as the gateway does at the start of a request.

        It waits in a thread: the sandbox may hold its transaction open while it awaits in this very loop.
        """
        if self.azure.store.due_operations(self.azure.clock.now()):
            await asyncio.to_thread(self._settle)

    def _settle(self) -> None:
        store = Store(self.azure.store.path)
        try:
            with store.transaction():
                Azure(store, self.azure.clock, self.azure.settlers).settle()
        finally:
            store.close()
