"""The runs that lie in the results folder: what each was, its verdict, its report's file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import gevent
import msgspec

from telemetry.run_folder import manifest, verdict_file
from telemetry.run_folder.reading import RunFolderError
from telemetry.run_folder.verdict_file import VerdictFile

MAX_RUNS: Final = 50
NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
REPORT: Final = "report.html"
COMPARISON: Final = "compare.html"


@dataclass(frozen=True)
class PastRun:
    """A run folder; `verdict` is "" when there is none."""

    name: str
    scenario: str = ""
    target: str = ""
    started: str = ""
    duration: float | None = None  # seconds of load
    protections: str = ""
    verdict: str = ""
    stop_reason: str = ""
    has_report: bool = False
    arrivals: dict[str, Any] = field(default_factory=dict)
    points: Sequence[dict[str, Any]] = ()
    because: list[str] = field(default_factory=list)


def listed(results: Path) -> list[PastRun]:
    """The newest runs first."""
    if not results.is_dir():
        return []
    folders = [one for one in results.iterdir() if NAME.fullmatch(one.name) and not one.is_symlink()]
    found = [(run.stat().st_mtime, one) for one in folders if (run := one / manifest.FILE).is_file()]
    return [_in_turn(folder) for _, folder in sorted(found, reverse=True)[:MAX_RUNS]]


def _in_turn(folder: Path) -> PastRun:
    gevent.sleep(0)  # a load that goes on has its turn between two files
    return read(folder)


def read(folder: Path) -> PastRun:
    """What a run folder says; of one that was never judged its name alone."""
    file = folder / verdict_file.FILE
    try:
        stamp = file.stat().st_mtime_ns
    except OSError:
        return PastRun(folder.name)
    return replace(_read(folder, stamp), has_report=(folder / REPORT).is_file())  # written after its verdict


@lru_cache(maxsize=4 * MAX_RUNS)
def _read(folder: Path, stamp: int) -> PastRun:
    try:
        return _past_run(folder, verdict_file.read(folder))
    except RunFolderError:  # being written, or not ours
        return PastRun(folder.name)


def _past_run(folder: Path, told: VerdictFile) -> PastRun:
    return PastRun(
        name=folder.name,
        scenario=told.scenario,
        target=told.target,
        started=told.started,
        duration=told.duration_s,
        protections=told.preset or ", ".join(told.protections) or "none",
        verdict=told.verdict,
        stop_reason=told.stop_reason,
        arrivals=msgspec.to_builtins(told.arrivals),
        points=msgspec.to_builtins(told.points),
        because=list(told.invalid_because),
    )


def is_run(results: Path, name: str) -> bool:
    """There is a run of that name in `results`, and it was judged."""
    return page(results, name, verdict_file.FILE) is not None


def page(results: Path, name: str, file: str = REPORT) -> Path | None:
    """A file of the folder of that name; None if there is none, or it lies outside `results`."""
    if not NAME.fullmatch(name):
        return None
    root = results.resolve()
    found = (root / name / file).resolve()
    return found if found.is_file() and found.parent.parent == root else None
