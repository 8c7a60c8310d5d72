"""Is the run worse than its baseline? A finding a figure, held against its bound.

A baseline out of the history has the figure's whole series, too: the run also fails where the series with it
at its end has changed for the worse (`verdicts.compare.change_points`), by however little.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from verdicts.compare import baseline, change_points, same_attack
from verdicts.compare.baseline import KINDS
from verdicts.compare.figures import UNITS, Reading
from verdicts.points.point import Finding, point
from verdicts.run.reading import Run

NAMED: Final = 8  # runs of a baseline


@point(
    "baseline",
    en="Is it worse than the baseline?",
    ja="基準とした過去の実行より悪化していないか",
    figures={id: kind.unit for id, kind in KINDS.items()},
    units={
        "calls": "件",
    },
)
def against_baseline(run: Run) -> Iterator[Finding]:
    """What the baseline is, then each figure beside the baseline's."""
    found = baseline.of(run)
    yield _what(run, found)
    for id, told in found["figures"].items():
        now = baseline.reading(run, id)
        change = _change(found, id, now)
        if told["value"] is None and not change:
            yield Finding.unseen(f"The baseline has no {told['title']}: {told['why']}.", id, told["basis"])
        else:
            yield _held(id, told, now, change)


def _what(run: Run, found: Mapping[str, Any]) -> Finding:
    now = same_attack.attacked(run)
    differs = same_attack.unlike(found["attacked"], {key: now[key] for key in found["attacked"]})
    changed = (
        f"This run differs in {'; '.join(differs)}." if differs else "This run differs in nothing recorded."
    )
    delays = [f"{seconds * 1000:.3g} ms" for seconds in (baseline.start_delay(run), found["start_delay_p99"])]
    load = f"The load's own start delay p99 is {delays[0]} against {delays[1]}; more is a busier machine."
    runs = found["runs"]
    evidence = f"{_named(runs)}. {changed} {load}" if runs else "The history has no run of this attack yet."
    return Finding(len(runs), "runs" if len(runs) != 1 else "run", evidence)


def _named(runs: Sequence[str]) -> str:
    """The newest by name."""
    more = len(runs) - NAMED
    return f"{f'{more} runs, and ' if more > 0 else ''}{', '.join(runs[-NAMED:])}"


def _change(found: Mapping[str, Any], id: str, now: Reading) -> str:
    """The change for the worse that the series shows with this run, in words; "" for none."""
    series, kind = found["figures"][id].get("series"), KINDS[id]
    if series is None or math.isnan(now.value):
        return ""
    known = [(run, value) for run, value in zip(found["series"], series, strict=True) if value is not None]
    values = [*(value for _, value in known), now.value]
    change = change_points.worsened(values, kind.scale, kind.better)
    if change is None:
        return ""
    names = [*(run for run, _ in known), "this run"]
    since = f"after {names[change.at - 1]} and by {names[change.at]}"
    levels = f"{kind.shown(change.before)} to {kind.shown(change.after)}"
    return f"the series changed for the worse {since}: {levels}"


def _held(id: str, told: Mapping[str, Any], now: Reading, change: str) -> Finding:
    kind = KINDS[id]
    factor, unit = UNITS[kind.unit]
    seen = not math.isnan(now.value)
    is_now = f"{kind.shown(now.value)}{_over([now.calls])}" if seen else f"not taken ({now.why})"
    evidence = f"{told['title']}: {is_now}"
    if told["value"] is not None:
        was = f"the baseline's {kind.shown(told['value'])}{_over(told['calls'])}"
        evidence += f" against {was}; bound by {told['noise']}; seen by {told['witness']}"
    return Finding(
        float(f"{now.value * factor:.6g}") if seen else None,
        unit or "calls",
        " ".join(f"{said[0].upper()}{said[1:]}." for said in (evidence, change) if said),
        {id: now.value},
        id,
        told["basis"],
        status="fail" if change else None,
        broke=f"{id} is {is_now}: {change}" if change else "",
    )


def _over(calls: list[int]) -> str:
    return f" (over {min(calls):,} calls)" if any(calls) else ""
