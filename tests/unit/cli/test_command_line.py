"""The parser, the help, how errors become text, and what the light commands do not import."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision import __main__, cli
from provision.cli import executing
from provision.errors import Problem, ProfileError, ProvisionError, UnsafePlanError, UsageError

ROOT = Path(__file__).parents[3]


def parsers(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The parser and every one below it, with the words that lead to it."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield from parsers(below, f"{name} {word}".strip())


PARSERS = dict(parsers(__main__.parser()))


def test_every_command_is_there() -> None:
    assert set(cli.COMMANDS) <= set(PARSERS)
    assert {"sandbox serve", "sandbox env", "sandbox status", "sandbox reset"} <= set(PARSERS)


@pytest.mark.parametrize("name", PARSERS)
def test_every_help_names_the_exit_codes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        __main__.main([*name.split(), "--help"])
    assert left.value.code == 0
    assert cli.EXIT_CODES in capsys.readouterr().out


@pytest.mark.parametrize("name", PARSERS)
def test_every_option_says_what_it_does(name: str) -> None:
    for action in PARSERS[name]._actions:
        if not isinstance(action, argparse._SubParsersAction):
            assert action.help, action.dest


@pytest.mark.parametrize("name", PARSERS)
def test_an_unknown_option_is_an_error_and_never_drift(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        __main__.main([*name.split(), "--no-such-option"])
    assert left.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: provision")


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Makes `provision options` fail with that error."""

    def run(arguments: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr(cli.load("options"), "run", run)


ERRORS: list[tuple[ProvisionError, list[str]]] = [
    (UsageError("doing it", "it failed"), ["Error: doing it: it failed"]),
    (
        UsageError("doing it", "it failed", "Mend it:", "mend it"),
        ["Error: doing it: it failed", "Mend it:", "    mend it"],
    ),
    (
        ProfileError([Problem("b.yaml", 2, 1, "wrong"), Problem("a.yaml", 0, 0, "absent", "Make it.")]),
        ["a.yaml: absent", "    Make it.", "b.yaml:2:1: wrong", "2 problems in the profile"],
    ),
]


@pytest.mark.parametrize(("error", "lines"), ERRORS)
def test_an_error_is_told_without_a_traceback(
    error: ProvisionError,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    raising(monkeypatch, error)
    assert __main__.main(["options"]) == 1
    assert capsys.readouterr() == ("", "\n".join(lines) + "\n")


SIGNED = (
    "https://management.azure.com/subscriptions/s/operations/1?api-version=2026-08-01"
    "&t=639310749561179955&c=MIIHh-secret&s=c2lnbmVk&h=aGFzaA"
)
SHOWN = "https://management.azure.com/subscriptions/s/operations/1?api-version=2026-08-01&t=…&c=…&s=…&h=…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"no answer from URL('{SIGNED}')", f"no answer from URL('{SHOWN}')"),
        (
            SIGNED.removeprefix("https://management.azure.com"),
            SHOWN.removeprefix("https://management.azure.com"),
        ),
        ("/logs?sig=a%2Fb%3D&se=2026", "/logs?sig=…&se=2026"),
        ("{'Authorization': 'Bearer eyJ0.eyJh.x-_y'}", "{'Authorization': 'Bearer …'}"),
        ("what?this=1&hosts=2&count=3", "what?this=1&hosts=2&count=3"),
    ],
)
def test_a_traceback_shows_no_signature(text: str, shown: str) -> None:
    assert __main__.unsigned(text) == shown


@pytest.mark.parametrize("options", [("--debug",), ()], ids=["told to", "a bug"])
def test_the_traceback_that_is_printed_is_redacted(options: tuple[str, ...], tmp_path: Path) -> None:
    raised = "ProvisionError('doing', url)" if options else "KeyError(url)"
    program = (
        "from provision import __main__\n"
        "from provision.cli import options\n"
        "from provision.errors import ProvisionError\n"
        f"url = {SIGNED!r}\n"
        "def run(arguments):\n"
        "    try:\n"
        "        raise OSError(url)\n"
        "    except OSError as error:\n"
        f"        raise {raised} from error\n"
        "options.run = run\n"
        "__main__.entry()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "options", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.count(SHOWN) == 2
    assert "secret" not in done.stderr


def test_debug_shows_where_a_bug_of_an_apply_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(arguments: object) -> int:
        try:
            raise KeyError(SIGNED)
        except KeyError as error:
            logging.getLogger("provision.apply.executor").debug("applying it", exc_info=error)
        return 1

    logger = logging.getLogger("provision")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    monkeypatch.setattr(cli.load("options"), "run", run)
    assert __main__.main(["options"]) == 1
    assert capsys.readouterr().err == ""
    for _ in range(2):
        assert __main__.main(["options", "--debug"]) == 1
        err = capsys.readouterr().err
        assert err.startswith("applying it\nTraceback (most recent call last):\n")
        assert err.count(SHOWN) == 1


def test_debug_lets_the_traceback_through(monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, UsageError("doing it", "it failed"))
    with pytest.raises(UsageError):
        __main__.main(["options", "--debug"])


def test_an_interrupt_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    assert __main__.main(["options"]) == 1
    assert capsys.readouterr().err == "interrupted\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "goes_on"), [("y\n", True), ("YES\n", True), ("n\n", False), ("", False)])
def test_a_person_is_asked(answer: str, goes_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", screen)
    expected = (
        contextlib.nullcontext()
        if goes_on
        else pytest.raises(UnsafePlanError, match=r"^Nothing was changed: the answer was not yes\.$")
    )
    with expected:
        executing.may_go_on("Apply this plan?", yes=False, must_ask=False, json=False)
    assert screen.getvalue() == "Apply this plan? [y/N] "


@pytest.mark.parametrize(
    ("terminal", "yes", "must_ask", "json_", "goes_on"),
    [
        (False, False, False, False, True),  # a pipeline, and nothing dangerous
        (False, False, True, False, False),
        (False, True, True, False, True),
        (True, True, True, False, True),
        (True, False, True, True, False),  # a program reads along: there is nobody to ask
    ],
)
def test_nobody_is_asked(
    terminal: bool, yes: bool, must_ask: bool, json_: bool, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Terminal if terminal else io.StringIO
    monkeypatch.setattr(sys, "stdin", stream("never read"))
    monkeypatch.setattr(sys, "stderr", stream())
    expected = contextlib.nullcontext() if goes_on else pytest.raises(UnsafePlanError, match="with --yes")
    with expected:
        executing.may_go_on("Apply this plan?", yes=yes, must_ask=must_ask, json=json_)
    assert sys.stdin.read() == "never read"


HEAVY = ("azure", "aiohttp", "cryptography", "msal", "rich")
LIGHT: list[list[str]] = [
    ["--help"],
    ["--version"],
    ["plan", "--help"],
    ["validate", "profiles/prod.yaml"],
    ["options"],
    ["options", "profiles/prod.yaml"],
    ["schema"],
]

_GUID = "11111111-2222-3333-4444-555555555555"
_IMPORTS = """
import json, sys
from provision.__main__ import main
try:
    code = main(sys.argv[1:])
except SystemExit as left:
    code = left.code
print()
print(json.dumps([code or 0, sorted({name.split(".")[0] for name in sys.modules})]))
"""


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_light_commands_import_no_sdk(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS, *arguments],
        env={**os.environ, "AZURE_TENANT_ID": _GUID, "AZURE_SUBSCRIPTION_ID": _GUID},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    assert [name for name in HEAVY if name in modules] == []


def test_a_reader_that_leaves_early_is_no_error() -> None:
    """`provision options | head`: no traceback, and no complaint at the end of the process."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "provision", "options"],
            stdout=writing,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
