"""A made-up system under agents that ask again, in a few lines of arithmetic, with a frontier that is known.

It serves one call a second of a load of 1. While its trigger lasts nothing is served, and an agent leaves a
call after `PATIENCE` and asks again: by then twice, three times, … the load is offered, 1 + retries times
at most. If the backlog is longer than the patience when the trigger ends, and the repeats alone fill the
system, it stays.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from shapes.frontier.search import StormPoint

PATIENCE = 2.0  # seconds
RETRIES = {"naive": 5, "polite": 0.1, "no-retries": 0}
ComesBack = Callable[[StormPoint], bool]


def backlog(point: StormPoint, retries: float) -> float:
    """Seconds of work that wait when the trigger ends."""
    found = 0.0
    for turn in range(math.ceil(point.length / PATIENCE)):
        span = min(PATIENCE, point.length - turn * PATIENCE)
        found = max(0.0, found + (point.load * (1 + min(turn, retries)) - 1) * span)
    return found


def comes_back(agents: str = "naive", noise: float = 0.0, seed: int = 1) -> ComesBack:
    """Whether it does; with noise load and length are a little more, or less, than was asked for."""
    dice, retries = random.Random(seed), RETRIES[agents]

    def trial(asked: StormPoint) -> bool:
        point = StormPoint(*(one * (1 + dice.uniform(-noise, noise)) for one in asked))
        return point.load * (1 + retries) <= 1 or backlog(point, retries) <= PATIENCE

    return trial


def edge(low: float, high: float, back: Callable[[float], bool]) -> float:
    """Where `back` turns false between low and high, by halving."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if back(middle) else (low, middle)
    return low
