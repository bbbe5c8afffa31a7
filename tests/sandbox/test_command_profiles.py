"""Bad profiles and bad usage through the command line: exit code 1, no traceback, and where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import ROOT, CommandLine

GOOD = (
    (ROOT / "profiles/dev.yaml")
    .read_text()
    .replace("extends: base.yaml", f"extends: {ROOT}/profiles/base.yaml")
)

BROKEN: dict[str, tuple[str, str, str]] = {
    "an unknown key": ("name: dev", "nmae: dev", "nmae: dev"),
    "a tab": ("cluster:\n  name", "cluster:\n\tname", "\tname"),
    "an unknown option": ("option: app-routing", "option: nginx", "nginx\n"),
    "an unknown vault": ("vault: kv-contoso-dev", "vault: kv-other", "kv-other"),
    "an unset variable": (": rg-aks-dev", ": ${UNSET_GROUP}", "${UNSET_GROUP}"),
}
"""By title: what is replaced in a good profile, by what, and the text to which the error must point."""


def broken(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def position(text: str, marker: str) -> str:
    """`line:column` of the marker, from 1."""
    before = text[: text.index(marker)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


@pytest.mark.parametrize("title", BROKEN)
@pytest.mark.parametrize("command", ["plan", "apply", "drift", "destroy", "validate"])
def test_a_bad_profile(command: str, title: str, provision: CommandLine, tmp_path: Path) -> None:
    old, new, marker = BROKEN[title]
    text = broken(old, new)
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    done = provision(command, str(file), "--sandbox")
    assert (done.code, done.calls) == (1, ())
    assert f"{file}:{position(text, marker)}: " in done.err
    assert "Traceback" not in done.err
    assert not provision.home.exists()  # not even a sandbox is made


def test_all_problems_of_all_profiles_come_at_once(provision: CommandLine, tmp_path: Path) -> None:
    files = []
    for name, text in (("one", broken("name: dev", "nmae: dev")), ("two", broken("port: 80", "port: 0"))):
        file = tmp_path / f"{name}.yaml"
        file.write_text(text)
        files.append(str(file))
    done = provision("drift", *files, "--sandbox")
    assert (done.code, done.calls) == (1, ())
    assert all(file in done.err for file in files)


USAGE: list[tuple[tuple[str, ...], str]] = [
    ((), "COMMAND"),
    (("deploy",), "invalid choice: 'deploy'"),
    (("plan",), "PROFILE"),
    (("drift",), "PROFILE"),
    (("plan", "profiles/prod.yaml", "--strict"), "--strict"),
    (("plan", "profiles/prod.yaml", "--format", "xml"), "invalid choice: 'xml'"),
    (("sandbox",), "VERB"),
    (("sandbox", "serve", "--port", "70000"), "--port: 70000 is no port"),
    (("sandbox", "serve", "--speed", "0"), "--speed: must be more than 0"),
    (("options", "--edition", "1999-01"), "--edition"),
    (("completion", "tcsh"), "tcsh"),
    (("plan", "absent.yaml", "--sandbox"), "absent.yaml: there is no such file"),
    (("plan", "profiles", "--sandbox"), "profiles: is a directory, not a file"),
    (("apply", "absent.json", "--sandbox"), "absent.json: there is no such file"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE, ids=lambda value: str(value)[:40])
def test_bad_usage_is_an_error_and_never_drift(
    arguments: tuple[str, ...], message: str, provision: CommandLine
) -> None:
    done = provision(*arguments)
    assert (done.code, done.out) == (1, "")
    assert message in done.err
    assert "Traceback" not in done.err


def homes(tmp_path: Path) -> dict[str, Path]:
    """Folders in which no sandbox can live."""
    file = tmp_path / "file"
    file.write_text("")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "state.db").write_text("not a database " * 100)
    occupied = tmp_path / "occupied"
    (occupied / "state.db").mkdir(parents=True)
    return {"below a file": file / "home", "damaged": damaged, "occupied": occupied}


@pytest.mark.parametrize("kind", ["below a file", "damaged", "occupied"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "profiles/prod.yaml", "--sandbox"),
        ("apply", "profiles/prod.yaml", "--sandbox"),
        ("sandbox", "serve"),
        ("sandbox", "status"),
        ("sandbox", "reset", "--yes"),
    ],
    ids=" ".join,
)
def test_a_home_that_cannot_be_used(
    kind: str,
    arguments: tuple[str, ...],
    provision: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = homes(tmp_path)[kind]
    monkeypatch.setenv("PROVISION_SANDBOX_HOME", str(home))
    done = provision(*arguments)
    assert done.code == 1
    why, fix = done.err.splitlines()
    assert why.startswith(f"Error: opening the sandbox in {home}: ")
    assert fix.startswith("Let PROVISION_SANDBOX_HOME name a folder that can be written")
