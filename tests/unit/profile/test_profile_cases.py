"""Profiles with one problem each: `cases/*.yaml`, whose last comment lines say what is reported.

`UPDATE_GOLDEN=1` writes these lines anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provision.errors import ProfileError
from provision.ingress.load import load

CASES = Path(__file__).parent / "cases"
MARK = "#! "
ENVIRONMENT = {"SECRET": "hunter2", "EMPTY": ""}


@pytest.mark.parametrize("name", sorted(each.stem for each in CASES.glob("*.yaml")))
def test_case(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES)
    file = Path(f"{name}.yaml")
    text = file.read_text(encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load(file, ENVIRONMENT)
    reported = [line for problem in caught.value.problems for line in str(problem).splitlines()]
    if os.environ.get("UPDATE_GOLDEN"):
        kept = [line for line in text.splitlines() if not line.startswith(MARK)]
        file.write_text("".join(f"{line}\n" for line in [*kept, *(MARK + each for each in reported)]))
    expected = [line.removeprefix(MARK) for line in text.splitlines() if line.startswith(MARK)]
    assert reported == expected
    assert "hunter2" not in str(caught.value)
