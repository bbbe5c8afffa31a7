"""The parser, the help, how errors become text, and what the light commands do not import."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision import __main__, cli
from provision.errors import Problem, ProfileError, ProvisionError, UsageError

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


def in_a_process(raised: str, *options: str) -> str:
    """What a command writes that ends with an error of another error."""
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
    assert "MIIHh" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("raised", ["ProvisionError('doing', url)", "KeyError(url)"])
def test_the_traceback_that_is_asked_for_is_redacted(raised: str) -> None:
    text = in_a_process(raised, "--debug")
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.count(SHOWN) == 2


def test_a_defect_is_told_without_a_traceback() -> None:
    assert in_a_process("KeyError(url)") == (
        f"Error: provision itself failed, which is a defect: KeyError: {SHOWN!r}\n"
        "Run the same command with --debug, and report what it prints.\n"
    )
