"""A running sandbox for each test, and a client that speaks to it over TLS."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from command_line import _applied, applied, provision  # noqa: F401 - fixtures
from core_client import Client

from provision.sandbox.server import Sandbox


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all sandboxes of a run, so that keys are made once; states are apart."""
    return tmp_path_factory.mktemp("sandbox")


@pytest_asyncio.fixture
async def sandbox(certificates: Path, request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Seeded, at speed 1000, with a state of its own."""
    state = certificates / f"{abs(hash(request.node.nodeid)):x}.db"
    async with Sandbox(state) as running:
        yield running
    state.unlink()


@pytest_asyncio.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[Client]:
    trust = ssl.create_default_context(cafile=str(sandbox.ca_path))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
        yield Client(sandbox, session)
