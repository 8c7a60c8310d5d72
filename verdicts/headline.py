"""What a tired engineer asks first: did the attack arrive, did the target hold, what broke first?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from telemetry.sample import Outcome
from verdicts import origins, outcomes
from verdicts.judge import Judgement
from verdicts.ledger import late_after
from verdicts.points import PointResult
from verdicts.run import Mask, Run
from verdicts.series import PerSecond

SLOW_P95: Final = 2.0  # seconds: the operator's alert
MANY_5XX: Final = 0.05  # share: the operator's alert


class Break(NamedTuple):
    """Something that went wrong, and when it first did (seconds since start)."""

    t: float
    what: str
    times: int
    unit: str = "calls"

    @property
    def when(self) -> str:
        """When and how often."""
        unit = self.unit.removesuffix("s") if self.times == 1 else self.unit
        return f"at {self.t:.1f} s, {self.times:,} {unit} in all"

    def __str__(self) -> str:
        return f"{self.what} {self.when}"


def sentence(judged: Judgement) -> str:
    """The verdict in one sentence."""
    if not judged.validity.valid:
        return "The run does not count: " + "; ".join(judged.validity.reasons) + "."
    statuses = [point.status for point in judged.points[1:]]
    held = [point for point in judged.points[1:] if point.threshold or point.status != "info"]
    if judged.verdict == "fail":
        failed = "; ".join(_failure(point) for point in judged.points if point.status == "fail")
        return f"The attack arrived and the target did not hold: {failed}."
    if judged.verdict == "invalid":
        empty = ", ".join(point.id for point in judged.points if point.status == "invalid")
        return f"Nothing to hold the threshold of {empty} against."
    if not held:
        return "The attack arrived; this scenario sets no bounds."
    return f"The attack arrived and the target held {statuses.count('pass')} of {len(held)} bounds."


def _failure(point: PointResult) -> str:
    return f"{point.id} {', '.join(point.broken) or point.value}"


def breaks(run: Run) -> list[Break]:
    """Everything of the target that broke, in the order of its first time. Refusals are no break."""
    return sorted([*_errors(run), *_alerts(run), *_kills(run)])


def own_breaks(run: Run) -> list[Break]:
    """Where the load itself fell behind: the first late call, the first dropped arrival."""
    late = run.sent & (run.samples["sent"] - run.samples["planned"] > late_after(run))
    dropped = run.arrivals & run.became(Outcome.DROPPED)
    found = ((late, "the load: late"), (dropped, "the load: dropped"))
    at = run.samples["planned"]
    return sorted(Break(float(at[mask].min()), what, int(mask.sum())) for mask, what in found if mask.any())


def broke_first(judged: Judgement) -> str:
    """What broke first, in words."""
    found = _found(judged)
    return str(found[0]) if found else "nothing broke"


def _found(judged: Judgement) -> list[Break]:
    """What broke; in a run that does not count, the load's own breaks stand first."""
    own = [] if judged.validity.valid else own_breaks(judged.run)
    return [*own, *breaks(judged.run)]


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
    slow = seconds.blamed["p95"] > SLOW_P95
    if slow.any():
        yield Break(_end(seconds, slow), "p95 over 2 s", int(slow.sum()), "seconds")
    ended = seconds.counts("done", run.sent & (run.samples["outcome"] != Outcome.ABORTED))
    bad = seconds.counts("done", run.sent & (run.samples["status"] >= 500))
    many = bad > MANY_5XX * np.maximum(ended, 1)
    if many.any():
        yield Break(_end(seconds, many), "5xx over 5 %", int(many.sum()), "seconds")


def _end(seconds: PerSecond, mask: Mask) -> float:
    """The end of the first such second: only then is its figure known."""
    return float(seconds.seconds[mask.argmax()]) + 1


def _kills(run: Run) -> Iterator[Break]:
    for source in origins.sources(run):
        t, kills = run.target.series(source, "mcpist_nano_kills_total")
        rises = np.flatnonzero(np.diff(kills) > 0)
        if rises.size:
            yield Break(
                float(t[1:][rises[0]]), f"{source} killed (nano model)", int(kills[-1] - kills[0]), "times"
            )


def _when(run: Run, mask: Mask) -> float:
    return float(run.samples["done"][mask].min())


class Card(NamedTuple):
    """One of the three questions, answered. `status` colours it; `figures` are (name, value)."""

    question: str
    answer: str
    status: str
    figures: list[tuple[str, str]]
    note: str = ""


def cards(judged: Judgement, found: Mapping[str, Any]) -> list[Card]:
    """The three questions of the first screen; `found` is the document of verdicts.json."""
    return [_arrived(judged, found), _held(judged, found), _broke(judged)]


def _arrived(judged: Judgement, found: Mapping[str, Any]) -> Card:
    total, delay = judged.ledger.total, judged.ledger.start_delay.ms()
    share = f"{total.sent / total.planned:.2%}".replace(".00%", "%") if total.planned else "nothing"
    answer = f"{'Yes' if judged.validity.valid else 'No'}, {share} was sent"
    if not judged.validity.valid and total.sent == total.planned:
        answer = "It does not count"
    return Card(
        "Did the attack arrive?",
        answer,
        "pass" if judged.validity.valid else "invalid",
        [
            ("sent of planned", f"{total.sent:,} of {total.planned:,}"),
            ("late · dropped · unknown", f"{total.late:,} · {total.dropped:,} · {total.unknown:,}"),
            ("start delay p50 · p99", f"{_ms(delay['p50'])} · {_ms(delay['p99'])}"),
            ("most in flight", f"{found['peak_in_flight']:,}"),
        ],
    )


def _held(judged: Judgement, found: Mapping[str, Any]) -> Card:
    times, errors = found["response_ms"], sum(found["errors"].values())
    sent = max(judged.ledger.total.sent, 1)
    answer = {"pass": "Yes", "fail": "No", "invalid": "Not known"}[judged.verdict]
    broken = [point.id for point in judged.points if point.status == "fail"]
    return Card(
        "Did the target hold?",
        f"{answer}, {', '.join(broken)} out of bounds" if broken else answer,
        judged.verdict,
        [
            ("succeeded", f"{found['arrivals']['ok']:,}"),
            ("errors", f"{errors:,} ({errors / sent:.2%})"),
            ("refused by a protection", f"{sum(found['refusals'].values()):,}"),
            ("response p50", _ms(times["p50"])),
            ("response p95 · p99", f"{_ms(times['p95'])} · {_ms(times['p99'])}"),
        ],
    )


def _ms(value: float | None) -> str:
    """Milliseconds to three digits."""
    return "–" if value is None else f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def _broke(judged: Judgement) -> Card:
    found = _found(judged)
    refused = said_no_first(judged.run)
    return Card(
        "What broke first?",
        found[0].what if found else "Nothing broke",
        "fail" if found else "pass",
        [(one.what, one.when) for one in found[:4]],
        f"First refusal: {refused}." if refused else "No protection refused a call.",
    )
