"""The ports of gateways on loopback: each opened when somebody first wants to reach it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from provision.sandbox.edge import certificates, fronts
from provision.sandbox.edge.exchange import ClientCheck, Response, Visit
from provision.sandbox.edge.secured import Secured, UnservedError, accept
from provision.sandbox.edge.state import State

_LARGEST_HEAD = 64 * 1024
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_Readable = asyncio.StreamReader | Secured
_Writable = asyncio.StreamWriter | Secured

_BROKEN = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError, ValueError)


class Listeners:
    """One server of 127.0.0.1 for each (address, port) of a gateway that was asked for."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._servers: dict[tuple[str, int], asyncio.Server] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        for server in self._servers.values():
            server.close()
        self._servers.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def owns(self, port: int) -> bool:
        """Whether a loopback port is one of a gateway's."""
        return port in (_port(server) for server in self._servers.values())

    async def port(self, address: str, port: int) -> int | None:
        """The loopback port that stands for `port` of a gateway's address; None when it is closed."""
        front = fronts.at(self._state.azure, address)
        if front is None or port not in front.ports():
            return None
        if (address, port) not in self._servers:
            accept = partial(self._accept, address, port)
            loop = asyncio.get_running_loop()
            server = await loop.create_server(lambda: _Arrival(accept), "127.0.0.1", 0)
            # whoever came first while this one waited stays
            if self._servers.setdefault((address, port), server) is not server:
                server.close()
        return _port(self._servers[address, port])

    def _accept(self, address: str, port: int, transport: asyncio.Transport) -> None:
        task = asyncio.create_task(_Connection(self._state, address, port, transport).run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Arrival(asyncio.Protocol):
    """A connection until somebody reads it."""

    def __init__(self, accept: Callable[[asyncio.Transport], None]) -> None:
        self._accept = accept

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        arrived = cast(asyncio.Transport, transport)
        arrived.pause_reading()
        self._accept(arrived)


@dataclass
class _Connection:
    """One request and its answer; the connection is closed after it."""

    state: State
    address: str
    port: int
    transport: asyncio.Transport
    server_name: str | None = None
    check: ClientCheck | None = None

    async def run(self) -> None:
        try:
            await self._serve()
        except _BROKEN:
            self.transport.abort()
        except asyncio.CancelledError:
            self.transport.abort()
            raise

    async def _serve(self) -> None:
        front = fronts.at(self.state.azure, self.address)
        if front is None or self.port not in front.ports():
            _reset(self.transport)  # the gateway has gone since this listener was opened
            return
        reader, writer = self._streams()
        if not front.secure(self.port):
            with contextlib.closing(writer):
                await self._answer(reader, writer)
            return
        try:
            secured, self.server_name = await accept(reader, writer, self._context)
        except UnservedError:
            # Envoy has no filter chain for the name and drops the connection without an alert
            _reset(self.transport)
            return
        except ssl.SSLError:
            writer.close()  # once the alert is out
            return
        if not _known(secured.shown, self.check):
            raise ConnectionResetError
        with contextlib.closing(secured):
            await self._answer(secured, secured)

    async def _answer(self, reader: _Readable, writer: _Writable) -> None:
        visit = await self._visit(reader, secure=isinstance(reader, Secured))
        front = fronts.at(self.state.azure, self.address)
        if front is not None:
            writer.write(_rendered(visit, front.respond(visit)))
            await writer.drain()

    def _streams(self) -> _Streams:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(_LARGEST_HEAD, loop)
        protocol = asyncio.StreamReaderProtocol(reader)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        self.transport.resume_reading()
        return reader, asyncio.StreamWriter(self.transport, protocol, reader, loop)

    def _context(self, name: str | None) -> ssl.SSLContext | None:
        """The side of TLS that the front shows to a client who asks for the name."""
        front = fronts.at(self.state.azure, self.address)
        pem = front.certificate(self.port, name) if front else None
        if front is None or pem is None:
            return None
        self.check = front.client_check(self.port, name)
        if self.check is None:
            return certificates.context(pem)
        return certificates.context(pem, self.check.authorities, self.check.required)

    async def _visit(self, reader: _Readable, *, secure: bool) -> Visit:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        lines = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in lines}
        await reader.readexactly(int(headers.get("content-length") or 0))
        path, _, query = target.partition("?")
        host = headers.get("host", "").lower()
        return Visit(
            method=method,
            host=host.partition(":")[0],
            port=self.port,
            path=path,
            query=query,
            headers=headers,
            secure=secure,
            server_name=self.server_name,
        )


def _known(shown: Mapping[str, Any], check: ClientCheck | None) -> bool:
    """Whether a client's certificate is for one of the names. The handshake has checked who made it."""
    if check is None or not check.names or not shown:
        return True
    names = {value.lower() for kind, value in shown.get("subjectAltName", ()) if kind in ("DNS", "URI")}
    return any(each.lower() in names for each in check.names)


def _rendered(visit: Visit, response: Response) -> bytes:
    body = response.text.encode()
    headers = {
        "content-type": "text/plain; charset=utf-8",
        **{name.lower(): value for name, value in response.headers.items()},
        "date": formatdate(usegmt=True),
        "content-length": str(len(body)),
        "connection": "close",
    }
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if visit.method == "HEAD" else head + body


def _reset(transport: asyncio.Transport) -> None:
    """End the connection as if nobody were there."""
    end_at_once = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, end_at_once)
    transport.abort()


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
