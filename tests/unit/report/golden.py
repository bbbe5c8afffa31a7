"""Comparing output with files in `golden/`. `UPDATE_GOLDEN=1` writes them anew: read the difference then."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def check(name: str, text: str) -> None:
    """`text` must be what the file holds; escape sequences are written as `\\e`."""
    shown = text.replace("\x1b", "\\e")
    file = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(shown, encoding="utf-8")
    assert file.exists(), f"no {file}: run once with UPDATE_GOLDEN=1"
    assert shown == file.read_text(encoding="utf-8")
