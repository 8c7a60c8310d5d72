"""A verification point: a question, and a function that answers it from a run.

    @point(
        "P1.8",
        en="What is the error rate?",
        ja="エラー率はいくらか",
        scenario="burst",                    # the attack that answers it; without one every run may
        when=AT_500_MAU,                     # by when the plan wants it
        figures={"errors": "share"},         # what a threshold may speak of, with its base unit
        units={"% errors": "% エラー"},      # the findings' units in Japanese; {} stands for a value
        part="origin",                       # the part of the stack that it is about; "": all of it
    )
    def error_rate(run: Run) -> Finding: ...

The point stands in one file of this room, which `verdicts.points.registry` reads. A finding whose number
could not be observed is `Finding.unseen(reason)`: `info`, never a made-up value. A figure that is NaN
(nothing happened that could be measured) makes its threshold `invalid`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from verdicts.run import real_parts
from verdicts.run.reading import Run
from verdicts.thresholds import Threshold

Status = Literal["pass", "fail", "info", "invalid"]
Basis = Literal["measured", "modelled"]
Value = float | int | str | None
BEFORE_MVP: Final = "before the MVP"
AT_100_MAU: Final = "at 100 MAU"
AT_500_MAU: Final = "at 500 MAU"
BEFORE_1000_MAU: Final = "before 1,000 MAU"
MILESTONES: Final = (BEFORE_MVP, AT_100_MAU, AT_500_MAU, BEFORE_1000_MAU)
PRIORITIES: Final = {"P0": "P0", "P1": "P1", "P2": "P2", "P3": "P3", "F1": "phase 1", "C": "phase 1"}
"""How an id of the plan begins → its priority; in the plan's order. C1 and C2 are of the plan's own code."""
BESIDE: Final = {
    "M1": "P1", "M2": "P3", "M3": "P2", "M4": "P2", "M5": "P1", "S": "P0", "I": "P1", "E": "P1", "L": "P1",
}  # fmt: skip
"""The same of questions beside the plan: M of MCP's two eras, S of retry storms, I of whose answer
a caller gets, E of how often it was done, L of what stays behind."""


def split(id: str) -> tuple[str, str]:
    """How an id begins, and its number: P1.8 is ("P1", "8"), C1 is ("C", "1")."""
    begin, dot, number = id.partition(".")
    return (begin, number) if dot else (id[:1], id[1:])


class Question(NamedTuple):
    """What a point asks. `scenario` is the attack that answers it; "" for what every run is asked."""

    id: str
    priority: str
    scenario: str
    when: str
    en: str
    ja: str

    def text(self, language: str = "en") -> str:
        """The question in a language of the report."""
        return self.ja if language == "ja" else self.en

    @property
    def of_the_plan(self) -> bool:
        """It is one of the plan's."""
        return split(self.id)[0] in PRIORITIES

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands: in the plan, and after it."""
        begin, number = split(self.id)
        return [*PRIORITIES, *BESIDE].index(begin), int(number)


@dataclass(frozen=True)
class Finding:
    """One answer. `part` tells several findings of a point apart (`P1.6.cpu`).

    `subject` "" means the run's own; `status` is given only where the point judges by itself
    (what the target promises), beside a threshold; `broke` is why it failed then, in words that begin with
    the figure as a broken bound's do: `p95 is …`. `rows` is a table: each row has the same keys.
    `at_least`: of figures that are not known, as nobody watched for long enough, what they are at least.
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
    at_least: Mapping[str, float] = field(default_factory=dict)
    broke: str = ""

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

    @property
    def answer(self) -> str:
        """The value with its unit, as text."""
        return "not observed" if self.value is None else f"{self.value} {self.unit}".strip()

    @property
    def unseen(self) -> bool:
        """Nothing could be observed, and no bound hangs on it."""
        return self.value is None and self.status == "info"


Find = Callable[[Run], Finding | Iterable[Finding]]


@dataclass(frozen=True)
class Point:
    """A registered point."""

    id: str
    question: Question
    figures: Mapping[str, str]
    find: Find
    units: Mapping[str, str] = field(default_factory=dict)
    part: str = ""

    def results(self, run: Run, threshold: Threshold, *, valid: bool = True) -> list[PointResult]:
        """Every finding judged. In an invalid run, nothing passes or fails."""
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
            subject=finding.subject or real_parts.subject(run, self.part),
            threshold=str(threshold),
            status="invalid" if not valid and status != "info" else status,
            evidence=finding.evidence + _scaled(run),
            rows=finding.rows,
            broken=(
                *threshold.broken(finding.figures, self.figures, finding.at_least),
                *filter(None, (finding.broke,)),
            ),
            figures=finding.figures,
        )


def _status(finding: Finding, threshold: Threshold, units: Mapping[str, str]) -> Status:
    """By the bounds; a point that judges by itself has to pass there, too."""
    if not threshold.bounds or finding.status not in (None, "pass"):
        return finding.status or "info"
    return threshold.verdict(finding.figures, units, finding.at_least)


def _scaled(run: Run) -> str:
    scale = run.manifest.time_scale if run.manifest.bundled else 1  # ours alone runs faster
    return "" if scale == 1 else f" Time ran {scale:g} times as fast: windows and intervals were scaled."


REGISTERED: Final[dict[str, Point]] = {}


def point(
    id: str,
    *,
    en: str,
    ja: str,
    scenario: str = "",
    when: str = "",
    figures: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    part: Literal["", "edge", "origin"] = "",
) -> Callable[[Find], Find]:
    """Register a point. Raises ValueError for an id that is taken, or that begins like none that is known."""
    if id in REGISTERED:
        raise ValueError(f"point {id} is registered twice")
    known = {**PRIORITIES, **BESIDE}
    begin, number = split(id)
    priority = known.get(begin, "")
    if scenario and not (priority and number.isdigit()):
        raise ValueError(f"point {id}: allowed: {', '.join(known)}, each with a number, such as P1.8")

    def register(find: Find) -> Find:
        question = Question(id, priority, scenario, when, en, ja)
        REGISTERED[id] = Point(id, question, figures or {}, find, units or {}, part)
        return find

    return register
