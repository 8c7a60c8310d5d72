"""Schedules by name, as a scenario writes them.

Rates are multiples of the group's rate (0 to 1,000), so that another rate or number of accounts keeps
the attack's form; times are seconds.

    constant                       poisson
    ramp    from 0, to 1           step    from 0.1, to 1, steps 10
    spike   base 0.1, peak 1, at (default: 0.4 of the duration), for (default: 0.2 of it)
    stages  stages: [{for: 20, rate: 1}, {for: 30, to: 0}]
            rate: constant; to: linear, from `from` (default: where the stage before ended, 0 at first)
    waves   for (default: 0.1 of the duration), rest (default: 0.1 of it), again and again to the end

What a shape plans after the run's end is cut off; stages that end before the run are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shapes.base import MAX_DURATION, Shape, check_duration, check_rate, number, whole
from shapes.constant import constant
from shapes.poisson import Poisson
from shapes.ramp import ramp
from shapes.spike import spike
from shapes.stages import stages
from shapes.step import MAX_STEPS, step
from shapes.waves import waves

MAX_FACTOR: Final = 1000
MAX_STAGES: Final = 1000


@dataclass(frozen=True)
class GroupLoad:
    """What a schedule is made for: arrivals/s of all its accounts, seconds, seed."""

    rate: float
    duration: float
    seed: int


class Params:
    """A kind's parameters: unknown names refused, defaults filled in, each read as what it must be."""

    def __init__(self, kind: str, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        unknown = sorted(map(str, set(given) - set(defaults)))
        if unknown:
            allowed = ", ".join(defaults) or "none"
            raise ValueError(f"shape {kind}: unknown parameter {unknown[0]!r}; allowed: {allowed}")
        self._kind = kind
        self._values = {**defaults, **given}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def label(self, name: str) -> str:
        """How an error calls the parameter."""
        return f"shape {self._kind}: {name}"

    def factor(self, name: str) -> float:
        """A multiple of the group's rate."""
        return number(self.label(name), self[name], 0, MAX_FACTOR)

    def seconds(self, name: str, high: float = MAX_DURATION) -> float:
        """A time."""
        return number(self.label(name), self[name], 0, high)


def make(kind: str, params: Mapping[str, Any], *, rate: float, duration: float, seed: int) -> Shape:
    """The schedule `kind` for a group of `rate` arrivals/s in all (accounts × rate of each).

    `duration` is in seconds. Raises ValueError with one line that names what is allowed.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown shape {kind!r}; allowed: {', '.join(KINDS)}")
    return KINDS[kind](params, GroupLoad(check_rate(rate), check_duration(duration), seed))


def _constant(given: Mapping[str, Any], group: GroupLoad) -> Shape:
    Params("constant", given, {})
    return constant(group.rate, group.duration)


def _poisson(given: Mapping[str, Any], group: GroupLoad) -> Shape:
    Params("poisson", given, {})
    return Poisson(group.rate, group.duration, group.seed)


def _ramp(given: Mapping[str, Any], group: GroupLoad) -> Shape:
    params = Params("ramp", given, {"from": 0, "to": 1})
    return ramp(params.factor("from") * group.rate, params.factor("to") * group.rate, group.duration)


def _spike(given: Mapping[str, Any], group: GroupLoad) -> Shape:
    lasts = group.duration
    params = Params("spike", given, {"base": 0.1, "peak": 1, "at": 0.4 * lasts, "for": 0.2 * lasts})
    base, peak = params.factor("base") * group.rate, params.factor("peak") * group.rate
    return spike(base, peak, params.seconds("at", lasts), params.seconds("for"), lasts)


def _step(given: Mapping[str, Any], group: GroupLoad) -> Shape:
    params = Params("step", given, {"from": 0.1, "to": 1, "steps": 10})
    steps = whole(params.label("steps"), params["steps"], 1, MAX_STEPS)
    return step(params.factor("from") * group.rate, params.factor("to") * group.rate, steps, group.duration)


def _stages(given: Mapping[str, Any], group: GroupLoad) -> Shape:
    listed = Params("stages", given, {"stages": ()})["stages"]
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= MAX_STAGES:
        raise ValueError(f"shape stages: stages must be a list of 1 to {MAX_STAGES} stages")
    pieces: list[tuple[float, float, float]] = []
    level = 0.0
    for one in listed:
        seconds, start, level = _stage(one, level)
        pieces.append((seconds, start * group.rate, level * group.rate))
    try:
        return stages(pieces, group.duration)
    except ValueError as error:
        raise ValueError(f"shape stages: {error}") from None


def _stage(given: Any, level: float) -> tuple[float, float, float]:
    """One stage as (seconds, first factor, last factor), after one that ended at `level`."""
    if not isinstance(given, Mapping) or not (set(given) == {"for", "rate"} or set(given) >= {"for", "to"}):
        raise ValueError(
            "shape stages: a stage must have `for` and `rate`, or `for`, `to` and perhaps `from`"
        )
    if "rate" in given:
        params = Params("stages", given, {"for": 0, "rate": 0})
        return params.seconds("for"), params.factor("rate"), params.factor("rate")
    params = Params("stages", given, {"for": 0, "from": level, "to": 0})
    return params.seconds("for"), params.factor("from"), params.factor("to")


def _waves(given: Mapping[str, Any], group: GroupLoad) -> Shape:
    params = Params("waves", given, {"for": 0.1 * group.duration, "rest": 0.1 * group.duration})
    try:
        return waves(group.rate, params.seconds("for"), params.seconds("rest"), group.duration)
    except ValueError as error:
        raise ValueError(str(error) if str(error).startswith("shape") else f"shape waves: {error}") from None


KINDS: Final[dict[str, Callable[[Mapping[str, Any], GroupLoad], Shape]]] = {
    "constant": _constant,
    "poisson": _poisson,
    "ramp": _ramp,
    "spike": _spike,
    "stages": _stages,
    "step": _step,
    "waves": _waves,
}
