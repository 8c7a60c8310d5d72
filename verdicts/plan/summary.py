"""A plan's first screen: did the attacks arrive, did the target hold, what breaks first, what to do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from verdicts.explain.headline import Card
from verdicts.language import catalogue
from verdicts.language.words import Say
from verdicts.plan import stored_search
from verdicts.plan.answers import JudgedRun, PlanAnswer, asked, open_questions
from verdicts.plan.rule import Advice
from verdicts.suite import overall

STATUSES: Final = ("pass", "fail", "info", "invalid")


@dataclass(frozen=True)
class Todo:
    """What to do by a milestone: (question's id, advice)."""

    by: str
    steps: list[tuple[str, Advice]]


@dataclass(frozen=True)
class PlanSummary:
    """Everything that the page says above its rows."""

    answers: list[PlanAnswer]
    judged_runs: Sequence[JudgedRun]

    @property
    def asked(self) -> list[PlanAnswer]:
        """The questions of this mode."""
        return asked(self.answers)

    @property
    def open(self) -> list[PlanAnswer]:
        """Those without an answer."""
        return list(open_questions(self.answers))

    @property
    def unknown(self) -> list[PlanAnswer]:
        """Those whose number the target does not show."""
        return [one for one in self.asked if one.state == "unknown"]

    @property
    def left(self) -> list[PlanAnswer]:
        """Those that need more than this mode runs."""
        return [one for one in self.asked if one.state == "left"]

    @property
    def failed(self) -> list[PlanAnswer]:
        """Those out of their bounds."""
        return [one for one in self.asked if one.status == "fail"]

    @property
    def exit_code(self) -> int:
        """3: a question without answer, or an invalid run; 1: a verdict failed."""
        codes = [one.exit_code for one in self.judged_runs]
        return 3 if self.open else max(codes, default=3)

    def headline(self, say: Say) -> str:
        """How many are answered."""
        answered = sum(one.state == "answered" for one in self.asked)
        return say("{answered} of {asked} questions answered", answered=answered, asked=len(self.asked))

    def sentence(self, say: Say) -> str:
        """What that means, in a sentence or two."""
        parts = []
        if self.open:
            parts.append(say("Without an answer: {ids}.", ids=_ids(self.open)))
        searched = [one for one in self.left if stored_search.asked_of(one.question.id)]
        full = [one for one in self.left if one not in searched]
        if full:
            parts.append(say("Left to make plan MODE=full: {ids}.", ids=_ids(full)))
        if searched:
            parts.append(say("Left to make breakpoint: {ids}.", ids=_ids(searched)))
        if self.unknown:
            parts.append(say("Not observed on this target: {ids}.", ids=_ids(self.unknown)))
        if self.failed:
            parts.append(
                say(
                    "The target is out of bounds in {count}: {ids}. That is a finding about the target; "
                    "the runs count.",
                    count=len(self.failed),
                    ids=_ids(self.failed),
                )
            )
        elif not self.open:
            parts.append(say("The target is within its bounds."))
        return say.join(parts)

    def todo(self, language: str) -> list[Todo]:
        """What to do, by milestone; a milestone with nothing to do is left out."""
        steps = [(one.question.id, step) for one in self.asked for step in one.advice(language) if step.act]
        due = {when: [one for one in steps if one[1].due == when] for when in catalogue.advice(language).by}
        return [Todo(by, due[when]) for when, by in catalogue.advice(language).by.items() if due[when]]

    def cards(self, say: Say) -> list[Card]:
        """The first screen's three questions."""
        runs = {one.run.name: one.found for one in self.judged_runs}
        return [overall.arrived(runs, say), self._held(say), self._first(say)]

    def _held(self, say: Say) -> Card:
        counts = {status: sum(one.status == status for one in self.asked) for status in STATUSES}
        bounded = counts["pass"] + counts["fail"]
        answer = say("Yes, in all {count}", count=bounded)
        if self.failed:
            answer = say("Not in {failed} of {count}", failed=len(self.failed), count=bounded)
        status = "fail" if self.failed else "pass" if bounded else "invalid"
        figures = [
            (say("within their bounds"), f"{counts['pass']}"),
            (say("out of bounds"), f"{counts['fail']}"),
            (say("a figure without a bound"), f"{counts['info'] - len(self.unknown) - len(self.left)}"),
            (say("not observed"), f"{len(self.unknown)}"),
            (say("left open by this mode"), f"{len(self.left)}"),
            (say("no answer"), f"{counts['invalid']}"),
        ]
        return Card(say("Did the target hold?"), answer, status, figures)

    def _first(self, say: Say) -> Card:
        names = catalogue.advice(say.language).when
        broken = {when: [one for one in self.failed if one.question.when == when] for when in names}
        unknown = {when: any(one.question.when == when for one in self.open) for when in names}
        first = next((when for when in names if broken[when]), None)
        known = "Nothing that was answered is out of bounds" if self.open else "Nothing is out of bounds"
        answer, status = say(known), "invalid" if self.open else "pass"
        if first is not None:
            when = names[first]
            status = "fail"
            answer = say("{when}: {ids}", ids=_ids(broken[first]), when=when[0].upper() + when[1:])
        shown = [
            (names[when], _ids(found) or say("not known" if unknown[when] else "nothing"))
            for when, found in broken.items()
            if any(one.question.when == when for one in self.asked)
        ]
        return Card(say("What breaks first as you grow?"), answer, status, shown)


def _ids(found: Sequence[PlanAnswer]) -> str:
    return ", ".join(one.question.id for one in found)
