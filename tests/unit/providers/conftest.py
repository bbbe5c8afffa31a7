"""What every test of the edge runs with: no network, and SDK clients that stand still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_socket

from providers.bench import Bench


@pytest.fixture(autouse=True)
def network_off() -> Iterator[None]:
    """Any socket but the event loop's own pair is an error."""
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture
def bench() -> Bench:
    return Bench()
