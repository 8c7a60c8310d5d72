"""S1 to S4: what repeats do to a system that was hit once, and whether it comes back.

The trigger is the run's first fault; goodput and amplification are of the judged users' intents
(`verdicts.measure.intents`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from verdicts.measure.intents import causes, intents, storm
from verdicts.points.point import AT_100_MAU, Finding, point
from verdicts.run.reading import Run

WINDOW: Final = 5  # seconds
METASTABLE: Final = "metastable"
NOT_BACK: Final = "not within the run"


@point(
    "S1",
    en="How far do repeats multiply the load at its worst?",
    ja="再試行は負荷を最大で何倍にするか",
    scenario="retry-storm",
    when=AT_100_MAU,
    figures={"worst": "", "whole": "", "repeats": ""},
    units={"attempts an intent (worst 5 s)": "試行/意図(最悪の5秒間)"},
)
def amplification(run: Run) -> Finding:
    """Attempts ÷ intents, by when the calls went out."""
    sent = intents.calls(run)
    if not sent.any():
        return Finding.unseen("No judged user sent a call.")
    whole = intents.of(run)
    worst = _worst(run)
    evidence = f"{whole.first:,} first calls and {whole.repeats:,} repeats: {whole.amplification:.2f} in all."
    figures = {"worst": worst, "whole": whole.amplification, "repeats": float(whole.repeats)}
    return _cut(run, Finding(round(worst, 2), "attempts an intent (worst 5 s)", evidence, figures))


@point(
    "S2",
    en="How many seconds until goodput is back after the trigger is gone?",
    ja="引き金が消えてから、有効な応答が元に戻るまで何秒かかるか",
    scenario="retry-storm",
    when=AT_100_MAU,
    figures={"seconds": "s", "metastable": "", "watched": "s", "before": "share"},
    units={"s until goodput is back": "秒(有効応答が元に戻るまで)"},
)
def back_again(run: Run) -> Finding:
    """Until 99 % of the goodput of before."""
    return _cut(run, _back_again(run))


def _back_again(run: Run) -> Finding:
    found = storm.of(run)
    if isinstance(found, str):
        return Finding.unseen(found)
    state = found.metastable
    figures = {
        "seconds": found.back, "metastable": math.nan if state is None else float(state),
        "watched": found.watched, "before": found.before,
    }  # fmt: skip
    about = f"{found.name} from {found.at:g} s to {found.end:g} s"
    if not found.well:
        figures |= {"seconds": math.nan, "metastable": math.nan}
        few = f"{0.0 if math.isnan(found.before) else found.before:.1%} were served in time before {about}"
        return Finding(None, "", f"Only {few}: there is nothing to come back to.", figures)
    about += f"; before it {found.before:.1%} were served in time"
    if math.isfinite(found.back):
        return Finding(found.back, "s until goodput is back", f"{about}.", figures)
    at_least = {"seconds": found.back_at_least}
    told = f"{about}; it did not come back within the {found.watched:g} s that were watched"
    if (heard := storm.edge_heard(run, found)) < storm.LEAST_HEARD:
        figures |= {"seconds": math.nan, "metastable": math.nan}
        alone = (
            f"{told}, but its edge answered {heard:.0%} of the scrapes: this machine may be what gave way."
        )
        return Finding(NOT_BACK, "", alone, figures)
    if state is None:
        short = f"{told}, too few to call it metastable ({found.required:g} s)."
        return Finding(NOT_BACK, "", short, figures, at_least=at_least)
    return Finding(METASTABLE, "", f"{told}, though the load was as before.", figures, at_least=at_least)


@point(
    "S3",
    en="How much goodput was left while it lasted?",
    ja="その間、有効な応答はどれだけ残ったか",
    scenario="retry-storm",
    when=AT_100_MAU,
    figures={"share": "share", "rate": "req/s"},
    units={"% of intents served in time": "%(期限内に応答を得た意図)"},
)
def goodput(run: Run) -> Finding:
    """From the trigger until it was back, or the watch's end."""
    found = storm.of(run)
    if isinstance(found, str):
        return Finding.unseen(found)
    start, end = found.lasted
    wanted = intents.of(run)
    asked = wanted.within(start, end)
    good = int((asked & wanted.good).sum())
    share, rate = wanted.goodput(start, end), good / (end - start)
    evidence = f"{good:,} of {int(asked.sum()):,} intents planned from {start:g} s to {end:g} s"
    evidence += f", {rate:.1f} a second."
    figures = {"share": share, "rate": rate}
    return _cut(run, Finding(round(100 * share, 2), "% of intents served in time", evidence, figures))


@point(
    "S4",
    en="What kept it down after the trigger was gone?",
    ja="引き金が消えた後、何が復旧を妨げたか",
    scenario="retry-storm",
    when=AT_100_MAU,
    figures={
        "repeats": "share",
        "queue": "s",
        "sessions": "share",
        "connections": "share",
        "refused": "share",
    },
)
def kept_down(run: Run) -> Finding:
    """The causes whose figure is over its bound, from the trigger's end until it was back."""
    found = storm.of(run)
    if isinstance(found, str):
        return Finding.unseen(found)
    told = causes.of(run, found)
    over = [cause.name for cause in told if cause.over and found.back > 0]
    start, end = found.aftermath
    evidence = f"From {start:g} s to {end:g} s: " + "; ".join(cause.told for cause in told) + "."
    rows = tuple(
        {"cause": cause.name, "figure": cause.told, "over its bound": "yes" if cause.name in over else "no"}
        for cause in told
    )
    figures = {cause.name: cause.value for cause in told}
    return Finding(", ".join(over) or "none", "", evidence, figures, rows=rows)


def _cut(run: Run, finding: Finding) -> Finding:
    """Where `max_rps` cut repeats off, nothing is known of what they would have done: no bound holds."""
    lost = intents.cut_off(run)
    if not lost:
        return finding
    evidence = f"{finding.evidence} {lost:,} repeats were never made, as max_rps left no room for them."
    figures = dict.fromkeys(finding.figures, math.nan)
    return replace(finding, evidence=evidence, figures=figures, at_least={})


def _worst(run: Run) -> float:
    """The most attempts ÷ first calls within any `WINDOW` whole seconds in a row of the load."""
    seconds = max(math.floor(run.load_end), 1)
    sent = intents.calls(run) & (run.samples["sent"] >= 0) & (run.samples["sent"] < seconds)
    repeats, first = (
        np.bincount(run.samples["sent"][mask].astype(np.int64), minlength=seconds)
        for mask in (sent & run.retries, sent & ~run.retries)
    )
    width = np.ones(min(WINDOW, seconds), np.int64)
    repeats, first = np.convolve(repeats, width, "valid"), np.convolve(first, width, "valid")
    return float(((repeats + first)[first > 0] / first[first > 0]).max(initial=1.0))
