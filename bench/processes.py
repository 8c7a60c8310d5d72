"""Run a load generator as a child and know the CPU that it alone used."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Final

from tests.support import needs

GRACE: Final = 60.0  # seconds beyond the load's own duration before a child is killed


@dataclass(frozen=True)
class Finished:
    """A child that ended: its output, its CPU seconds (user + system, its own children included).

    `memory`: the most bytes that were resident at once.
    """

    output: str
    cpu_s: float
    wall_s: float
    memory: int = 0


def run(command: Sequence[str], limit: float, cwd: Path | None = None) -> Finished:
    """Run to the end, at most `limit` + GRACE seconds. RuntimeError if it fails or is killed.

    The CPU is what wait4(2) reports for this child, so nothing else on the machine is in it.
    """
    began = time.monotonic()
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env={**os.environ, "PATH": needs.PATH},
        start_new_session=True,
    ) as child:
        watch = Timer(limit + GRACE, os.killpg, (child.pid, signal.SIGKILL))
        watch.start()
        assert child.stdout
        assert child.stderr
        output, errors = child.stdout.read().decode(), child.stderr.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        watch.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command[0]} ended with {child.returncode}: {(errors or output)[-2000:]}")
    return Finished(output, usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss * 1024)


def installed(tool: str) -> bool:
    """Whether a peer is here; those that are not are left out of the tables."""
    return needs.NEEDS[tool].find() is not None
