"""What broke, and when it first did: errors, alerts that would have fired, kills, and the load's own delays.

Refusals are no break: a protection did what it is there for. A target of one's own promises the bounds that
the run sets, and no more: where those hold nothing broke, and alerts are theirs. The bundled stack has the
alerts of the plan's operator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.language.words import ENGLISH, Say
from verdicts.measure.arrivals import ledger
from verdicts.measure.calls import outcomes
from verdicts.measure.calls.series import PerSecond
from verdicts.measure.target import origins
from verdicts.points.registry import POINTS
from verdicts.run import real_parts
from verdicts.run.reading import Floats, Mask, Run
from verdicts.thresholds import Threshold

SLOW_P95: Final = 2.0  # seconds: the operator's alert
MANY_5XX: Final = 0.05  # share: the operator's alert


_TOLD: Final = re.compile(r"(.+) at ([\d.]+) s, ([\d,]+) (\w+) in all")
_BOUND: Final = re.compile(r"the bound of (\S+)")
_KILLED: Final = re.compile(r"(\S+) killed \(nano model\)")


class Break(NamedTuple):
    """Something that went wrong, and when it first did (seconds since start)."""

    t: float
    what: str
    times: int
    unit: str = "calls"

    def when(self, say: Say = ENGLISH) -> str:
        """When and how often."""
        unit = self.unit.removesuffix("s") if self.times == 1 else self.unit
        return say(
            "at {t} s, {times} {unit} in all", t=f"{self.t:.1f}", times=f"{self.times:,}", unit=say(unit)
        )

    def told(self, say: Say = ENGLISH) -> str:
        """What, when and how often."""
        return f"{say(self.what)} {self.when(say)}"


def retold(text: str, say: Say) -> str:
    """What `told` said in English, as verdicts.json holds it, in the page's language."""
    found = _TOLD.fullmatch(text)
    if found is None and (bound := _BOUND.fullmatch(text)):
        return say("the bound of {id}", id=bound[1])
    if found is None:
        return say(text) if "{" not in text else text
    what, t, times, unit = found.groups()
    killed = _KILLED.fullmatch(what)
    said = say("{source} killed (nano model)", source=killed[1]) if killed else what
    said = say(said) if "{" not in said else said
    return say("{what} at {t} s, {times} {unit} in all", what=said, t=t, times=times, unit=say(unit))


def target_breaks(run: Run, *, held: bool = False) -> list[Break]:
    """Everything of the target that broke, in the order of its first time; `held`: all bounds of the run."""
    if held and not run.manifest.bundled:
        return []
    return sorted([*_errors(run), *_alerts(run), *_kills(run)])


def load_breaks(run: Run) -> list[Break]:
    """Where the load itself fell behind: the first late call, the first dropped arrival."""
    dropped = run.arrivals & run.became(Outcome.DROPPED)
    found = ((ledger.late(run), "the load: late"), (dropped, "the load: dropped"))
    at = run.samples["planned"]
    return sorted(Break(float(at[mask].min()), what, int(mask.sum())) for mask, what in found if mask.any())


def first_refusal(run: Run, say: Say = ENGLISH) -> str:
    """Which protection refused first, in words; "" if none did."""
    refused = outcomes.refused(run) & run.sent
    if not refused.any():
        return ""
    when = _when(run, refused)
    reason = next(iter(run.reasons(refused & (run.samples["done"] == when))))
    return Break(when, reason, int((refused & outcomes.failed_by(run, (reason,))).sum())).told(say)


def _errors(run: Run) -> Iterator[Break]:
    errors = outcomes.errors(run) & run.sent & ~outcomes.cut_for_cpu(run)
    for reason, count in run.reasons(errors).items():
        yield Break(_when(run, errors & outcomes.failed_by(run, (reason,))), reason, count)


def _alerts(run: Run) -> Iterator[Break]:
    """Seconds in which an alert of the operator's would have had its figure out of bounds."""
    seconds = PerSecond.of(run)
    p95, share = _bounds(run)
    slow = seconds.gateway_overhead["p95"] > p95
    if slow.any():
        yield Break(_end(seconds, slow), f"p95 over {p95:g} s", int(slow.sum()), "seconds")
    ended = seconds.counts("done", run.sent & (run.samples["outcome"] != Outcome.ABORTED))
    errors_5xx = run.sent & (run.samples["status"] >= 500) & ~outcomes.cut_for_cpu(run)
    bad = seconds.counts("done", errors_5xx)
    many = bad > share * np.maximum(ended, 1)
    if many.any():
        yield Break(_end(seconds, many), f"5xx over {100 * share:g} %", int(many.sum()), "seconds")


def _bounds(run: Run) -> tuple[float, float]:
    """(p95 in seconds, share of 5xx) that are promised: the operator's, or those of the run's thresholds."""
    if run.manifest.bundled:
        return SLOW_P95, MANY_5XX
    return _promised(run, "P1.7", "p95"), _promised(run, "P1.8", "5xx")


def _promised(run: Run, id: str, figure: str) -> float:
    """The bound of a point's figure, in its base unit; infinite where the run sets none."""
    bounds = Threshold.parse(text).bounds if (text := run.scenario.get("thresholds", {}).get(id)) else ()
    unit = POINTS[id].figures[figure]
    return min((one.in_base_unit(unit) for one in bounds if one.figure == figure), default=np.inf)


def _end(seconds: PerSecond, mask: Mask) -> float:
    """The end of the first such second: only then is its figure known."""
    return float(seconds.seconds[mask.argmax()]) + 1


def _kills(run: Run) -> Iterator[Break]:
    who = "by the kernel, in its cgroup" if real_parts.is_real(run) else "nano model"
    for source in origins.sources(run):
        place, t, kills = real_parts.kill_series(run, source)
        rises = np.flatnonzero(np.diff(kills, prepend=_before(run, place, t, kills)) > 0)
        if rises.size:
            times = int(real_parts.kills(run, source))
            yield Break(float(t[rises[0]]), f"{source} killed ({who})", times, "times")


def _before(run: Run, source: str, t: Floats, counter: Floats) -> float:
    """What a counter was before its first reading: 0 where it came later than its source's first scrape."""
    known = t.size and t[0] == run.target.sources[source].t[0]
    return float(counter[0]) if known else 0.0


def _when(run: Run, mask: Mask) -> float:
    return float(run.samples["done"][mask].min())
