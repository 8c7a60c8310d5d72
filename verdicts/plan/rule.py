"""What a rule is: a bound on a question's numbers, and what the operator should do when it is met.

A rule fires where its condition holds and every number that its advice quotes is known. It states itself in
the page beside the advice, so that a reader can judge both. Its texts are in `verdicts.language`, by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from verdicts.language import catalogue
from verdicts.language.words import Say
from verdicts.plan.numbers import Numbers

TO_DO: Final = True
GOOD: Final = False  # good to know


class AdviceRule(NamedTuple):
    """`act`: something is to be done, else it is good to know. `due`: sooner than the question is wanted.

    `mend` is code that carries the advice out.
    """

    point: str
    name: str
    act: bool
    when: Callable[[Numbers], bool]
    due: str = ""
    mend: str = ""

    @property
    def key(self) -> str:
        """What its texts are called in the catalogue."""
        return f"{self.point}.{self.name}"

    def texts(self, language: str) -> Mapping[str, str]:
        """`rule` in words, the `advice`, and `also`, which is added where it is known."""
        return {"also": "", **catalogue.advice(language).rules[self.key]}

    def advise(self, numbers: Numbers, language: str, when: str, basis: str) -> Advice | None:
        """What to do; None where the rule does not fire. `when` is the milestone of the question.

        `basis` is that of its answer: measured or modelled.
        """
        if not self.when(numbers):
            return None
        texts, due, say = self.texts(language), self.due or when, Say(language)
        words = {"by": catalogue.advice(language).by[due], "basis": say(basis)}
        said = numbers.says(texts["advice"], language, **words)
        if said is None:
            return None
        also = numbers.says(texts["also"], language, **words)
        return Advice(self.act, say.join((said, also)), texts["rule"], due, self.mend)


class Advice(NamedTuple):
    """A recommendation and the rule that it follows from, in one language; when it is due; code, if any."""

    act: bool
    text: str
    rule: str
    due: str
    mend: str = ""
