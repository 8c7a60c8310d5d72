"""Points by id. A point computes findings from a run; thresholds turn findings into results.

    @point("P1.7", figures={"p50": "s", "p95": "s", "p99": "s"})
    def response_times(run: Run) -> Finding: ...

`figures` names what a threshold may speak of, with its base unit. A finding whose number could not be
observed is `Finding.unseen(reason)`: `info`, never a made-up value. A figure that is NaN (nothing
happened that could be measured) makes its threshold `invalid`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from verdicts.questions import QUESTIONS, Question
from verdicts.run.reading import Run
from verdicts.thresholds import Threshold

Status = Literal["pass", "fail", "info", "invalid"]
Basis = Literal["measured", "modelled"]
Value = float | int | str | None


@dataclass(frozen=True)
class Finding:
    """One answer. `part` tells several findings of a point apart (`P1.6.cpu`).

    `subject` "" means the run's own; `status` is given only where the point judges by itself
    (what the target promises), not by a threshold. `rows` is a table: each row has the same keys.
    """

    value: Value
    unit: str
    evidence: str
    figures: Mapping[str, float] = field(default_factory=dict)
    part: str = ""
    basis: Basis = "measured"
    subject: str = ""
    status: Status | None = None
    rows: tuple[Mapping[str, Value], ...] = ()
    seen: bool = True

    @classmethod
    def unseen(cls, reason: str, part: str = "", basis: Basis = "measured") -> Finding:
        """A number that could not be observed, and why."""
        return cls(None, "", reason, part=part, basis=basis, status="info", seen=False)


@dataclass(frozen=True)
class PointResult:
    """One row of the report, and of `points` in verdicts.json."""

    id: str
    question: Question
    value: Value
    unit: str
    basis: Basis
    subject: str
    threshold: str
    status: Status
    evidence: str
    rows: tuple[Mapping[str, Value], ...] = ()
    broken: tuple[str, ...] = ()  # each bound that does not hold, in words
    figures: Mapping[str, float] = field(default_factory=dict)  # by name, in base units


@dataclass(frozen=True)
class Point:
    """A registered point."""

    id: str
    question: Question
    figures: Mapping[str, str]
    find: Callable[[Run], Finding | Iterable[Finding]]

    def results(self, run: Run, threshold: Threshold, *, valid: bool = True) -> list[PointResult]:
        """Every finding judged. In a run that does not count, nothing passes or fails."""
        found = self.find(run)
        findings = [found] if isinstance(found, Finding) else list(found)
        return [self._result(run, one, threshold.about(one.figures), valid) for one in findings]

    def _result(self, run: Run, finding: Finding, threshold: Threshold, valid: bool) -> PointResult:
        status = _status(finding, threshold, self.figures)
        return PointResult(
            id=f"{self.id}.{finding.part}" if finding.part else self.id,
            question=self.question,
            value=finding.value,
            unit=finding.unit,
            basis=finding.basis,
            subject=finding.subject or run.subject,
            threshold=str(threshold),
            status="invalid" if not valid and status != "info" else status,
            evidence=finding.evidence + _scaled(run),
            rows=finding.rows,
            broken=tuple(threshold.broken(finding.figures, self.figures)),
            figures=finding.figures,
        )


def _status(finding: Finding, threshold: Threshold, units: Mapping[str, str]) -> Status:
    if finding.status is not None:
        return finding.status
    if not threshold.comparisons:
        return "info"
    return threshold.verdict(finding.figures, units)


def _scaled(run: Run) -> str:
    scale = run.manifest.time_scale if run.manifest.bundled else 1  # ours alone runs faster
    return "" if scale == 1 else f" Time ran {scale:g} times as fast: windows and intervals were scaled."


POINTS: Final[dict[str, Point]] = {}
ARRIVAL: Final = Question(
    "arrival", "", "", "", "Did the attack arrive as planned?", "攻撃は計画どおりに到達したか"
)
MONEY: Final = Question(
    "money", "", "", "", "Is every credit accounted for?", "クレジットはすべて正しく計上されているか"
)
BASELINE: Final = Question(
    "baseline", "", "", "", "Is it worse than the baseline?", "基準とした過去の実行より悪化していないか"
)
OWN: Final = {question.id: question for question in (ARRIVAL, MONEY, BASELINE)}  # of runs, beside the plan


def point(
    id: str,
    figures: Mapping[str, str] | None = None,
) -> Callable[[Callable[[Run], Finding | Iterable[Finding]]], Callable[[Run], Finding | Iterable[Finding]]]:
    """Register a point of `verdicts.questions`. Raises ValueError for an id that is taken."""

    def register(
        find: Callable[[Run], Finding | Iterable[Finding]],
    ) -> Callable[[Run], Finding | Iterable[Finding]]:
        if id in POINTS:
            raise ValueError(f"point {id} is registered twice")
        POINTS[id] = Point(id, OWN.get(id) or QUESTIONS[id], figures or {}, find)
        return find

    return register
