"""The ports of gateways on loopback: each opened when somebody first wants to reach it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from typing import cast

from provision.sandbox.edge import certificates, fronts
from provision.sandbox.edge.exchange import ClientCheck, Front, Response, Visit
from provision.sandbox.edge.state import State

_LARGEST_HEAD = 64 * 1024
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

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
    """A connection until it is known who reads it: a handshake must be read by nobody but TLS."""

    def __init__(self, accept: Callable[[asyncio.Transport], None]) -> None:
        self._accept = accept

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        arrived = cast(asyncio.Transport, transport)
        arrived.pause_reading()
        self._accept(arrived)


class _Secured(asyncio.StreamReaderProtocol):
    """Streams on TLS, which ends both ways at once; the base class asks for more until it knows of TLS."""

    def eof_received(self) -> bool:
        super().eof_received()
        return False


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
        secure = front.secure(self.port)
        reader, writer = await (self._secured(front) if secure else self._plain())
        with contextlib.closing(writer):
            visit = await self._visit(reader, secure)
            front = fronts.at(self.state.azure, self.address)
            if front is not None:
                writer.write(_rendered(visit, front.respond(visit)))
                await writer.drain()

    async def _secured(self, front: Front) -> _Streams:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(_LARGEST_HEAD, loop)
        protocol = _Secured(reader)
        transport = await loop.start_tls(
            self.transport,
            protocol,
            self._context(front.client_certificates(self.port)),
            server_side=True,
        )
        if transport is None or not _known(transport, self.check):
            raise ConnectionResetError
        protocol.connection_made(transport)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _plain(self) -> _Streams:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(_LARGEST_HEAD, loop)
        protocol = asyncio.StreamReaderProtocol(reader)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        self.transport.resume_reading()
        return reader, asyncio.StreamWriter(self.transport, protocol, reader, loop)

    def _context(self, mode: ssl.VerifyMode) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # OpenSSL keeps this mode when the context is exchanged for that of the asked name, but not the
        # authorities, which are that context's own
        context.verify_mode = mode

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            front = fronts.at(self.state.azure, self.address)
            pem = front.certificate(self.port, name) if front else None
            if pem is None:
                # Envoy has no filter chain for the name and drops the connection without an alert
                _reset(self.transport)
                return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
            self.server_name = name
            self.check = front.client_check(self.port, name) if front else None
            connection.context = certificates.context(pem, self.check.authorities if self.check else b"")
            return None

        context.sni_callback = choose
        return context

    async def _visit(self, reader: asyncio.StreamReader, secure: bool) -> Visit:
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


def _known(transport: asyncio.Transport, check: ClientCheck | None) -> bool:
    """Whether the client has shown what is asked for; that it is genuine, the handshake has checked."""
    if check is None:
        return True
    shown = transport.get_extra_info("peercert") or {}
    names = {value.lower() for kind, value in shown.get("subjectAltName", ()) if kind in ("DNS", "URI")}
    return bool(shown) and (not check.names or any(each.lower() in names for each in check.names))


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
