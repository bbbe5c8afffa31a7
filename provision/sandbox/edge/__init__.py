"""The sandbox's edge: its zones and its gateways' addresses, reachable on loopback."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from provision.sandbox.edge import fronts, names
from provision.sandbox.edge.dns_server import DnsServer
from provision.sandbox.edge.listeners import Listeners
from provision.sandbox.edge.state import State
from provision.sandbox.proxy import ConnectProxy, Unreachable


class Edge:
    """Name servers, gateways and the proxy to them for the sandbox on `port` with the state file `path`.

    Everything listens on free ports of 127.0.0.1, once started. `dns` is the (host, port) of a resolver;
    `parent_dns` answers as the name servers of the zone above the asked name, for telling whether a zone is
    delegated (see `names`). `proxy_url` brings clients to gateways by address or host name, and to Azure.
    """

    def __init__(self, path: Path, port: int, *, speed: float = 1000.0) -> None:
        self._state = State(path, speed)
        self._resolver = DnsServer(self._state, names.resolved)
        self._parents = DnsServer(self._state, names.from_above)
        self._listeners = Listeners(self._state)
        self._proxy = ConnectProxy(port, self.locate)

    @property
    def dns(self) -> tuple[str, int]:
        return "127.0.0.1", self._resolver.port

    @property
    def parent_dns(self) -> tuple[str, int]:
        return "127.0.0.1", self._parents.port

    @property
    def proxy_url(self) -> str:
        return self._proxy.url

    async def locate(self, host: str, port: int) -> int | None:
        """The loopback port behind a gateway's address, or behind a name that leads to one.

        None for what is not the sandbox's; raises Unreachable for what is and has nothing listening there.
        A loopback address is its own, with the edge's ports.
        """
        if host in ("localhost", "127.0.0.1"):
            own = port in (self._resolver.port, self._parents.port) or self._listeners.owns(port)
            return port if own else None
        await self._state.settle()
        azure = self._state.azure
        addresses: list[str] | None = [host]
        if not fronts.is_address(azure, host):
            addresses = names.addresses(azure, host)
        if addresses is None:
            return None
        for address in addresses:
            found = await self._listeners.port(address, port)
            if found:
                return found
        where = ", ".join(addresses)
        raise Unreachable(f"nothing listens on port {port} of {where}" if where else f"{host} has no address")

    async def start(self) -> None:
        await self._resolver.start()
        await self._parents.start()
        await self._proxy.start()

    async def stop(self) -> None:
        await self._proxy.stop()
        await self._listeners.stop()
        await self._resolver.stop()
        await self._parents.stop()
        self._state.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
