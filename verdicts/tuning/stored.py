"""A folder's tune.json, held against the limits and attacks of this version."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from scenarios import growth_table
from scenarios.tuning_table import ATTACK, BLOCKS, BY_NAME, SETS
from telemetry.run_folder import struct_file
from telemetry.run_folder.reading import RunFolderError
from verdicts.tuning.outcome import TuningRun
from verdicts.tuning.tuning_file import FILE, SCHEMA_VERSION, GrowthFile, SilentRun, TuningFile


def read(folder: Path) -> TuningFile:
    """That of a folder. Raises RunFolderError, also where it is of limits or attacks of another version."""
    found = struct_file.read(folder / FILE, TuningFile, SCHEMA_VERSION)
    if strange := next(_strange(found), ""):
        raise RunFolderError(f"{folder / FILE}: {strange} (it is of version {found.version or 'unknown'})")
    return found


def _strange(found: TuningFile) -> Iterator[str]:
    """What this version does not know, or misses."""
    growth = found.growth
    known: list[tuple[TuningFile | GrowthFile, Collection[str]]] = [(found, ATTACK)]
    known += [(growth, growth_table.BY_NAME)] if growth else []
    runs: list[tuple[str, TuningRun | SilentRun, Collection[str]]] = []
    for part, attacks in known:
        runs += [(run.folder, run, attacks) for run in part.runs]
        runs += [(f"silent.{place}.{one.attack}", one, attacks) for place, one in enumerate(part.silent)]
    settings = {"best": found.best, **{where: run.values for where, run, _ in runs if not run.set}}
    if growth is not None:
        settings |= {"growth.held": growth.held}
        settings |= {f"growth.sizes.{one.mau}": one.values for one in growth.sizes}
    if found.spend and (other := sorted(found.spend.keys() ^ set(BLOCKS))):
        yield f"spend: blocks {', '.join(other)}, allowed: those of this version, each of them"
    for where, values in settings.items():
        if other := sorted(values.keys() ^ BY_NAME.keys()):
            yield f"{where}: limits {', '.join(other)}, allowed: those of this version, each of them"
    for where, run, attacks in runs:
        if run.attack not in attacks:
            yield f"{where}: attack {run.attack!r:.40}, allowed: {', '.join(attacks)}"
        if run.set not in ("", *SETS):
            yield f"{where}: set {run.set!r:.40}, allowed: {', '.join(SETS)}"
