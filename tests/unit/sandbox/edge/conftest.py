from __future__ import annotations

from pathlib import Path

import pytest
from edge_bench import Contents


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    """A state with one cluster and no zones."""
    return Contents(tmp_path / "state.db")
