"""A sandbox in a thread of this process, for `scripts/bench`, and what its log of requests tells."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from provision.sandbox import seed
from provision.sandbox.azure import SUBSCRIPTION
from provision.sandbox.home import Home, Server, environment
from provision.sandbox.proxy import ConnectProxy
from provision.sandbox.server import Sandbox

Entry = tuple[str, str, int]
"""Method, path, status."""


class Log(deque[Entry]):
    """The sandbox's log of requests, with the moment at which each was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def append(self, entry: Entry) -> None:
        super().append(entry)
        self.moments.append(time.monotonic())

    def clear(self) -> None:
        super().clear()
        self.moments.clear()

    def puts(self, end: str) -> int:
        """PUTs whose path has this end."""
        return sum(method == "PUT" and path.casefold().endswith(end.casefold()) for method, path, _ in self)

    def fixed_waits(self) -> float:
        """Seconds that a client slept before polls of pending certificates, where it can't be told to sooner.

        az and the SDK under it look every 5 s, whatever Retry-After says (azure-keyvault-certificates 4.12).
        """
        gaps = zip(self.moments, self.moments[1:], list(self)[1:], strict=False)
        return sum(
            after - before
            for before, after, entry in gaps
            if _polls_certificate(entry) and after - before > 4
        )

    def rounds(self, gap: float) -> list[list[Entry]]:
        """Requests answered within `gap` seconds after one another were under way together."""
        groups: list[list[Entry]] = []
        last = float("-inf")
        for moment, entry in zip(self.moments, self, strict=True):
            if moment - last > gap:
                groups.append([])
            groups[-1].append(entry)
            last = moment
        return groups


@dataclass(frozen=True, slots=True)
class Served:
    """A sandbox that listens, the variables that bring clients to it, and the file it keeps itself in."""

    variables: Mapping[str, str]
    log: Log
    state: Path


@dataclass
class _Thread:
    """An event loop in a thread, with a sandbox in it."""

    home: Home
    speed: float
    latency: float
    log: Log = field(default_factory=Log)
    server: Server | None = None
    error: BaseException | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    loop: asyncio.AbstractEventLoop | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self.error = error
        finally:
            self.ready.set()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        async with Sandbox(self.home.state, speed=self.speed, latency=self.latency) as sandbox:
            seed.ensure(sandbox.azure, SUBSCRIPTION, groups=["rg-identities"])
            sandbox.requests = self.log
            proxy = ConnectProxy(sandbox.port)
            await proxy.start()
            self.server = Server(
                os.getpid(), sandbox.port, sandbox.url, proxy.url, str(sandbox.ca_path), self.speed
            )
            self.ready.set()
            await self.over.wait()
            await proxy.stop()


@contextmanager
def served(*, speed: float = 1000.0, latency: float = 0.0, az_folder: Path | None = None) -> Iterator[Served]:
    """A fresh sandbox. az gets a copy of `az_folder`, which holds its index of commands but no token."""
    with tempfile.TemporaryDirectory(prefix="provision-bench-") as folder:
        inside = _Thread(Home(Path(folder)), speed, latency)
        thread = threading.Thread(target=inside.run)
        thread.start()
        try:
            inside.ready.wait()
            if inside.server is None or inside.loop is None:
                raise RuntimeError("the sandbox did not start") from inside.error
            variables = {**os.environ, **environment(inside.home, inside.server)}
            if az_folder:
                shutil.copytree(az_folder, variables["AZURE_CONFIG_DIR"])
            yield Served(variables, inside.log, inside.home.state)
        finally:
            if inside.loop is not None and thread.is_alive():
                inside.loop.call_soon_threadsafe(inside.over.set)
            thread.join()


def _polls_certificate(entry: Entry) -> bool:
    return entry[1].endswith("/pending")


def is_sign_in(entry: Entry) -> bool:
    """Requests that find out how to sign in, or do."""
    _, path, status = entry
    lowered = path.lower()
    return (
        status == 401
        or lowered.startswith("/metadata/")
        or lowered.endswith(("/openid-configuration", "/oauth2/v2.0/token"))
        or "/discovery/instance" in lowered
    )


def summary(entries: Sequence[Entry]) -> str:
    """What one round asks for, in words."""
    signing = [_word(entry) for entry in entries if is_sign_in(entry)]
    reads = len(entries) - len(signing)
    return " + ".join([*dict.fromkeys(signing), *([f"{reads} reads"] if reads else [])])


def _word(entry: Entry) -> str:
    _, path, status = entry
    if status == 401:
        return "Key Vault's challenge"
    words = {"token": "token", "openid-configuration": "sign-in's addresses", "endpoints": "cloud"}
    return words.get(path.rstrip("/").rsplit("/", 1)[-1], "sign-in")
