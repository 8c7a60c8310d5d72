"""What a tired engineer asks first: did the attack arrive, did the target hold, what broke first?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from telemetry.sample import Outcome
from verdicts import origins, outcomes
from verdicts.judge import Judgement
from verdicts.run import Mask, Run
from verdicts.series import PerSecond

SLOW_P95: Final = 2.0  # seconds: the operator's alert
MANY_5XX: Final = 0.05  # share: the operator's alert


class Break(NamedTuple):
    """Something that went wrong, and when it first did (seconds since start)."""

    t: float
    what: str
    times: int

    def __str__(self) -> str:
        times = f" ({self.times:,} in all)" if self.times > 1 else ""
        return f"{self.what} at {self.t:.1f} s{times}"


def sentence(judged: Judgement) -> str:
    """The verdict in one sentence."""
    if not judged.validity.valid:
        return "The run does not count: " + "; ".join(judged.validity.reasons) + "."
    statuses = [point.status for point in judged.points[1:]]
    held = [point for point in judged.points[1:] if point.threshold or point.status != "info"]
    if judged.verdict == "fail":
        failed = ", ".join(point.id for point in judged.points if point.status == "fail")
        return f"The attack arrived and the target did not hold: {failed} out of bounds."
    if judged.verdict == "invalid":
        empty = ", ".join(point.id for point in judged.points if point.status == "invalid")
        return f"Nothing to hold the threshold of {empty} against."
    if not held:
        return "The attack arrived; this scenario sets no bounds."
    return f"The attack arrived and the target held {statuses.count('pass')} of {len(held)} bounds."


def breaks(run: Run) -> list[Break]:
    """Everything that broke, in the order of its first time. Refusals are no break."""
    found = [*_errors(run), *_alerts(run), *_kills(run)]
    return sorted(found)


def broke_first(judged: Judgement) -> str:
    """What broke first, in words."""
    found = breaks(judged.run)
    return str(found[0]) if found else "nothing broke"


def said_no_first(run: Run) -> str:
    """Which protection refused first, in words; "" if none did."""
    refused = outcomes.refused(run) & run.sent
    if not refused.any():
        return ""
    when = _when(run, refused)
    reason = next(iter(run.reasons(refused & (run.samples["done"] == when))))
    return str(Break(when, reason, int((refused & outcomes.failed_by(run, (reason,))).sum())))


def _errors(run: Run) -> Iterator[Break]:
    errors = outcomes.errors(run) & run.sent
    for reason, count in run.reasons(errors).items():
        yield Break(_when(run, errors & outcomes.failed_by(run, (reason,))), reason, count)


def _alerts(run: Run) -> Iterator[Break]:
    """Seconds in which an alert of the operator's would have had its figure out of bounds."""
    seconds = PerSecond.of(run)
    slow = seconds.response["p95"] > SLOW_P95
    if slow.any():
        yield Break(float(seconds.seconds[slow.argmax()]), "p95 over 2 s (seconds)", int(slow.sum()))
    ended = seconds.counts("done", run.sent & (run.samples["outcome"] != Outcome.ABORTED))
    bad = seconds.counts("done", run.sent & (run.samples["status"] >= 500))
    many = bad > MANY_5XX * np.maximum(ended, 1)
    if many.any():
        yield Break(float(seconds.seconds[many.argmax()]), "5xx over 5 % (seconds)", int(many.sum()))


def _kills(run: Run) -> Iterator[Break]:
    for source in origins.sources(run):
        t, kills = run.target.series(source, "mcpist_nano_kills_total")
        rises = np.flatnonzero(np.diff(kills) > 0)
        if rises.size:
            yield Break(float(t[1:][rises[0]]), f"{source} killed (nano model)", int(kills[-1] - kills[0]))


def _when(run: Run, mask: Mask) -> float:
    return float(run.samples["done"][mask].min())
