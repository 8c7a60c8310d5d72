"""`events.jsonl`: what happened when, one line an event, written at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.files.append_only import AppendOnly
from telemetry.run_folder.lines import Event
from telemetry.run_folder.reading import json_line


class EventLog:
    """The file, open to add to. `failed` is told what could not be written; whoever adds goes on."""

    def __init__(self, run_dir: Path, failed: Callable[[OSError], None]) -> None:
        self._file = AppendOnly(run_dir / "events.jsonl")
        self._failed = failed

    def add(self, t: float, kind: str, name: str, **detail: Any) -> None:
        """Add an event at `t` (s since start)."""
        try:
            self._file.add(json_line(Event(round(t, 6), kind, name, detail)))
        except OSError as error:
            self._failed(error)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
