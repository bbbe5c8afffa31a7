"""References to secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.profile.secret_references import secret


def test_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SECRET", "a b:c ")
    assert secret("env:TEST_SECRET", "doing it") == "a b:c "


@pytest.mark.parametrize("text", ["a b", "a b\n", "a b\r\n"])
def test_a_file_without_its_last_line_break(tmp_path: Path, text: str) -> None:
    file = tmp_path / "with:colon"
    file.write_text(text, newline="")
    assert secret(f"file:{file}", "doing it") == "a b"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("TEST_SECRET", raising=False)
    if value is not None:
        monkeypatch.setenv("TEST_SECRET", value)
    with pytest.raises(UsageError, match="doing it: the variable TEST_SECRET is not set"):
        secret("env:TEST_SECRET", "doing it")


def test_a_file_that_is_not_there_or_holds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "key"
    with pytest.raises(UsageError, match="can't be read: No such file"):
        secret(f"file:{file}", "doing it")
    file.write_text("\n")
    with pytest.raises(UsageError, match="is empty"):
        secret(f"file:{file}", "doing it")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"canary\xff")
    with pytest.raises(UsageError, match="it is no text") as caught:
        secret(f"file:{file}", "doing it")
    assert caught.value.__cause__ is None
    assert "canary" not in str(caught.value)
