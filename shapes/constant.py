"""A constant rate: arrival i at i / rate."""

from __future__ import annotations

from shapes.piecewise import Piecewise, Stage


def constant(rate: float, duration: float) -> Piecewise:
    """`rate` arrivals/s for `duration` seconds, evenly spaced, the first at 0. Raises ValueError."""
    return Piecewise((Stage(duration, rate, rate),))
