"""The run folder's record of what each loading process says: samples, ledger, instances, texts, foreign ones.

Entries of one worker are numbered from 1 and applied in order, each exactly once, whatever the wire
repeats or loses: `take` gives back the number up to which all is on disk, which is what to acknowledge.
An entry that cannot be written leaves its file as it was. All files are open from the start: an entry needs
no descriptor.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from common.files.append_only import AppendOnly
from telemetry.run_folder import instances
from telemetry.run_folder.reading import json_line

SAMPLES: Final = "samples"
LEDGER: Final = "ledger"
INSTANCES: Final = "instances"
TEXTS: Final = "texts"
FOREIGN: Final = "foreign"
FINAL: Final = "final"


class WorkerJournal:
    """The files of one worker in the run folder."""

    def __init__(self, run_dir: Path, worker: str, heard: Callable[[str, Any], None] | None = None) -> None:
        self.worker = worker
        self.applied = 0
        self.final = False
        self.last_ledger: dict[str, Any] = {}
        self._samples = AppendOnly(run_dir / f"samples-{worker}.bin")
        self._ledger = AppendOnly(run_dir / f"ledger-{worker}.jsonl")
        self._texts = AppendOnly(run_dir / f"errors-{worker}.jsonl")
        self._foreign = AppendOnly(run_dir / f"foreign-{worker}.jsonl")
        self._instances = instances.Table(run_dir, worker)
        self._heard = heard

    def take(self, number: int, kind: str, data: Any) -> int:
        """Apply entry `number` if it is the next one; give the number up to which all is applied.

        Raises OSError where it cannot be written: it is not applied then.
        """
        if number == self.applied + 1:
            self._apply(kind, data)
            self.applied = number
            if self._heard is not None:
                self._heard(kind, data)
        return self.applied

    def add_samples(self, records: bytes) -> None:
        """Add records that the worker itself could not write. Raises OSError."""
        self._samples.add(records)

    def _apply(self, kind: str, data: Any) -> None:
        if kind == SAMPLES:
            self._samples.add(data)
        elif kind in {LEDGER, FINAL}:
            self._ledger.add(json_line(data))
            self.last_ledger = data
            self.final = kind == FINAL
        elif kind == INSTANCES:
            self._instances.grow(data)
        elif kind == TEXTS:
            self._texts.add(json_line(data))
        elif kind == FOREIGN:
            self._foreign.add(json_line(data))

    def close(self) -> None:
        """Close the files."""
        for file in (self._samples, self._ledger, self._texts, self._foreign, self._instances):
            file.close()
