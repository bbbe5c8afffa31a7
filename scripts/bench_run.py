"""Commands run and timed, for `scripts/bench`."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROVISION = str(Path(sys.executable).parent / "provision")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result. `aim` is empty where there is none."""

    name: str
    value: float
    unit: str
    aim: str
    how: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command: seconds by the clock, seconds of processor time, what it wrote."""

    wall: float
    processor: float
    output: str


def run(command: Sequence[str], variables: Mapping[str, str], codes: Sequence[int] = (0,)) -> Run:
    """Run a command to its end. Raises RuntimeError with what it wrote when it ends with another code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    with subprocess.Popen(  # noqa: S603 - commands written in this file
        command,
        env=variables,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # with whatever a script has started
            raise
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode not in codes:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output}{errors}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall, processor, output)
