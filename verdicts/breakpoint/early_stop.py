"""Has a run that is under way failed already? A trial of the breakpoint search ends then.

Only what no later second can mend: a kill where `kills == 0` is asked for, and more failed calls of one tool
by judged users than its bound on success forgives over all that they are going to make.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.measure.target import goroutines
from verdicts.run.reading import Run
from verdicts.thresholds import Bound, Threshold

POINT: Final = "P0.3"
UNITS: Final = {"kills": "", "success": "share"}


def reason(run: Run) -> str:
    """Why the run cannot pass any more, in words; "" while it can."""
    text = run.scenario.get("thresholds", {}).get(POINT)
    bounds = {one.figure: one for one in Threshold.parse(text).bounds} if text else {}
    if "kills" in bounds and _breaks(bounds["kills"], goroutines.kills(run)):
        return "an instance was killed"
    failed, planned = _failed(run), _planned(run)
    if "success" in bounds and _breaks(bounds["success"], 1 - failed / planned):
        return f"{failed:,} calls of judged users failed, of {planned:,.0f} to come in all"
    return ""


def _breaks(bound: Bound, value: float) -> bool:
    return bound.verdict(value, UNITS[bound.figure]) == "fail"


def _failed(run: Run) -> int:
    """Judged users' failed calls of the tool that failed most."""
    failed = run.samples["tool"][run.judged & run.arrivals & run.became(Outcome.FAILED)]
    return int(np.bincount(failed).max(initial=0))


def _planned(run: Run) -> float:
    """All calls that judged users will have made."""
    groups = [group for group in run.scenario["groups"] if group["judge"]]
    return float(sum(group["rate"] * group["accounts"]["count"] for group in groups)) * run.duration
