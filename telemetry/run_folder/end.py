"""`end.json`: how a run ended. Absent when its leading process was killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from common.files.atomic_write import write_whole
from telemetry.run_folder.reading import as_struct, object_whole

FILE: Final = "end.json"
COMPLETED: Final = "completed"
STOP_WHEN: Final = "stop_when of "
"""What the reason begins with where the run was told beforehand when to end."""


class WorkerEnd(Struct, frozen=True, kw_only=True):
    """One loading process: `lost` if it ended without its last word. Clocks are seconds off the master's."""

    name: str
    lost: bool
    clock_offset_s: float = 0.0
    clock_error_s: float = 0.0


class TelemetryCounts(Struct, frozen=True):
    """Points for databases, summed up: acknowledged, still on disk, given up."""

    written: int = 0
    spooled: int = 0
    dropped: int = 0


class RunEnd(Struct, frozen=True, kw_only=True):
    """Times in seconds since the run's start; `stopped_at` is None unless it was told to stop early.

    `plans`: how often the arrivals were dealt to the workers, once and once more each time some were lost.
    """

    t_end: float
    stop_reason: str
    stopped_at: float | None = None
    workers: tuple[WorkerEnd, ...] = ()
    plans: int = 1
    telemetry: TelemetryCounts = TelemetryCounts()

    @property
    def completed(self) -> bool:
        """It went on to its planned end."""
        return self.stop_reason == COMPLETED


def read(run_dir: Path) -> RunEnd | None:
    """How the run ended; None where the file is not there, or torn. Raises RunFolderError."""
    path = run_dir / FILE
    found = object_whole(path)
    return None if found is None else as_struct(path, found, RunEnd)


def write(run_dir: Path, end: RunEnd) -> None:
    """Write it: from here on the run folder is whole."""
    write_whole(run_dir / FILE, json.dumps(msgspec.to_builtins(end), indent=1))
