"""The sandbox as a server: HTTPS on loopback, in the caller's event loop."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from provision.sandbox import cluster_authority, faults, seed, services, tls, tokens
from provision.sandbox.azure import Answer, Azure, Clock, Settle
from provision.sandbox.gateway import Gateway
from provision.sandbox.http import Request, Route, Stream
from provision.sandbox.kubernetes import api as kubernetes
from provision.sandbox.store import Store

_LARGEST_BODY = 4 * 1024 * 1024  # ARM's limit
_LOG = 100_000


_PORTS = range(20000, 32768)
"""Where the first port comes from: below those that systems give to connections (RFC 6335, and Linux's
ip_local_port_range), one of which could hold it when the sandbox is opened again."""


def _first_ports() -> list[int]:
    return random.sample(_PORTS, 20)


class Sandbox:
    """An embedded Azure on `https://localhost:<port>` whose state is the SQLite file `path`.

    Use it as an async context manager, or `start()` and `stop()` it. Certificates are kept beside the state.
    With port 0 the port of the last run is taken if it is free (vault names carry it), else any.
    `speed` shrinks Azure's durations, `latency` (seconds) delays each answer.

    `requests` logs `(method, path, status)`, the latest 100,000.
    """

    def __init__(
        self,
        path: Path,
        *,
        speed: float = 1000.0,
        latency: float = 0.0,
        port: int = 0,
        seeded: bool = True,
        routes: Iterable[Route] = services.ROUTES,
        settlers: Mapping[str, Settle] = services.SETTLERS,
        after_write: Callable[[Azure], None] = services.after_write,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._tls = tls.material(path.parent)
        self.azure = Azure(Store(path), Clock(speed), settlers)
        self.requests: deque[tuple[str, str, int]] = deque(maxlen=_LOG)
        self.port = port
        self._latency = latency
        self._seeded = seeded
        self._gateway = Gateway(self.azure, routes, after_write)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def ca_path(self) -> Path:
        """The certificate that clients must trust."""
        return self._tls.ca

    async def start(self) -> None:
        with self.azure.store.transaction():
            tokens.signing_key(self.azure)
            cluster_authority.authority(self.azure)
            if self._seeded:
                seed.seed(self.azure)
        application = web.Application(client_max_size=_LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await self._listen(self._runner)

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self.azure.store.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _listen(self, runner: web.AppRunner) -> None:
        context = self._tls.context()
        # only the Kubernetes API looks at client certificates
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=cluster_authority.authority(self.azure))
        last = (self.azure.store.get("sandbox", "port") or {"port": 0})["port"]
        choices = [self.port] if self.port else [*([last] if last else []), *_first_ports(), 0]
        for choice in choices:
            site = web.TCPSite(runner, "127.0.0.1", choice, ssl_context=context)
            try:
                await site.start()
            except OSError:
                if choice == choices[-1]:
                    raise
                await site.stop()
                continue
            break
        self.port = runner.addresses[-1][1]
        if not last:
            self.azure.store.put("sandbox", "port", {"port": self.port})

    async def _serve(self, received: web.Request) -> web.StreamResponse:
        request = Request(
            method=received.method,
            path=received.path,
            query={name.lower(): value for name, value in received.query.items()},
            headers={name.lower(): value for name, value in received.headers.items()},
            body=None,
            base_url=f"https://{received.host}",
            certificate=_certificate(received),
        )
        content = await received.read()
        if self._latency:
            await asyncio.sleep(self._latency)
        answer = await self._gateway.handle(request, content)
        self.requests.append((request.method, request.path, answer.status))
        if answer.status == faults.DISCONNECT:
            if received.transport is not None:
                received.transport.abort()
            return web.Response(status=500)  # goes nowhere
        if answer.stream is not None:
            return await self._send(received, answer, answer.stream)
        return render(request, answer)

    async def _send(self, received: web.Request, answer: Answer, stream: Stream) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=_headers(answer))
        response.enable_chunked_encoding()
        await response.prepare(received)
        async for news in self._gateway.follow(stream):
            if received.transport is None or received.transport.is_closing():
                break
            for each in news:
                await response.write(json.dumps(each, ensure_ascii=False).encode() + b"\n")
        return response


def _certificate(received: web.Request) -> bytes:
    """The client certificate (DER) of the connection, verified by TLS; empty when there is none."""
    connection: ssl.SSLObject | None = received.get_extra_info("ssl_object")
    return (connection.getpeercert(binary_form=True) if connection else None) or b""


def _headers(answer: Answer) -> dict[str, str]:
    """The headers of a Kubernetes API server."""
    return {"Audit-Id": str(uuid.uuid4()), "Cache-Control": "no-cache, private", **answer.headers}


def render(request: Request, answer: Answer) -> web.Response:
    """The answer on the wire, in the manner of the service that gives it."""
    if kubernetes.serves(request.path):
        body = answer.body
        content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", **_headers(answer)}
        return web.Response(status=answer.status, body=content, headers=headers)
    headers = {
        "Cache-Control": "no-cache",
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-correlation-request-id": str(uuid.uuid4()),
        **answer.headers,
    }
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    if isinstance(answer.body, bytes):  # as it is, such as the `null` of an accepted deletion
        headers.setdefault("Content-Type", "application/json")
        return web.Response(status=answer.status, body=answer.body, headers=headers)
    text = json.dumps(answer.body, ensure_ascii=False)
    if _escapes_slashes(request.path):
        text = text.replace("/", "\\/")
    return web.Response(status=answer.status, text=text, content_type="application/json", headers=headers)


def _escapes_slashes(path: str) -> bool:
    """The DNS services write `\\/` in their JSON, no other does (az CLI recordings test_dns, 2021)."""
    service = path.lower().rpartition("/providers/")[2]
    return service.startswith(("microsoft.network/dnszones", "microsoft.network/privatedns"))
