"""`tune.json`: every run of a search for limits, and what it has found so far. All else is derived from it.

It is whole after each run, and the next search into the same folder carries on from it. `growth` is what
other sizes of load came to, where that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from scenarios import growth_table
from scenarios.tuning_table import ATTACK, BY_NAME, SETS
from telemetry.run_folder import struct_file
from telemetry.run_folder.machine import LoadMachine
from telemetry.run_folder.reading import RunFolderError
from verdicts.tuning.outcome import TuningRun

FILE: Final = "tune.json"
PAGE: Final = "tune.html"
TEXT: Final = "tune.md"
SCHEMA_VERSION: Final = 1


class AsideRun(Struct, frozen=True, kw_only=True):
    """A run that proves nothing; `folder` below the search's own."""

    folder: str
    why: str


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


class TuningFile(Struct, frozen=True, kw_only=True):
    """The whole file. `best`: limit → value; `ended`: "" where it went to its end, else why not.

    `stages` are those that came to their end. `left_out`: attack → why it cannot be run. Times are seconds.
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
    left_out: dict[str, str] = field(default_factory=dict)
    growth: GrowthFile | None = None


def read(folder: Path) -> TuningFile:
    """That of a folder. Raises RunFolderError, also where it is of limits or attacks of another version."""
    found = struct_file.read(folder / FILE, TuningFile, SCHEMA_VERSION)
    if strange := next(_strange(found), ""):
        raise RunFolderError(f"{folder / FILE}: {strange} (it is of version {found.version or 'unknown'})")
    return found


def _strange(found: TuningFile) -> Iterator[str]:
    """What this version does not know, or misses."""
    growth = found.growth
    runs = (*found.runs, *(growth.runs if growth else ()))
    settings = {"best": found.best, **{run.folder: run.values for run in runs if not run.set}}
    if growth is not None:
        settings |= {"growth.held": growth.held}
        settings |= {f"growth.sizes.{one.mau}": one.values for one in growth.sizes}
    for where, values in settings.items():
        if other := sorted(values.keys() ^ BY_NAME.keys()):
            yield f"{where}: limits {', '.join(other)}, allowed: those of this version, each of them"
    known = ((found.runs, ATTACK), (growth.runs if growth else (), growth_table.BY_NAME))
    for run, attacks in ((run, attacks) for runs, attacks in known for run in runs):
        if run.attack not in attacks:
            yield f"{run.folder}: attack {run.attack!r:.40}, allowed: {', '.join(attacks)}"
        if run.set not in ("", *SETS):
            yield f"{run.folder}: set {run.set!r:.40}, allowed: {', '.join(SETS)}"


def write(folder: Path, found: TuningFile) -> None:
    """The file, whole or not at all."""
    struct_file.write(folder / FILE, found)
