"""The run folder's record of what each loading process says: samples, ledger lines, instance tables, texts.

Entries of one worker are numbered from 1 and applied in order, each exactly once, whatever the wire
repeats or loses: `take` gives back the number up to which all is on disk, which is what to acknowledge.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from telemetry.recording.recorder import SampleFile
from telemetry.run_folder import instances
from telemetry.run_folder.reading import json_line

SAMPLES: Final = "samples"
LEDGER: Final = "ledger"
INSTANCES: Final = "instances"
TEXTS: Final = "texts"
FINAL: Final = "final"


class WorkerJournal:
    """The files of one worker in the run folder."""

    def __init__(self, run_dir: Path, worker: str, heard: Callable[[str, Any], None] | None = None) -> None:
        self.worker = worker
        self.applied = 0
        self.final = False
        self.last_ledger: dict[str, Any] = {}
        self._run_dir = run_dir
        self._samples = SampleFile(run_dir, worker)
        self._ledger = (run_dir / f"ledger-{worker}.jsonl").open("a")
        self._heard = heard

    def take(self, number: int, kind: str, data: Any) -> int:
        """Apply entry `number` if it is the next one; give the number up to which all is applied."""
        if number == self.applied + 1:
            self._apply(kind, data)
            self.applied = number
            if self._heard is not None:
                self._heard(kind, data)
        return self.applied

    def add_samples(self, records: bytes) -> None:
        """Add records that the worker itself could not write."""
        self._samples(records)

    def _apply(self, kind: str, data: Any) -> None:
        if kind == SAMPLES:
            self._samples(data)
        elif kind in {LEDGER, FINAL}:
            self.last_ledger = data
            self._ledger.write(json_line(data))
            self._ledger.flush()
            self.final = kind == FINAL
        elif kind == INSTANCES:
            instances.write(self._run_dir, self.worker, data)
        elif kind == TEXTS:
            with (self._run_dir / f"errors-{self.worker}.jsonl").open("a") as file:
                file.write(json_line(data))

    def close(self) -> None:
        """Close the files."""
        self._samples.close()
        self._ledger.close()
