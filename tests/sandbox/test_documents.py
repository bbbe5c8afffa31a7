"""Every command in the README and the runbooks does what the document says, in the order it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_line import ROOT, CommandLine, Ran, environment

DOCUMENTS = ["README.md", *sorted(str(file.relative_to(ROOT)) for file in ROOT.glob("docs/runbooks/*.md"))]

NOT_HERE = {
    "scripts/test": "runs this test",
    "scripts/check": "the style of the code, not of the documents",
    "scripts/contract": "runs the real az; so does tests/contract",
    "provision sandbox serve": "runs until it is stopped; see test_command_sandbox.py",
    'eval "$(provision sandbox env)"': "needs a served sandbox; see test_command_sandbox.py",
    'az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" -t "$AZURE_TENANT_ID"': (
        "the real az; see tests/contract"
    ),
    "az network dns zone list --output table": "the real az; see tests/contract",
    "kubectl --context aks-prod get gateways --all-namespaces": "the real kubectl; see tests/contract",
    "provision certificate merge profiles/authorities.yaml partner-tls chain.pem --sandbox": (
        "needs an authority's answer; see test_command_certificates.py"
    ),
    "curl --insecure https://shop.contoso.com/": "the real curl; see tests/unit/sandbox/edge",
}
"""Commands that are not run here, each with the reason. Every other one is."""

_BLOCK = re.compile(r"^(?P<indent> *)```console\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_EXIT = re.compile(r"\s+#\s*exit (?P<code>\d+)$")


@dataclass(frozen=True)
class Command:
    """A line of a document that begins with `$ `, and the exit code it announces."""

    line: str
    code: int


def commands(document: str) -> Iterator[Command]:
    text = (ROOT / document).read_text()
    for block in _BLOCK.finditer(text):
        for line in block["body"].splitlines():
            prompt, _, command = line.strip().partition(" ")
            assert prompt == "$", f"{document}: no command: {line!r}"
            announced = _EXIT.search(command)
            yield Command(_EXIT.sub("", command), int(announced["code"]) if announced else 0)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that the documents name, with `provision` and `scripts/provision` that need no setting up."""
    place = tmp_path / "checkout"
    shutil.copytree(ROOT / "profiles", place / "profiles")
    shutil.copytree(ROOT / "scripts", place / "scripts")
    for shim in (place / "scripts" / "provision", place / "bin" / "provision"):
        shim.parent.mkdir(exist_ok=True)
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m provision "$@"\n')
        shim.chmod(0o755)
    return place


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_of_a_document(
    document: str, checkout: Path, provision: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    for command in commands(document):
        if command.line in NOT_HERE:
            continue
        words = command.line.split()
        if words[0] == "provision" and not re.search(r"[^\w\s./-]", command.line):
            done = provision(*words[1:])  # no shell is needed to read it
        else:
            done = in_a_shell(command.line, checkout, provision.home)
        assert done.code == command.code, f"{command.line}\n{done.out}\n{done.err}"
        assert "Traceback" not in done.err


def in_a_shell(line: str, checkout: Path, home: Path) -> Ran:
    path = f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", line],
        cwd=checkout,
        env=environment(home, PATH=path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_every_document_has_commands() -> None:
    assert len(DOCUMENTS) > 1
    assert [document for document in DOCUMENTS if not list(commands(document))] == []


def test_nothing_is_left_out_that_no_document_names() -> None:
    named = {command.line for document in DOCUMENTS for command in commands(document)}
    assert {line for line in NOT_HERE if line not in named} <= {"scripts/check", "scripts/contract"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_links_to_is_there(document: str) -> None:
    text = (ROOT / document).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert [link for link in links if not ((ROOT / document).parent / link).exists()] == []
