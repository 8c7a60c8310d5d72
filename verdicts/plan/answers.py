"""From the runs of a plan to an answer for each of its questions.

The run that `leads` a point answers it, of several (repeats) the worst; else the plain run of the question's
scenario, else the first that asks it; what other runs say of it stands beside. An answer's state:

    answered    a value that was seen
    left        what the plan asks needs more than this mode runs: `MODE=full`, or a search (P0.3)
    unknown     the run is valid, and the number could not be seen: the reason stands in its place
    invalid     the run is invalid, or nothing could be held against the threshold
    missing     the run left no verdict
    not asked   no run of this mode asks it
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from telemetry.run_folder.reading import object_whole
from verdicts.judge.judge import EXIT_CODES
from verdicts.plan import numbers, rules, stored_search
from verdicts.plan.numbers import Numbers
from verdicts.plan.plan_file import PlanFile, PlannedRun
from verdicts.plan.rule import Advice
from verdicts.plan.stored_search import StoredSearch
from verdicts.points.point import Question
from verdicts.points.registry import QUESTIONS
from verdicts.suite import overall

State = Literal["answered", "left", "unknown", "invalid", "missing", "not asked"]
WORST: Final = ("invalid", "fail", "pass", "info")
LEFT_TO_FULL: Final = "one shortened run does not show it; make plan MODE=full answers it"
LEFT_TO_SEARCH: Final = 'one load only says "at least"; make breakpoint searches for the most'
Result = Mapping[str, Any]


@dataclass(frozen=True)
class JudgedRun:
    """A run with its verdicts.json; `found` is empty where it left none."""

    run: PlannedRun
    found: Mapping[str, Any]

    @classmethod
    def of(cls, folder: Path, run: PlannedRun) -> JudgedRun:
        """Read what the run left."""
        return cls(run, object_whole(folder / run.folder / "verdicts.json") or {})

    @property
    def verdict(self) -> str:
        """pass, fail, invalid, or missing."""
        return str(self.found.get("verdict", "missing"))

    @property
    def valid(self) -> bool:
        """What the run says may be believed."""
        return overall.valid(self.found)

    @property
    def exit_code(self) -> int:
        """By the verdict as it is now; 3 where the run's own process ended with more than 1."""
        judged = EXIT_CODES.get(self.found.get("verdict", "invalid"), 3) if self.valid else 3
        return 3 if (self.run.exit_code or 0) > 1 else judged

    def results(self, id: str) -> list[Result]:
        """The run's findings for a question, its own first and then its parts."""
        points = self.found.get("points", ())
        return [one for one in points if one["id"] == id or one["id"].startswith(f"{id}.")]


@dataclass(frozen=True)
class PlanAnswer:
    """One question, answered or not. `others` are further runs that ask it too; `search` answers P0.3."""

    question: Question
    state: State
    lead: JudgedRun | None
    others: tuple[JudgedRun, ...] = ()
    search: StoredSearch | None = None

    @property
    def results(self) -> list[Result]:
        """The findings of the run that answers, behind those of a search."""
        found = [self.search.result(self.question.id)] if self.search else []
        return [*found, *(self.lead.results(self.question.id) if self.lead else [])]

    @property
    def judged_runs(self) -> list[JudgedRun]:
        """Who speaks of the question, the run that answers first."""
        return [*filter(None, (self.lead,)), *self.others]

    @property
    def main(self) -> Result | None:
        """The finding that is the answer: the first with a value."""
        return _first(self.results)

    @property
    def basis(self) -> str:
        """Of the answer: measured or modelled; "" where there is none."""
        return self.main["basis"] if self.main else ""

    @property
    def repeats(self) -> list[Result]:
        """What each of several runs that lead it answers, the worst first; none where one run leads."""
        led = [one for one in self.judged_runs if self.question.id in one.run.leads and one.valid]
        found = [_first(one.results(self.question.id)) for one in led]
        return [one for one in found if one is not None] if len(led) > 1 else []

    @property
    def broken(self) -> list[Result]:
        """The findings beside the main one that failed: what made the answer's status."""
        return [one for one in self.results if one["status"] == "fail" and one is not self.main]

    @property
    def said(self) -> list[Result]:
        """What is shown of it: the main finding, and what is out of bounds beside it."""
        return [*filter(None, (self.main,)), *self.broken]

    @property
    def status(self) -> str:
        """The worst status of the run's findings for the question; invalid where there is no answer."""
        statuses = [one["status"] for one in self.results]
        if self.state in ("missing", "invalid"):
            return "invalid"
        if self.state == "left":
            return "info"
        return next((one for one in WORST if one in statuses), "info")

    @property
    def reason(self) -> str:
        """Why there is no answer; "" where there is one."""
        if self.state == "answered" or self.lead is None:
            return ""
        if self.state == "left":
            return LEFT_TO_SEARCH if stored_search.asked_of(self.question.id) else LEFT_TO_FULL
        if self.state == "missing":
            code = self.lead.run.exit_code
            return f"{self.lead.run.name}: " + (
                "did not run" if code is None else f"exit code {code}, no verdict"
            )
        because = "; ".join(self.lead.found["invalid_because"])
        return because or (self.main["evidence"] if self.main else f"{self.lead.run.name} gave no finding")

    def numbers(self) -> Numbers:
        """Every number that is known of the question; none where the run is invalid."""
        partly = self.state == "left" and stored_search.asked_of(self.question.id)
        if self.lead is None or not (self.state == "answered" or partly):
            return Numbers({})
        known: dict[str, float] = self.search.figures() if self.search else {}
        for other in self.others:
            if other.valid:
                label = _label(other, self.question)
                known |= numbers.of(other.results(self.question.id), other.found, label)
        known |= numbers.of(self.results, self.lead.found)
        seen = {name: value for name, value in known.items() if not math.isnan(value)}
        return rules.derived(self.question.id, Numbers(seen))

    def advice(self, language: str) -> list[Advice]:
        """What follows for the operator, what is to be done first."""
        found, when = self.numbers(), self.question.when
        mine = (
            one.advise(found, language, when, self.basis)
            for one in rules.RULES
            if one.point == self.question.id
        )
        return sorted((one for one in mine if one is not None), key=lambda one: not one.act)


def _first(results: Sequence[Result]) -> Result | None:
    return next((one for one in results if one["value"] is not None), next(iter(results), None))


def _label(other: JudgedRun, question: Question) -> str:
    """How rules name another run's numbers: by its label among the runs of the question's own scenario."""
    run = other.run
    return run.label if run.label and run.name.startswith(question.scenario) else run.name


def first_found(judged_runs: Iterable[JudgedRun]) -> Mapping[str, Any]:
    """What the first run that left a verdict says of all: its target, stack, machine. Empty without one."""
    return next((one.found for one in judged_runs if one.found), {})


def of(
    told: PlanFile, judged_runs: Sequence[JudgedRun], search: StoredSearch | None = None
) -> list[PlanAnswer]:
    """An answer for every question, in the plan's order."""
    return [_answer(question, told, judged_runs, search) for question in QUESTIONS.values()]


def _answer(
    question: Question, told: PlanFile, judged_runs: Sequence[JudgedRun], search: StoredSearch | None
) -> PlanAnswer:
    asked = sorted(
        (one for one in judged_runs if question.id in one.run.points),
        key=lambda one: (_rank(question, one.run), *_worst(question, one)),
    )
    if not asked:
        return PlanAnswer(question, "not asked", None)
    mine = search if stored_search.asked_of(question.id) else None
    state = _state(question, asked[0])
    if state in ("answered", "unknown") and (
        question.id in told.left or (mine is None and stored_search.asked_of(question.id))
    ):
        state = "left"
    return PlanAnswer(question, state, asked[0], tuple(asked[1:]), mine)


def _rank(question: Question, run: PlannedRun) -> int:
    if question.id in run.leads:
        return 0
    if run.label:
        return 3
    return 1 if run.scenario == question.scenario else 2


def _worst(question: Question, one: JudgedRun) -> tuple[float, ...]:
    """Among runs that lead: those that count, then the worst verdict, then words or the largest value."""
    if question.id not in one.run.leads:
        return ()
    results = one.results(question.id)
    if not one.valid or not results:
        return (1.0, 0.0, 0.0)
    worst = min(WORST.index(result["status"]) for result in results)
    value = next((result["value"] for result in results if result["value"] is not None), None)
    return (0.0, float(worst), -float(value) if isinstance(value, int | float) else -math.inf)


def _state(question: Question, lead: JudgedRun) -> State:
    if not lead.found:
        return "missing"
    results = lead.results(question.id)
    if not lead.valid or any(one["status"] == "invalid" for one in results):
        return "invalid"
    return "answered" if any(one["value"] is not None for one in results) else "unknown"


def asked(answers: Sequence[PlanAnswer]) -> list[PlanAnswer]:
    """Those that a run of this mode asks."""
    return [one for one in answers if one.state != "not asked"]


def open_questions(answers: Sequence[PlanAnswer]) -> Iterator[PlanAnswer]:
    """Those without an answer and without a reason that a target could give."""
    return (one for one in answers if one.state in ("missing", "invalid"))
