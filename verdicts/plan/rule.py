"""What a rule is: a bound on a question's numbers, and what the operator should do when it is met.

A rule fires where its condition holds and every number that its advice quotes is known. It states itself in
the page beside the advice, so that a reader can judge both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from verdicts.language.words import Say
from verdicts.plan.numbers import Numbers


class Text(NamedTuple):
    """A text in both languages of the page."""

    en: str
    ja: str

    def get(self, language: str) -> str:
        """The text in `language`; English for any that is not known."""
        return self.ja if language == "ja" else self.en


class Rule(NamedTuple):
    """`act`: something is to be done; otherwise it is good to know. `also` is added where it is known."""

    point: str
    act: bool
    when: Callable[[Numbers], bool]
    rule: Text
    advice: Text
    also: Text = Text("", "")

    def advise(self, numbers: Numbers, language: str, by: str) -> Advice | None:
        """What to do; None where the rule does not fire. `by` is the plan's milestone."""
        if not self.when(numbers):
            return None
        said = numbers.says(self.advice.get(language), by=by)
        if said is None:
            return None
        also = numbers.says(self.also.get(language), by=by)
        return Advice(self.act, Say(language).join((said, also)), self.rule.get(language))


class Advice(NamedTuple):
    """A recommendation, and the rule that it follows from, in one language."""

    act: bool
    text: str
    rule: str
