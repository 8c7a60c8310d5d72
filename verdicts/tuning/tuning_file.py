"""`tune.json`: every run of a search for limits, and what it has found so far. All else is derived from it.

It is whole after each run, and the next search into the same folder carries on from it. `growth` is what
other sizes of load came to, where that was asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct, field

from telemetry.run_folder import struct_file
from telemetry.run_folder.machine import LoadMachine
from verdicts.tuning.outcome import Length, TuningRun

FILE: Final = "tune.json"
PAGE: Final = "tune.html"
TEXT: Final = "tune.md"
SCHEMA_VERSION: Final = 1


class AsideRun(Struct, frozen=True, kw_only=True):
    """A run that proves nothing; `folder` below the search's own."""

    folder: str
    why: str


class SilentRun(Struct, frozen=True, kw_only=True):
    """A run that was wanted and proved nothing, each time that it was made. Fields as in `TuningRun`."""

    attack: str
    values: dict[str, float]
    length: Length
    repeat: int = 0
    set: str = ""
    mau: int = 0
    instance: int = 1


class GrownSize(Struct, frozen=True, kw_only=True):
    """One size of load. `values`, `instance`: what is best so far; `over`: it went to its end.

    `silent` are the attacks of which no run counts there: they say nothing of that size.
    """

    mau: int
    values: dict[str, float]
    instance: int = 1
    over: bool = False
    silent: tuple[str, ...] = ()


class GrowthFile(Struct, frozen=True, kw_only=True):
    """What was asked of growth. `held`: the set that each size begins with; else as in `TuningFile`."""

    held: dict[str, float]
    sizes: tuple[GrownSize, ...]
    budget_s: float
    took_s: float = 0.0
    ended: str = ""
    runs: tuple[TuningRun, ...] = ()
    aside: tuple[AsideRun, ...] = ()
    silent: tuple[SilentRun, ...] = ()


class TuningFile(Struct, frozen=True, kw_only=True):
    """The whole file. `best`: limit → value; `ended`: "" where it went to its end, else why not.

    `stages` are those that came to their end. `spend`: block → how many shortened runs it may take.
    `left_out`: attack → why it cannot be run. Times are seconds.
    """

    schema_version: int = SCHEMA_VERSION
    written: str
    seed: int
    stack: str = ""
    nano: str = ""
    version: str = ""
    budget_s: float
    spend: dict[str, int] = field(default_factory=dict)
    took_s: float = 0.0
    machine: LoadMachine
    best: dict[str, float]
    ended: str = ""
    stages: tuple[str, ...] = ()
    runs: tuple[TuningRun, ...] = ()
    aside: tuple[AsideRun, ...] = field(default_factory=tuple)
    silent: tuple[SilentRun, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    growth: GrowthFile | None = None


def write(folder: Path, found: TuningFile) -> None:
    """The file, whole or not at all."""
    struct_file.write(folder / FILE, found)
