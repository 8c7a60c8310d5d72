"""The verification points: every module of this package is read once, and registers its own.

`check` holds a scenario's points and thresholds against what is registered, before load starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules

from verdicts.points.registry import POINTS, Basis, Finding, Point, PointResult, Status, point
from verdicts.questions import QUESTIONS
from verdicts.thresholds import Threshold

__all__ = ["POINTS", "Basis", "Finding", "Point", "PointResult", "Status", "check", "point"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def check(points: Iterable[str], thresholds: Mapping[str, str]) -> None:
    """Every point is one of the plan's, every threshold is about a figure of its point.

    Raises ValueError: `thresholds.P1.7: …`, with what is allowed.
    """
    for id in points:
        if id not in QUESTIONS:
            raise ValueError(f"points: {id!r}, allowed: {', '.join(QUESTIONS)}")
    for id, text in thresholds.items():
        try:
            threshold = Threshold.parse(text)
            if id in POINTS:
                threshold.check(POINTS[id].figures)
        except ValueError as error:
            raise ValueError(f"thresholds.{id}: {error}") from None
