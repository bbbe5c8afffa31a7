"""A proxy on loopback, for clients that resolve names themselves or know addresses that only Azure has.

`HTTPS_PROXY=http://127.0.0.1:<port>` brings Azure's public names and `*.vault.localhost` to the sandbox's TLS
port, and the addresses of gateways and the host names that lead to them to these gateways' listeners.
`http_proxy` does so for plain HTTP. Everything else is refused, so that a rehearsal cannot reach a real
service by mistake.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from provision.sandbox.tls import NAMES

_LARGEST_HEAD = 64 * 1024
_LOCAL = ("localhost", "127.0.0.1")
_PER_CONNECTION = ("connection", "proxy-connection", "keep-alive")

Locate = Callable[[str, int], Awaitable["int | None"]]
"""The loopback port for a host and port; None for what is not the sandbox's. Raises Unreachable."""


class Unreachable(Exception):  # noqa: N818 - an answer to a client, not a fault of ours
    """The place is the sandbox's, and nothing answers there."""


class ConnectProxy:
    """Brings clients to the TLS port `target` on loopback by the sandbox's names, elsewhere by `locate`."""

    def __init__(self, target: int, locate: Locate | None = None) -> None:
        self.port = 0
        self._target = target
        self._locate = locate
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
        tunnel = asyncio.create_task(self._serve(reader, writer))
        self._tunnels.add(tunnel)
        tunnel.add_done_callback(self._tunnels.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        refused = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        with contextlib.closing(writer), contextlib.suppress(*refused):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, _, rest = head.partition(" ")
            address = rest.partition(" ")[0]
            try:
                if method == "CONNECT":
                    port = await self._secure_port(*_authority(address, 443))
                else:
                    port = await self._plain_port(address)
            except Unreachable as unreachable:
                await _refuse(writer, "502 Bad Gateway", f"{unreachable}\n")
                return
            if port is None:
                await _refuse(writer, "403 Forbidden")
            elif method == "CONNECT":
                await _join(reader, writer, port, greeting=b"HTTP/1.1 200 Connection Established\r\n\r\n")
            else:
                await _join(reader, writer, port, first=_forwarded(head).encode("latin-1"))

    async def _secure_port(self, host: str, port: int) -> int | None:
        if serves(host):
            own = await self._locate(host, port) if self._locate and host in _LOCAL else None
            return own or self._target
        return await self._locate(host, port) if self._locate else None

    async def _plain_port(self, url: str) -> int | None:
        """For a request line with a whole URL, which only a proxy gets."""
        parts = urlsplit(url)
        if parts.scheme != "http" or self._locate is None:
            return None
        return await self._locate(*_authority(parts.netloc, 80))


def serves(host: str) -> bool:
    """Whether the sandbox has a certificate for the name."""
    parent = "*." + host.lower().partition(".")[2]
    return host == "127.0.0.1" or host.lower() in NAMES or parent in NAMES


def _authority(text: str, default: int) -> tuple[str, int]:
    """Host in lower case, and port; port 0, which nothing has, for one that is no number."""
    host, colon, port = text.rpartition(":")
    if not colon:
        return text.lower(), default
    return host.lower(), int(port) if port.isdecimal() else 0


def _forwarded(head: str) -> str:
    """A request as its own server wants it: for a path, on a connection of its own."""
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, url, version = first.split(" ", 2)
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kept = [line for line in lines if line.partition(":")[0].strip().lower() not in _PER_CONNECTION]
    return "\r\n".join([f"{method} {target} {version}", *kept, "Connection: close", "", ""])


async def _refuse(writer: asyncio.StreamWriter, status: str, text: str = "") -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(text.encode())}\r\nConnection: close\r\n\r\n"
    writer.write((head + text).encode())
    await writer.drain()


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    port: int,
    *,
    greeting: bytes = b"",
    first: bytes = b"",
) -> None:
    """Copy both ways; `greeting` goes to the client before, `first` to the other side."""
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(greeting)
    far_writer.write(first)
    try:
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
    finally:
        far_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(64 * 1024):
        writer.write(chunk)
        await writer.drain()
    # one side is done: the other one learns it, and its copy ends too
    if writer.can_write_eof():
        with contextlib.suppress(OSError):  # it has gone already, as one does that a handshake refused
            writer.write_eof()
