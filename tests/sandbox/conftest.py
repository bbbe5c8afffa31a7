"""A running sandbox for each test, and a client that speaks to it over TLS."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from command_line import _homes, applied, home_after, provision  # noqa: F401 - fixtures
from core_client import Client
from dns_profile import profile  # noqa: F401 - a fixture

from provision.sandbox import issuance
from provision.sandbox.azure import Json
from provision.sandbox.server import Sandbox

_RSA_KEYS = 8
"""Of each size; more than a test makes, so that two certificates of a test never have the same."""


@pytest.fixture(scope="session", autouse=True)
def _rsa_keys() -> Iterator[None]:
    """The vaults of all tests give the same RSA keys out in turn: to make one takes 50 ms and more."""
    make = issuance.new_key
    kept: dict[int, deque[issuance.PrivateKey]] = {}

    def new_key(key_props: Json) -> issuance.PrivateKey:
        if key_props["kty"].startswith("EC"):
            return make(key_props)
        keys = kept.setdefault(key_props["key_size"], deque())
        keys.append(make(key_props) if len(keys) < _RSA_KEYS else keys.popleft())
        return keys[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(issuance, "new_key", new_key)
        yield


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
