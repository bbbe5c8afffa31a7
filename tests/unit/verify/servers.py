"""Tiny servers on loopback: DNS, TLS and plain HTTP, a CONNECT proxy; and certificates made on the spot."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Zone = dict[tuple[str, str], list[str]]
"""(name, type) → lines of a zone file without the name: `300 IN A 1.2.3.4`."""

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class NameServer(asyncio.DatagramProtocol):
    """Answers what a resolver says (`recursive`) or what the name server itself knows (`own`).

    A name that is in neither is NXDOMAIN; `silent` servers say nothing. Lines of type REFERRAL go to the
    authority section, those of CHAIN to the answer of any question about the name.
    """

    def __init__(self, own: Zone, recursive: Zone | None = None, rcode: int = dns.rcode.NOERROR) -> None:
        self._own = own
        self._recursive = recursive or {}
        self._rcode = rcode
        self.asked: list[tuple[str, str]] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        answer = dns.message.make_response(query)
        answer.set_rcode(dns.rcode.Rcode.make(self._rcode))
        zone = self._recursive if query.flags & dns.flags.RD else self._own
        if name not in {known for known, _ in zone} and self._rcode == dns.rcode.NOERROR:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        for section, type_ in (
            (answer.answer, kind),
            (answer.authority, "REFERRAL"),
            (answer.answer, "CHAIN"),
        ):
            for line in zone.get((name, type_), []):
                owner, text = line.split(" ", 1) if type_ == "CHAIN" else (name, line)
                ttl, class_, rdtype, value = text.split(" ", 3)
                section.append(dns.rrset.from_text(owner, int(ttl), class_, rdtype, value))
        assert self._transport is not None
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def name_server(server: NameServer) -> AsyncIterator[tuple[str, int]]:
    """The address of a name server that runs meanwhile."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[:2]
    finally:
        transport.close()


@asynccontextmanager
async def listening(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that talks so with everybody, meanwhile."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await talk(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def insisting(tls: ssl.SSLContext) -> AsyncIterator[int]:
    """The port of a server that refuses two handshakes with an alert, which asyncio's own would not send."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)

        def refuse() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                connection.settimeout(30)  # nobody waits for ever for a client that went wrong
                with connection.dup() as raw:
                    with contextlib.suppress(ssl.SSLError):
                        tls.wrap_socket(connection, server_side=True)
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(4096):  # a connection closed with data unread is reset
                        pass

        refusing = asyncio.create_task(asyncio.to_thread(refuse))
        yield server.getsockname()[1]
        await refusing


def answering(text: str, seen: list[str] | None = None) -> Talk:
    """Reads a request's head, adds it to `seen`, and answers `text` whatever it is."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if seen is not None:
            seen.append(head)
        writer.write(text.encode())
        await writer.drain()

    return talk


def proxying(port: int, seen: list[str], status: int = 200) -> Talk:
    """A CONNECT proxy that leads everything to one port of loopback, or refuses with `status`."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {status} Whatever\r\n\r\n".encode())
        await writer.drain()
        if status == 200:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

    return talk


class Keys:
    """A self-signed certificate and its key, as files for a server."""

    def __init__(self, folder: Path, *names: str, days: int = 90) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, (*names, "nobody")[0])])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
            builder = builder.add_extension(alternatives, critical=False)
        self.certificate = builder.sign(key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        self.der = self.certificate.public_bytes(serialization.Encoding.DER)
        self._file = folder / f"{self.sha1[:8]}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._file.write_bytes(self.pem + private)

    @property
    def sha1(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._file)
        return context
