"""Earlier runs that a run is held against, and how much worse is noise: `baseline.json`, written before load.

    found = make("results/x", runs)         # figures (`verdicts.compare.figures`), each with the bound it
    must keep
    write(folder, found)                    # beside the run's samples, so that its report can be made anew

The bound stands away from the baseline's value (the mean of its runs; of logarithms, but for shares) by

    4 runs and more   what one more run stays within at 5 % for all figures together: t · sd · √(1 + 1/n)
    fewer             three standard errors of the difference of two runs, by the spread of `BLOCKS` equal
                      parts of each run, and the floor on top: within a run nothing is seen of what changes
                      between runs

and by the floor at least: `FLOOR` of the value, for a time `LONE` of it where there are fewer than 4 runs,
and the load's own start delay (`verdicts.compare.figures`); for a share 0.1 points and `FEW` calls; for
calls in flight three times their square root, as an open model's vary. Measured false alarms:
docs/adr/0008-regression-bounds.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from pathlib import Path
from typing import Any, Final

import numpy as np

from common.files.atomic_write import write_whole
from verdicts.compare import comparison, figures, same_attack
from verdicts.compare.figures import FIGURES, UNITS, FigureKind, Reading, View, Witness
from verdicts.compare.statistics import ALPHA, MIN_RUNS
from verdicts.measure.arrivals import ledger
from verdicts.run.reading import Floats, Run, RunFolderError
from verdicts.student_t import quantile
from verdicts.thresholds import Bound, Threshold

SCHEMA_VERSION: Final = 1
FILE: Final = "baseline.json"
HISTORY: Final = "history"  # in place of run folders: the run's own series (`verdicts.history.held_against`)
FLOOR: Final = 0.25  # of the value
LONE: Final = 0.5
FEW: Final = 5  # calls that a share may differ by
BLOCKS: Final = 8
ERRORS: Final = 3.0  # standard errors
KINDS: Final = {id: kind for id, kind in FIGURES.items() if not kind.own}


def make(text: str, runs: Sequence[Run]) -> dict[str, Any]:
    """The baseline that `text` names. Raises RunFolderError unless its runs are valid and are of one kind."""
    for run in runs:
        same_attack.check(runs[0], run)
    comparison.all_valid(runs)
    same_attack.alike(runs)
    slow = figures.slow_tools(runs)
    views = [View(run, slow) for run in runs]
    return {
        "schema_version": SCHEMA_VERSION,
        "given": text,
        "runs": [str(run.folder) for run in runs],
        "attacked": same_attack.attacked(runs[0]),
        "slow_tools": sorted(slow),
        "start_delay_p99": max(start_delay(run) for run in runs),
        "figures": {id: _figure(kind, views) for id, kind in KINDS.items()},
    }


def write(folder: Path, found: Mapping[str, Any]) -> None:
    """Write it into a run's folder."""
    write_whole(folder / FILE, json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def of(run: Run) -> Mapping[str, Any]:
    """The baseline of a run that has one. Raises RunFolderError where it is of another version."""
    found = run.baseline or {}
    if found.get("schema_version") != SCHEMA_VERSION:
        version = found.get("schema_version")
        raise RunFolderError(f"{run.folder / FILE}: schema_version: {version!r}, allowed: {SCHEMA_VERSION}")
    return found


def threshold(run: Run) -> Threshold:
    """Its bounds, as a point's threshold."""
    bounds = {id: told["bound"] for id, told in of(run)["figures"].items() if told["bound"] is not None}
    return Threshold(tuple(_comparison(KINDS[id], bound) for id, bound in bounds.items()))


def reading(run: Run, id: str) -> Reading:
    """The run's own figure, taken as the baseline's was."""
    found, kind = of(run), KINDS[id]
    said = found["figures"][id]["witness"]
    witness = next(one for one in kind.witnesses if one.said == said)
    return witness.read(View(run, frozenset(found["slow_tools"])))


def start_delay(run: Run) -> float:
    """The load's own, p99, seconds: how busy the machine was."""
    return float(np.nan_to_num(ledger.of(run).start_delay.p99))


def _comparison(kind: FigureKind, bound: float) -> Bound:
    """Six digits, rounded to where more passes."""
    factor, unit = UNITS[kind.unit]
    op, rounding = ("<=", ROUND_CEILING) if kind.better == "lower" else (">=", ROUND_FLOOR)
    shown = Context(prec=6, rounding=rounding).create_decimal(repr(bound * factor))
    return Bound(kind.id, op, float(shown), unit)


def _figure(kind: FigureKind, views: Sequence[View]) -> dict[str, Any]:
    witness, found = figures.read(kind, views)
    lacking = [one for one in found if math.isnan(one.value)]
    told: dict[str, Any] = {
        "title": kind.titled(views[0].run),
        "unit": kind.unit,
        "witness": witness.said,
        "basis": witness.basis,
        "values": [None if math.isnan(one.value) else one.value for one in found],
        "calls": [one.calls for one in found],
    }
    if lacking:
        return {**told, "value": None, "bound": None, "noise": "", "why": lacking[0].why}
    value, bound, noise = _bound(kind, witness, views, found)
    return {**told, "value": value, "bound": bound, "noise": noise, "why": ""}


def _bound(
    kind: FigureKind, witness: Witness, views: Sequence[View], found: Sequence[Reading]
) -> tuple[float, float, str]:
    """(the baseline's value, the worst that passes, the rule in words)."""
    values = np.array([one.value for one in found])
    least = _floor(kind, views, float(values.mean()))
    if len(values) >= MIN_RUNS:
        return by_spread(kind, values, least)
    value, away = _reach(kind, values, lambda scaled: _within(witness, views, kind, values))
    return value, _worst(kind, value, away + least), f"{BLOCKS} parts of a run"


def by_spread(kind: FigureKind, values: Floats, least: float) -> tuple[float, float, str]:
    """The same of `MIN_RUNS` runs and more, by their spread; `least`: the noise floor in the base unit."""
    value, away = _reach(kind, values, _spread)
    return value, _worst(kind, value, max(least, away)), f"the spread of {len(values)} runs"


def _reach(kind: FigureKind, values: Floats, reach: Callable[[Floats], float]) -> tuple[float, float]:
    """(mean, how far one more may be from it) in the base unit; `reach` tells it of logarithms."""
    scaled = np.log(values) if _logarithmic(kind, values) else values
    middle, away = float(scaled.mean()), reach(scaled)
    if not _logarithmic(kind, values):
        return middle, away
    return math.exp(middle), math.exp(middle + away) - math.exp(middle)


def _worst(kind: FigureKind, value: float, away: float) -> float:
    return value + (away if kind.better == "lower" else -away)


def _logarithmic(kind: FigureKind, values: Floats) -> bool:
    return kind.scale == "ratio" and float(values.min()) > 0


def _floor(kind: FigureKind, views: Sequence[View], value: float) -> float:
    """What nothing smaller counts: the noise floor."""
    if kind.scale == "share":
        fewest = min(int(view.judged.sum()) for view in views)
        return max(kind.floor(views), FEW / max(fewest, 1))
    share = LONE if kind.delay and len(views) < MIN_RUNS else FLOOR
    return max(kind.floor(views), chance(kind, value), share * abs(value))


def chance(kind: FigureKind, value: float) -> float:
    """What a count varies by though nothing changed; 0 for all others."""
    return ERRORS * math.sqrt(value) if not kind.unit else 0.0


def _spread(scaled: Floats) -> float:
    """How far one more run may be from the mean of these, by their spread."""
    n = len(scaled)
    t = quantile(1 - ALPHA / len(KINDS), n - 1)
    return t * float(scaled.std(ddof=1)) * math.sqrt(1 + 1 / n)


def _within(witness: Witness, views: Sequence[View], kind: FigureKind, values: Floats) -> float:
    """The same by the spread within the runs: the noisiest of them counts."""
    logarithmic = _logarithmic(kind, values)
    return ERRORS * math.sqrt(2) * max(_error(witness, view, logarithmic=logarithmic) for view in views)


def _error(witness: Witness, view: View, *, logarithmic: bool) -> float:
    """The standard error of a run's figure by its parts; 0 for one that has none (a peak)."""
    values = np.array([witness.read(part).value for part in view.parts(BLOCKS)])
    values = values[~np.isnan(values)]
    if logarithmic:
        values = np.log(values[values > 0])
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
