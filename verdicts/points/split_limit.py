"""P3.1 and P3.2: how far the per-user rate limit is off while two origins count apart.

Each origin keeps its own counts and learns of the other's at a sync. So two origins that never sync within
a window admit twice the limit, an error of 100 %; one origin alone is exact. Error = admitted / allowed − 1,
over whole windows (`verdicts.measure.limits.limit_error`). Intervals are named as the scenario has them; in
compressed time the real ones are shorter by the run's factor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from verdicts.measure.limits import limit_error
from verdicts.measure.limits.limit_error import RateWindow
from verdicts.measure.target import crash, faults
from verdicts.points.point import BEFORE_1000_MAU, Finding, Value, point
from verdicts.run.reading import Run

NONE: Final = "No account had a limit and enough calls in a whole window."
UNSPLIT: Final = "Not observed: there were faults, but no whole window in which two origins shared the load."
SYNCS: Final = "mcpist_rate_limit_sync_total"
FIGURES: Final = {"max": "share", "mean": "share", "windows": ""}
MOST_ROWS: Final = 200


@point(
    "P3.1",
    en="How far off is the rate limit while two origins share the load?",
    ja="2つのオリジンに分散している間、レート制限の誤差はどれだけか",
    scenario="failover",
    when=BEFORE_1000_MAU,
    figures={**FIGURES, "lost": "", "retried": "", "doubled": ""},
    units={
        "% over the limit (worst window), {} allowed a window": "% 超過(最悪のウィンドウ、上限{}件)",
        "calls lost of {} in flight": "件喪失(処理中{}件のうち)",
    },
)
def error(run: Run) -> Iterator[Finding]:
    """The error a window; then, where an origin died, what became of the calls in flight at it."""
    found = limit_error.windows(run)
    doubt = _doubt(run, found)
    yield Finding.unseen(doubt) if doubt else _error(found, _crashes(run))
    for part in crash.all_of(run):
        yield _crash(part)


def _doubt(run: Run, found: list[RateWindow]) -> str:
    """Why the windows say nothing of a split, "" where they do, or where none was to come."""
    if not found:
        return NONE
    if any(window.split for window in found):
        return ""
    if faults.unmade(run):
        return faults.UNMADE
    return UNSPLIT if run.scenario.get("faults") else ""


def _error(found: list[RateWindow], crashes: Mapping[str, float]) -> Finding:
    judged = limit_error.judged(found)
    figures = _figures(judged)
    whole = "split throughout" if judged[0].split else "whole, none of them split throughout"
    return Finding(
        round(100 * figures["max"], 2),
        f"% over the limit (worst window), {judged[0].promise.limit} allowed a window",
        f"Over {len(judged)} windows {whole}: mean error {100 * figures['mean']:.1f} %, worst "
        f"{100 * figures['max']:.1f} %. Admitted a window on average: {_shares(judged)}.",
        {**figures, **crashes},
        rows=tuple(_row(window) for window in found[:MOST_ROWS]),
    )


def _figures(judged: list[RateWindow]) -> dict[str, float]:
    errors = [window.error for window in judged]
    return {"max": max(errors), "mean": float(np.mean(errors)), "windows": float(len(errors))}


def _shares(judged: list[RateWindow]) -> str:
    names = sorted({name for window in judged for name in window.admitted})
    means = {name: np.mean([window.admitted.get(name, 0) for window in judged]) for name in names}
    return ", ".join(f"{name} {mean:.2f}" for name, mean in means.items())


def _row(window: RateWindow) -> dict[str, Value]:
    return {
        "from s": round(window.start, 2) + 0.0,
        "state": " → ".join(window.states),
        "came": window.came,
        "origin-a": window.admitted.get("origin-a", 0),
        "origin-b": window.admitted.get("origin-b", 0),
        "admitted": sum(window.admitted.values()),
        "allowed": window.promise.limit,
        "refused": window.refused,
        "no answer of an origin": window.unknown,
        "error %": round(100 * window.error, 2),
    }


def _crashes(run: Run) -> dict[str, float]:
    found = crash.all_of(run)
    return {
        "lost": float(sum(one.lost for one in found)),
        "retried": crash.retried(run),
        "doubled": crash.doubled(run),
    }


def _crash(one: crash.Crash) -> Finding:
    return Finding(
        one.lost,
        f"calls lost of {one.in_flight} in flight",
        f"{one.origin} was killed at {one.at:.2f} s with {one.in_flight} calls in flight through the edge: "
        f"{one.lost} ended without a result ({one.words}), {one.in_flight - one.lost} did not. "
        f"Turned to the other origin in the whole run, for a refused connection or sent again: "
        f"{_shown(one.retried)}; charged twice or "
        f"beyond any call: {_shown(one.doubled)}; charged, and not finished: {_shown(one.unfinished)}.",
        part=f"crash-{one.number}",
    )


def _shown(value: float) -> str:
    return "not observed" if math.isnan(value) else f"{value:,.0f}"


@point(
    "P3.2",
    en="How far off is it with the 10-minute database sync?",
    ja="10分間隔のDB同期がある場合の誤差はどれだけか",
    scenario="failover",
    when=BEFORE_1000_MAU,
    figures={**FIGURES, "interval": "s"},
    units={
        "% over the limit (mean window), sync every {} s": "% 超過(平均、{} sごとに同期)",
    },
)
def error_with_sync(run: Run) -> Finding:
    """The mean error at this run's sync interval, and how many syncs there were."""
    found = limit_error.windows(run)
    interval = sync_interval(run)
    if interval is None:
        return Finding.unseen("Not observed: the target names no sync.")
    if doubt := _doubt(run, found):
        return Finding.unseen(doubt)
    judged = limit_error.judged(found)
    figures = _figures(judged)
    scale = float(run.manifest.time_scale)
    window = judged[0].promise.width * scale
    return Finding(
        round(100 * figures["mean"], 2),
        f"% over the limit (mean window), sync every {interval:g} s",
        f"Window {window:g} s, sync every {interval:g} s: {window / interval:.3g} syncs a window and origin. "
        f"{_told(run)} {sum(one.error < 1 for one in judged)} of {len(judged)} windows stayed below twice "
        f"the limit. `python -m verdicts.suite.sync_sweep RUN…` sets several intervals side by side.",
        {**figures, "interval": interval},
    )


def sync_interval(run: Run) -> float | None:
    """Seconds between syncs as the scenario has them, before time was compressed."""
    origin: Mapping[str, Any] = run.manifest.settings("origin")
    every = origin.get("rate_sync")
    return None if every is None else float(f"{every * run.manifest.time_scale:.6g}")


def _told(run: Run) -> str:
    names = ("origin-a", "origin-b")
    counts = [run.target.total(name, SYNCS, span=(0.0, run.load_end)) for name in names]
    if all(math.isnan(count) for count in counts):
        return "The origins told no syncs."
    return (
        f"Syncs during the load: {', '.join(f'{n} {_shown(c)}' for n, c in zip(names, counts, strict=True))}."
    )
