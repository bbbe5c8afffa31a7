"""The real az, the real kubectl and a served sandbox for each module.

`PROVISION_TEST_AZ` and `PROVISION_TEST_KUBECTL` name the executables; kubectl is looked for on PATH too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from contract.az import Az, log_in, runner
from contract.kubectl import INSTALL, Kubectl
from provision.sandbox import cluster_credentials
from provision.sandbox.azure import Azure, Clock
from provision.sandbox.home import Home, environment
from provision.sandbox.store import Store

_SERVE = """
import asyncio, sys
from pathlib import Path
from provision.sandbox.home import Home, serve
asyncio.run(serve(Home(Path(sys.argv[1])), ready=lambda server: print(server.url, flush=True)))
"""


@pytest.fixture(scope="module")
def executable() -> str:
    found = os.environ.get("PROVISION_TEST_AZ", "")
    if not found:
        pytest.fail("set PROVISION_TEST_AZ to the path of the az executable")
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The home of a running server."""
    place = Home(tmp_path_factory.mktemp("sandbox"))
    with subprocess.Popen([sys.executable, "-c", _SERVE, str(place.path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline(), "the server ended before it listened"
        yield place
        process.terminate()


@pytest.fixture(scope="module")
def az_as(executable: str, home: Home) -> Callable[[str], Az]:
    """`az_as("reader")(…)` runs az as a seeded client: the JSON it prints, or `AzError`."""

    def choose(client: str) -> Az:
        server = home.running()
        assert server is not None
        variables = {**os.environ, **environment(home, server, client)}
        return runner(executable, variables)

    return choose


@pytest.fixture(scope="module")
def az(az_as: Callable[[str], Az]) -> Az:
    """As the owner."""
    owner = az_as("owner")
    log_in(owner, "owner")
    return owner


@pytest.fixture(scope="module")
def kubectl_executable() -> str:
    found = os.environ.get("PROVISION_TEST_KUBECTL") or shutil.which("kubectl")
    if not found:
        pytest.fail(INSTALL)
    return found


@pytest.fixture(scope="module")
def kubectl(kubectl_executable: str, home: Home, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """In the cluster aks-dev, as its administrator."""
    server = home.running()
    assert server is not None
    folder = tmp_path_factory.mktemp("kubectl")
    store = Store(home.state)
    with store.transaction():
        text = cluster_credentials.kubeconfigs(Azure(store, Clock()), server.url, server.ca)
    store.close()
    (folder / "config").write_text(text)
    return Kubectl(kubectl_executable, folder, folder / "config", ("--context", "aks-dev"))
