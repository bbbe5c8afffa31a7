"""The server side of TLS as Envoy and NGINX do it.

The name that a client asks for decides what it must show, before the handshake goes on, and a handshake that
fails says why. asyncio's own TLS knows the name too late for the first, and sends no alert (CPython 3.11).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable

_LARGEST_HEAD = 64 * 1024
_CHUNK = 16 * 1024


class UnservedError(ConnectionError):
    """Nobody serves the name that the client asked for."""


async def accept(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    choose: Callable[[str | None], ssl.SSLContext | None],
) -> tuple[Secured, str | None]:
    """Shake hands; returns the connection and the name that the client asked for, None when for none.

    `choose` gives the context for that name, or None to break the connection off. Raises UnservedError,
    ssl.SSLError once the client has been told, and ConnectionError when it goes away.
    """
    name, hello = await _hello(reader)
    context = choose(name)
    if context is None:
        raise UnservedError(name or "")
    made = Secured(reader, writer, context, hello)
    await made.handshake()
    return made, name


class Secured:
    """One TLS connection on plain streams, of which it has what serving a request needs."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext,
        hello: bytes,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._incoming.write(hello)
        self._connection = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._buffer = b""

    async def handshake(self) -> None:
        while True:
            try:
                self._connection.do_handshake()
            except ssl.SSLWantReadError:
                await self.drain()
                self._incoming.write(await _received(self._reader))
            except ssl.SSLError:
                await self.drain()  # the alert
                raise
            else:
                await self.drain()
                return

    @property
    def shown(self) -> ssl._PeerCertRetDictType:
        """The certificate that the client has shown, empty when it has shown none."""
        return self._connection.getpeercert() or {}

    async def readuntil(self, separator: bytes) -> bytes:
        """As asyncio.StreamReader's."""
        while separator not in self._buffer:
            if len(self._buffer) > _LARGEST_HEAD:
                raise asyncio.LimitOverrunError("no end of the head", len(self._buffer))
            self._buffer += await self._read()
        end = self._buffer.index(separator) + len(separator)
        return self._taken(end)

    async def readexactly(self, size: int) -> bytes:
        """As asyncio.StreamReader's."""
        while len(self._buffer) < size:
            self._buffer += await self._read()
        return self._taken(size)

    def write(self, data: bytes) -> None:
        self._connection.write(data)

    async def drain(self) -> None:
        if sent := self._outgoing.read():
            self._writer.write(sent)
        await self._writer.drain()

    def close(self) -> None:
        """Say goodbye and close; the client's goodbye is not waited for."""
        with contextlib.suppress(ssl.SSLError):  # it would like to read the client's
            self._connection.unwrap()
        self._writer.write(self._outgoing.read())
        self._writer.close()

    async def _read(self) -> bytes:
        while True:
            try:
                data = self._connection.read(_CHUNK)
            except ssl.SSLWantReadError:
                self._incoming.write(await _received(self._reader))
                continue
            if not data:
                raise ConnectionResetError("the client has said goodbye")
            return data

    def _taken(self, size: int) -> bytes:
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


async def _hello(reader: asyncio.StreamReader) -> tuple[str | None, bytes]:
    """The name in the client's hello, and what has been read for it.

    A first connection reads it, whose answer goes nowhere.
    """
    asked: list[str | None] = []

    def note(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int:
        asked.append(name)
        return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR

    probe = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    probe.sni_callback = note
    incoming = ssl.MemoryBIO()
    listening = probe.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
    hello = b""
    while not asked:
        data = await _received(reader)
        hello += data
        incoming.write(data)
        try:
            listening.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError:
            if not asked:
                raise  # no hello at all, such as plain HTTP
    return asked[0], hello


async def _received(reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(_CHUNK)
    if not data:
        raise ConnectionResetError("the client has gone")
    return data
