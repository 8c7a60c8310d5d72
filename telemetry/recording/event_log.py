"""`events.jsonl`: what happened when, one line an event, flushed at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from telemetry.run_folder.lines import Event
from telemetry.run_folder.reading import json_line


class EventLog:
    """The file, open to add to."""

    def __init__(self, run_dir: Path) -> None:
        self._file = (run_dir / "events.jsonl").open("a", buffering=1)

    def add(self, t: float, kind: str, name: str, **detail: Any) -> None:
        """Add an event at `t` (s since start)."""
        self._file.write(json_line(Event(round(t, 6), kind, name, detail)))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
