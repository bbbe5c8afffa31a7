"""How thorough the property tests are: `HYPOTHESIS_PROFILE=thorough scripts/test` takes its time."""

from __future__ import annotations

import gc
import os

from hypothesis import settings

settings.register_profile("quick", max_examples=25, deadline=None)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_collection_finish() -> None:
    """Spare the garbage collector the SDKs' modules and the tests themselves, which stay to the end."""
    gc.collect()
    gc.freeze()
