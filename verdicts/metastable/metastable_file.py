"""`metastable.json`: every trial of a search for the frontier. All else is derived from it.

It is whole after each trial, and the next search into the same folder carries on from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

from shapes.frontier.search import StormPoint
from telemetry.run_folder import struct_file
from telemetry.run_folder.machine import LoadMachine

FILE: Final = "metastable.json"
PAGE: Final = "metastable.html"
SCHEMA_VERSION: Final = 1


class StormTrial(Struct, frozen=True, kw_only=True):
    """One trial at `load` (share of what the system bears) and `length` of the trigger (seconds).

    `seconds` until goodput was back, None where it did not come back in time; `before` and `goodput` while
    it lasted are shares of the intents; `amplification`: attempts ÷ intents at its worst; `kept_down`: S4's
    words.
    """

    load: float
    length: float
    back: bool
    seconds: float | None = None
    before: float = 1.0
    goodput: float | None = None
    amplification: float | None = None
    kept_down: str = ""
    folder: str = ""
    took_s: float = 0.0

    @property
    def point(self) -> StormPoint:
        """Where it lies."""
        return StormPoint(self.load, self.length)


class StormRow(Struct, frozen=True, kw_only=True):
    """One set of protections under agents of one policy.

    `note`: why its search ended early, "" if it did not; `aside`: what proves nothing, a line each.
    """

    protect: str
    agents: str
    trials: tuple[StormTrial, ...] = ()
    note: str = ""
    aside: tuple[str, ...] = ()


class MetastableFile(Struct, frozen=True, kw_only=True):
    """The whole file. `capacity`: what a load of 1 is, in first calls a second, and where that is from.

    `loads` (shares) and `lengths` (seconds) are the lines that are searched, from `lowest_load` and
    `lowest_length` on. `scenario_digest` is of the scenario's content. Times are seconds; `seed`, `stack` and
    `nano` as they were given.
    """

    schema_version: int = SCHEMA_VERSION
    written: str
    scenario: str
    scenario_digest: str = ""
    title: str = ""
    capacity: float
    capacity_of: str = ""
    loads: tuple[float, ...]
    lengths: tuple[float, ...]
    lowest_load: float
    lowest_length: float
    tolerance: float
    duration_scale: float = 1.0
    seed: str = ""
    stack: str = ""
    nano: str = ""
    version: str = ""
    budget_s: float = 0.0
    machine: LoadMachine
    rows: tuple[StormRow, ...] = ()


def read(folder: Path) -> MetastableFile:
    """That of a folder. Raises RunFolderError."""
    return struct_file.read(folder / FILE, MetastableFile, SCHEMA_VERSION)


def write(folder: Path, found: MetastableFile) -> None:
    """The file, whole or not at all."""
    struct_file.write(folder / FILE, found)
