"""A CONNECT proxy on loopback, for clients that resolve names themselves.

`HTTPS_PROXY=http://127.0.0.1:<port>` brings Azure's public names and `*.vault.localhost` to the sandbox's TLS
port. Every other name is refused, so that a rehearsal cannot reach a real service by mistake.
"""

from __future__ import annotations

import asyncio
import contextlib

from provision.sandbox.tls import NAMES

_LARGEST_HEAD = 64 * 1024


class ConnectProxy:
    """Tunnels CONNECT requests for the sandbox's names to the TLS port `target` on loopback."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._tunnels: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_LARGEST_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for tunnel in self._tunnels:
            tunnel.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnel = asyncio.create_task(self._tunnel(reader, writer))
        self._tunnels.add(tunnel)
        tunnel.add_done_callback(self._tunnels.discard)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        refused = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        with contextlib.closing(writer), contextlib.suppress(*refused):
            head = await reader.readuntil(b"\r\n\r\n")
            method, _, rest = head.decode("latin-1").partition(" ")
            host = rest.partition(" ")[0].rpartition(":")[0]
            if method != "CONNECT" or not serves(host):
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
            else:
                await self._join(reader, writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            far_writer.close()


def serves(host: str) -> bool:
    """Whether the sandbox has a certificate for the name."""
    parent = "*." + host.lower().partition(".")[2]
    return host == "127.0.0.1" or host.lower() in NAMES or parent in NAMES


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(64 * 1024):
        writer.write(chunk)
        await writer.drain()
    # one side is done: the other one learns it, and its copy ends too
    if writer.can_write_eof():
        writer.write_eof()
