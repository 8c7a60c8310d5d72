"""`tune.json`: every run of a search for limits, and what it has found so far. All else is derived from it.

It is whole after each run, and the next search into the same folder carries on from it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, field

from common.files.atomic_write import write_whole
from telemetry.run_folder.machine import LoadMachine
from telemetry.run_folder.reading import RunFolderError, as_struct, json_object
from verdicts.tuning.outcome import TuningRun

FILE: Final = "tune.json"
PAGE: Final = "tune.html"
TEXT: Final = "tune.md"
SCHEMA_VERSION: Final = 1


class AsideRun(Struct, frozen=True, kw_only=True):
    """A run that proves nothing; `folder` below the search's own."""

    folder: str
    why: str


class TuningFile(Struct, frozen=True, kw_only=True):
    """The whole file. `best`: limit → value; `ended`: "" where it went to its end, else why not.

    `stages` are those that came to their end. Times are seconds.
    """

    schema_version: int = SCHEMA_VERSION
    written: str
    seed: int
    stack: str = ""
    nano: str = ""
    version: str = ""
    budget_s: float
    took_s: float = 0.0
    machine: LoadMachine
    best: dict[str, float]
    ended: str = ""
    stages: tuple[str, ...] = ()
    runs: tuple[TuningRun, ...] = ()
    aside: tuple[AsideRun, ...] = field(default_factory=tuple)


def read(folder: Path) -> TuningFile:
    """That of a folder. Raises RunFolderError."""
    path = folder / FILE
    found = as_struct(path, json_object(path), TuningFile)
    if found.schema_version != SCHEMA_VERSION:
        raise RunFolderError(f"{path}: schema_version: {found.schema_version}, allowed: {SCHEMA_VERSION}")
    return found


def write(folder: Path, found: TuningFile) -> None:
    """The file, whole or not at all."""
    text = json.dumps(msgspec.to_builtins(found), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(folder / FILE, text + "\n")
