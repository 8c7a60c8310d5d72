"""BASELINE=history: a run's own series as its baseline, in the shape of `verdicts.compare.baseline`.

Each figure's bound is that of the level which its series stands on (`change_points.settled`), by the spread
of `MIN_RUNS` runs and more; beside it stands the whole series, so that a change too small for one run is seen
by several. A series with fewer runs bounds nothing: the first runs of an attack pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from verdicts.compare import change_points
from verdicts.compare.baseline import FEW, FLOOR, HISTORY, KINDS, SCHEMA_VERSION, by_spread, chance
from verdicts.compare.figures import FLOORS, FigureKind
from verdicts.compare.statistics import MIN_RUNS
from verdicts.history import store
from verdicts.history.entry import HistoryRun, RunFigure, SeriesKey

MOST: Final = 100  # the newest runs of a series


def make(folder: Path, key: SeriesKey) -> dict[str, Any]:
    """The baseline of a run of this series. Raises HistoryError where the history cannot be read."""
    runs = [one for one in store.read(folder, key.scenario) if one.key == key][-MOST:]
    return document(runs)


def document(runs: Sequence[HistoryRun]) -> dict[str, Any]:
    """The same of these runs, all of one series."""
    last = runs[-1] if runs else None
    delays = [figure.value for run in runs[-1:] for figure in run.figures if figure.id == "delay"]
    return {
        "schema_version": SCHEMA_VERSION,
        "given": HISTORY,
        "runs": [one.run for one in runs],
        "attacked": {"version": last.version} if last else {},
        "slow_tools": list(last.slow_tools) if last else [],
        "start_delay_p99": max(delays, default=0.0),
        "series": [f"{one.run} ({one.of})" for one in runs],
        "figures": {id: _figure(kind, runs) for id, kind in KINDS.items()},
    }


def _figure(kind: FigureKind, runs: Sequence[HistoryRun]) -> dict[str, Any]:
    found = [_of(run, kind.id) for run in runs]
    witness = next((one.witness for one in reversed(found) if one), kind.witnesses[0].said)
    basis = next((one.basis for one in kind.witnesses if one.said == witness), "measured")
    known = [one for one in found if one is not None and one.witness == witness]
    told: dict[str, Any] = {
        "title": kind.title.format(users="users"),
        "unit": kind.unit,
        "witness": witness,
        "basis": basis,
        "values": [one.value for one in known],
        "calls": [one.calls for one in known],
        "series": [one.value if one is not None and one.witness == witness else None for one in found],
    }
    level = change_points.settled(told["values"], kind.scale, kind.better) if known else ()
    if len(level) < MIN_RUNS:
        why = f"its level in the history has {len(level)} runs, a bound needs {MIN_RUNS}"
        return {**told, "value": None, "bound": None, "noise": "", "why": why}
    values = np.array(level)
    value, bound, noise = by_spread(kind, values, _floor(kind, float(values.mean()), min(told["calls"])))
    return {**told, "value": value, "bound": bound, "noise": noise, "why": ""}


def _of(run: HistoryRun, id: str) -> RunFigure | None:
    return next((one for one in run.figures if one.id == id), None)


def _floor(kind: FigureKind, value: float, calls: int) -> float:
    """What nothing smaller counts, where one run alone is looked at."""
    least = FLOORS.get(kind.unit, 0.0)
    if kind.scale == "share":
        return max(least, FEW / max(calls, 1))
    return max(least, chance(kind, value), FLOOR * abs(value))
