"""From the runs of a plan to an answer for each of its questions.

The run that `leads` a point answers it, else the plain run of the question's scenario, else the first that
asks it; what other runs say of it stands beside. An answer's state:

    answered    a value that was seen
    unknown     the run is valid, and the number could not be seen: the reason stands in its place
    invalid     the run is invalid, or nothing could be held against the threshold
    missing     the run left no verdict
    not asked   no run of this mode asks it
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from verdicts.judge.judge import EXIT_CODES
from verdicts.language import catalogue
from verdicts.plan import numbers, rules
from verdicts.plan.numbers import Numbers
from verdicts.plan.plan_file import PlanFile, PlannedRun
from verdicts.plan.rule import Advice
from verdicts.points.point import Question
from verdicts.points.registry import QUESTIONS
from verdicts.suite import overall

State = Literal["answered", "unknown", "invalid", "missing", "not asked"]
WORST: Final = ("invalid", "fail", "pass", "info")
Result = Mapping[str, Any]


@dataclass(frozen=True)
class JudgedRun:
    """A run with its verdicts.json; `found` is empty where it left none."""

    run: PlannedRun
    found: Mapping[str, Any]

    @classmethod
    def of(cls, folder: Path, run: PlannedRun) -> JudgedRun:
        """Read what the run left."""
        file = folder / run.folder / "verdicts.json"
        return cls(run, json.loads(file.read_bytes()) if file.exists() else {})

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
    """One question, answered or not. `others` are further runs that ask it too."""

    question: Question
    state: State
    lead: JudgedRun | None
    others: tuple[JudgedRun, ...] = ()

    @property
    def results(self) -> list[Result]:
        """The findings of the run that answers."""
        return self.lead.results(self.question.id) if self.lead else []

    @property
    def judged_runs(self) -> list[JudgedRun]:
        """Who speaks of the question, the run that answers first."""
        return [*filter(None, (self.lead,)), *self.others]

    @property
    def main(self) -> Result | None:
        """The finding that is the answer: the first with a value."""
        return next((one for one in self.results if one["value"] is not None), next(iter(self.results), None))

    @property
    def broken(self) -> list[Result]:
        """The findings beside the main one that failed: what made the answer's status."""
        return [one for one in self.results if one["status"] == "fail" and one is not self.main]

    @property
    def status(self) -> str:
        """The worst status of the run's findings for the question; invalid where there is no answer."""
        statuses = [one["status"] for one in self.results]
        if self.state in ("missing", "invalid"):
            return "invalid"
        return next((one for one in WORST if one in statuses), "info")

    @property
    def reason(self) -> str:
        """Why there is no answer; "" where there is one."""
        if self.state == "answered" or self.lead is None:
            return ""
        if self.state == "missing":
            code = self.lead.run.exit_code
            return f"{self.lead.run.name}: " + (
                "did not run" if code is None else f"exit code {code}, no verdict"
            )
        because = "; ".join(self.lead.found["invalid_because"])
        return because or (self.main["evidence"] if self.main else f"{self.lead.run.name} gave no finding")

    def numbers(self) -> Numbers:
        """Every number that is known of the question; none where the run is invalid."""
        if self.state != "answered" or self.lead is None:
            return Numbers({})
        known: dict[str, float] = {}
        for other in self.others:
            if other.valid:
                known |= numbers.of(other.results(self.question.id), other.found, _label(other, self.lead))
        known |= numbers.of(self.results, self.lead.found)
        seen = {name: value for name, value in known.items() if not math.isnan(value)}
        return rules.derived(self.question.id, Numbers(seen))

    def advice(self, language: str) -> list[Advice]:
        """What follows for the operator, what is to be done first."""
        found, by = self.numbers(), catalogue.advice(language).by[self.question.when]
        mine = (one.advise(found, language, by) for one in rules.RULES if one.point == self.question.id)
        return sorted((one for one in mine if one is not None), key=lambda one: not one.act)


def _label(other: JudgedRun, lead: JudgedRun) -> str:
    """How rules name another run's numbers: by its label beside the plain run of its own scenario."""
    run = other.run
    return run.label if run.label and run.name.startswith(lead.run.scenario) else run.name


def of(told: PlanFile, judged_runs: Sequence[JudgedRun]) -> list[PlanAnswer]:
    """An answer for every question, in the plan's order."""
    return [_answer(question, judged_runs) for question in QUESTIONS.values()]


def _answer(question: Question, judged_runs: Sequence[JudgedRun]) -> PlanAnswer:
    asked = sorted(
        (one for one in judged_runs if question.id in one.run.points),
        key=lambda one: _rank(question, one.run),
    )
    if not asked:
        return PlanAnswer(question, "not asked", None)
    return PlanAnswer(question, _state(question, asked[0]), asked[0], tuple(asked[1:]))


def _rank(question: Question, run: PlannedRun) -> int:
    if question.id in run.leads:
        return 0
    if run.label:
        return 3
    return 1 if run.scenario == question.scenario else 2


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
