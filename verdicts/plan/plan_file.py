"""`plan.json`: the runs of a plan's folder, and how each ended. Written before the first and after each.

{"schema_version":1,"mode","started","took_s","version","runs":[{"scenario","label","name","folder","points",
 "leads","full_s" (the scenario's own duration),"command","exit_code" (null: it did not run),"took_s"}],
 "left" (questions that the mode leaves to `full`),"nano" (NANO= as it was given)}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from common.files.atomic_write import write_whole
from verdicts.run.reading import RunFolderError

FILE: Final = "plan.json"
SCHEMA_VERSION: Final = 1


@dataclass(frozen=True)
class PlannedRun:
    """One run: what it was to do, and its exit code when it is over."""

    scenario: str
    label: str
    name: str
    folder: str
    points: tuple[str, ...]
    leads: tuple[str, ...]
    full_s: float
    command: str
    exit_code: int | None = None
    took_s: float | None = None


@dataclass(frozen=True)
class PlanFile:
    """A plan's runs in order. `started` is UTC, `took_s` the seconds until the last run was over."""

    mode: str
    started: str
    version: str
    runs: tuple[PlannedRun, ...]
    took_s: float = 0.0
    left: tuple[str, ...] = ()
    nano: str = ""
    schema_version: int = SCHEMA_VERSION

    def ended(self, number: int, exit_code: int, took_s: float, folder: str) -> PlanFile:
        """The file after run `number` was over; `folder` is that of its last attempt."""
        over = replace(self.runs[number], exit_code=exit_code, took_s=round(took_s, 1), folder=folder)
        runs = (*self.runs[:number], over, *self.runs[number + 1 :])
        return replace(self, runs=runs, took_s=round(self.took_s + took_s, 1))

    def write(self, folder: Path) -> None:
        """Into the plan's folder."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"
        write_whole(folder / FILE, text)


def read(folder: Path) -> PlanFile:
    """The file of a plan's folder. Raises RunFolderError."""
    file = folder / FILE
    try:
        data: Mapping[str, Any] = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        version = data.get("schema_version")
        if version != SCHEMA_VERSION:
            raise RunFolderError(f"{file}: schema_version: {version!r}, allowed: {SCHEMA_VERSION}")
        return msgspec.convert(data, PlanFile)
    except (OSError, msgspec.MsgspecError) as error:
        raise RunFolderError(f"{file}: {error}".replace("\n", " ")) from None
