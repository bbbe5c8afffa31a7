"""A name server on loopback: UDP and TCP on one port, answering from a view of the sandbox's zones."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import struct
from collections.abc import Callable, Coroutine
from typing import Any, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
from dns.rdatatype import RdataType

from provision.sandbox.azure import Azure
from provision.sandbox.edge.state import State
from provision.sandbox.edge.zone import Reply

View = Callable[[Azure, dns.name.Name, RdataType], Reply]

_TRANSFERS = (RdataType.AXFR, RdataType.IXFR)
_TRIES = 20


class DnsServer:
    """Answers by `view` on 127.0.0.1:`port`, once started."""

    def __init__(self, state: State, view: View) -> None:
        self.port = 0
        self._state = state
        self._view = view
        self._tcp: asyncio.Server | None = None
        self._udp: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Take a port that is free for both protocols."""
        loop = asyncio.get_running_loop()
        for last in range(_TRIES, 0, -1):
            tcp = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            port = tcp.sockets[0].getsockname()[1]
            try:
                self._udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self), local_addr=("127.0.0.1", port)
                )
            except OSError:
                tcp.close()
                if last == 1:
                    raise
                continue
            self._tcp, self.port = tcp, port
            return

    async def stop(self) -> None:
        if self._tcp is not None:
            self._tcp.close()
        if self._udp is not None:
            self._udp.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run until done or until the server stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def answer(self, wire: bytes, largest: int | None = None) -> bytes | None:
        """The answer to a message; None for what is no question. `largest` is what a datagram may hold."""
        try:
            query = dns.message.from_wire(wire)
        except dns.message.ShortHeader:
            return None
        except dns.exception.DNSException:
            return _malformed(wire)
        if query.flags & dns.flags.QR:
            return None
        response = dns.message.make_response(query, our_payload=1232)
        try:
            await self._fill(query, response)
        except sqlite3.Error:  # the state is locked or damaged
            response.set_rcode(dns.rcode.SERVFAIL)
        if largest is None:
            return response.to_wire()
        return response.to_wire(max_size=max(query.payload, 512, largest), prefer_truncation=True)

    async def _fill(self, query: dns.message.Message, response: dns.message.Message) -> None:
        if query.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
        elif len(query.question) != 1:
            response.set_rcode(dns.rcode.FORMERR)
        elif query.question[0].rdclass != dns.rdataclass.IN or query.question[0].rdtype in _TRANSFERS:
            response.set_rcode(dns.rcode.REFUSED)
        else:
            await self._state.settle()
            question = query.question[0]
            reply = self._view(self._state.azure, question.name, question.rdtype)
            response.set_rcode(reply.rcode)
            response.answer, response.authority = [*reply.answer], [*reply.authority]
            if reply.ours:
                response.flags |= dns.flags.AA

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.keep(self._converse(reader, writer))

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: messages with their length before them (RFC 1035, 4.2.2)."""
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                answer = await self.answer(await reader.readexactly(length))
                if answer is None:
                    return
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._server.keep(self._reply(data, addr))

    async def _reply(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        answer = await self._server.answer(data, 512)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


def _malformed(wire: bytes) -> bytes:
    """FORMERR with nothing but the header: the question could not be read."""
    (identifier,) = struct.unpack("!H", wire[:2])
    response = dns.message.Message(identifier)
    response.flags |= dns.flags.QR
    response.set_rcode(dns.rcode.FORMERR)
    return response.to_wire()
