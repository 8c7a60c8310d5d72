"""Every verification point: each file of this room is read once, and registers its own.

`check` holds a scenario's points and thresholds against what is registered, before load starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

from verdicts.points.point import REGISTERED, Point, Question
from verdicts.thresholds import Threshold

for _module in iter_modules([str(Path(__file__).parent)]):
    if _module.name != "registry":
        import_module(f"verdicts.points.{_module.name}")

POINTS: Final[Mapping[str, Point]] = REGISTERED
ASKED: Final[Mapping[str, Question]] = {
    question.id: question
    for question in sorted(
        (point.question for point in POINTS.values() if point.question.scenario), key=lambda one: one.place
    )
}
"""What a scenario may ask."""
QUESTIONS: Final[Mapping[str, Question]] = {id: one for id, one in ASKED.items() if one.of_the_plan}
"""The questions of the resilience plan, in its order."""
UNITS: Final = {english: japanese for point in POINTS.values() for english, japanese in point.units.items()}


def check(points: Iterable[str], thresholds: Mapping[str, str]) -> None:
    """Every point is one that a scenario may ask, every threshold is about a figure of its point.

    Raises ValueError: `thresholds.P1.7: …`, with what is allowed.
    """
    for id in points:
        if id not in ASKED:
            raise ValueError(f"points: {id!r}, allowed: {', '.join(ASKED)}")
    for id, text in thresholds.items():
        try:
            threshold = Threshold.parse(text)
            if id in POINTS:
                threshold.check(POINTS[id].figures)
        except ValueError as error:
            raise ValueError(f"thresholds.{id}: {error}") from None


def question(id: str, language: str) -> str:
    """What the point of a result asks: P1.6 of P1.6.cpu, C1 of C1.kept; "" where none is known."""
    parts = id.split(".")
    known = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((POINTS[one].question.text(language) for one in known if one in POINTS), "")
