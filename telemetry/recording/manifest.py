"""`run.json`, the manifest: everything that a reader of the run folder needs beside the samples."""

from __future__ import annotations

import json
import os
import platform
import resource
from pathlib import Path
from typing import Any, Final

import psutil

from telemetry.recording.sample import REASONS

SCHEMA_VERSION: Final = 1


def machine() -> dict[str, Any]:
    """The machine that makes the load."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "open_files_limit": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    }


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def write(run_dir: Path, **fields: Any) -> None:
    """Write `run.json`, whole or not at all; `fields` as docs/architecture.md names them."""
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "run": run_dir.name,
        "reasons": list(REASONS),
        "machine": machine(),
        **fields,
    }
    partial = run_dir / "run.json.tmp"
    partial.write_text(json.dumps(manifest, indent=1, ensure_ascii=False))
    partial.replace(run_dir / "run.json")


class EventLog:
    """`events.jsonl`: what happened when, one line an event, flushed at once."""

    def __init__(self, run_dir: Path) -> None:
        self._file = (run_dir / "events.jsonl").open("a", buffering=1)

    def add(self, t: float, kind: str, name: str, **detail: Any) -> None:
        """Add an event at `t` (s since start)."""
        event = {"t": round(t, 6), "kind": kind, "name": name, "detail": detail}
        self._file.write(json.dumps(event, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
