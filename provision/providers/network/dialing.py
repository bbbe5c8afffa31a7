"""Connections to an address and port, directly or through an HTTP proxy (CONNECT, RFC 9110, 9.3.6)."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from provision.providers.network.reach import Reach
from provision.verify.evidence import Unknown, Unreached

SECONDS = 5.0
"""For each step: connecting, a handshake, an answer's head."""

_GOODBYE = 0.5
"""For the end of a connection."""

LARGEST_HEAD = 64 * 1024


class NoConnectionError(Exception):
    """There is none; `finding` says whether the address gave no answer or could not be asked."""

    def __init__(self, finding: Unreached | Unknown) -> None:
        super().__init__(finding.why)
        self.finding = finding


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def head(self) -> str:
        """Status line and headers of an HTTP answer, within the time of a step."""
        async with asyncio.timeout(SECONDS):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")


@asynccontextmanager
async def dialled(reach: Reach, address: str, port: int) -> AsyncIterator[Connection]:
    """A connection, closed at the end. Raises NoConnectionError."""
    proxy = reach.proxy_for(address)
    connection = await _connected(address, port) if proxy is None else await _tunnel(proxy, address, port)
    try:
        yield connection
    finally:
        await _leave(connection.writer)


async def _leave(writer: asyncio.StreamWriter) -> None:
    """Say goodbye, as TLS wants it said, to a peer that may not answer."""
    writer.close()
    try:
        async with asyncio.timeout(_GOODBYE):
            await writer.wait_closed()
    except OSError:  # a timeout is one too
        # Python 3.11.2, which is Debian 12's, fails to abort what the peer has broken off already.
        with suppress(AttributeError):
            writer.transport.abort()


async def secured(connection: Connection, context: ssl.SSLContext, name: str) -> None:
    """Begin TLS, asking for `name`. Raises ssl.SSLError, OSError, TimeoutError."""
    await connection.writer.start_tls(context, server_hostname=name, ssl_handshake_timeout=SECONDS)


async def _connected(address: str, port: int) -> Connection:
    where = f"{address} port {port}"
    try:
        async with asyncio.timeout(SECONDS):
            return Connection(*await asyncio.open_connection(address, port, limit=LARGEST_HEAD))
    except TimeoutError:
        raise NoConnectionError(Unreached(f"no answer from {where} in {SECONDS:g} seconds")) from None
    except OSError as error:
        raise NoConnectionError(Unreached(f"{where}: {reason(error)}")) from error


async def _tunnel(proxy: str, address: str, port: int) -> Connection:
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    named = f"the proxy {parts.hostname}:{parts.port or 80}"
    try:
        connection = await _connected(parts.hostname or "", parts.port or 80)
    except NoConnectionError as error:
        raise NoConnectionError(Unknown(f"{named}: {error.finding.why}")) from error
    target = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *_authorization(parts.username, parts.password)]
    connection.writer.write("\r\n".join((*lines, "", "")).encode("latin-1"))
    try:
        status = status_of(await connection.head())
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        connection.writer.transport.abort()
        raise NoConnectionError(Unknown(f"{named} gave no answer to CONNECT")) from error
    if status == 200:
        return connection
    connection.writer.transport.abort()
    if status in (502, 503, 504):  # it tried, and could not get there either
        raise NoConnectionError(Unreached(f"{address} port {port}: {named} can't reach it ({status})"))
    raise NoConnectionError(Unknown(f"{named} refuses to connect to {address} port {port} ({status})"))


def _authorization(user: str | None, password: str | None) -> list[str]:
    if user is None:
        return []
    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return [f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}"]


def status_of(head: str) -> int:
    """The status of an answer. Raises ValueError when this is no HTTP."""
    version, _, rest = head.partition(" ")
    if not version.startswith("HTTP/"):
        raise ValueError("no HTTP")
    return int(rest[:3])


def reason(error: OSError) -> str:
    """Why a connection failed, in words."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return (error.strerror or str(error) or type(error).__name__).strip()
