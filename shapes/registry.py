"""Schedules by name, as a scenario writes them.

Parameters are relative: rates are multiples of the group's rate (0 to 1,000), times are shares of its
duration (0 to 1). So another rate, duration or time scale keeps the attack's form.

    constant                       poisson
    ramp    from 0, to 1           spike   base 0.1, peak 1, at 0.4, for 0.2
    step    from 0.1, to 1, steps 10
    stages  stages: [{for: 0.5, rate: 1}, {for: 0.5, to: 0}]     rate: constant; from (default: the end
                                                                 of the stage before, else 0), to: linear
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shapes.base import Shape, check_duration, check_rate, number
from shapes.constant import constant
from shapes.piecewise import Piecewise, Stage
from shapes.poisson import Poisson
from shapes.ramp import ramp
from shapes.spike import spike
from shapes.step import step

MAX_FACTOR: Final = 1000
MAX_STAGES: Final = 1000


@dataclass(frozen=True)
class Group:
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

    def factor(self, name: str) -> float:
        """A multiple of the group's rate."""
        return number(f"shape {self._kind}: {name}", self[name], 0, MAX_FACTOR)

    def share(self, name: str) -> float:
        """A share of the group's duration."""
        return number(f"shape {self._kind}: {name}", self[name], 0, 1)


def make(kind: str, params: Mapping[str, Any], *, rate: float, duration: float, seed: int) -> Shape:
    """The schedule `kind` for a group of `rate` arrivals/s in all (accounts × rate of each).

    `duration` is in seconds. Raises ValueError with one line that names what is allowed.
    """
    if kind not in _KINDS:
        raise ValueError(f"unknown shape {kind!r}; allowed: {', '.join(KINDS)}")
    build, defaults = _KINDS[kind]
    group = Group(check_rate(rate), check_duration(duration), seed)
    return build(Params(kind, params, defaults), group)


def _constant(_: Params, group: Group) -> Shape:
    return constant(group.rate, group.duration)


def _poisson(_: Params, group: Group) -> Shape:
    return Poisson(group.rate, group.duration, group.seed)


def _ramp(params: Params, group: Group) -> Shape:
    return ramp(params.factor("from") * group.rate, params.factor("to") * group.rate, group.duration)


def _spike(params: Params, group: Group) -> Shape:
    at, length = params.share("at"), params.share("for")
    if at + length > 1 + 1e-9:
        raise ValueError(f"shape spike: at + for must be at most 1 (the whole duration), not {at + length:g}")
    base, peak = params.factor("base") * group.rate, params.factor("peak") * group.rate
    at *= group.duration
    return spike(base, peak, at, min(length * group.duration, group.duration - at), group.duration)


def _step(params: Params, group: Group) -> Shape:
    start, end = params.factor("from") * group.rate, params.factor("to") * group.rate
    return step(start, end, params["steps"], group.duration)


def _stages(params: Params, group: Group) -> Shape:
    listed = params["stages"]
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= MAX_STAGES:
        raise ValueError(f"shape stages: stages must be a list of 1 to {MAX_STAGES} stages")
    stages: list[Stage] = []
    share, level = 0.0, 0.0
    for given in listed:
        length, start, level = _stage(given, level)
        share += length
        stages.append(Stage(min(share, 1.0) * group.duration, start * group.rate, level * group.rate))
    if abs(share - 1) > 1e-9:
        raise ValueError(
            f"shape stages: the stages' `for` must add up to 1 (the whole duration), not {share:g}"
        )
    stages[-1] = stages[-1]._replace(until=group.duration)
    return Piecewise(tuple(stages))


def _stage(given: Any, level: float) -> tuple[float, float, float]:
    """One stage as (share of the duration, first factor, last factor)."""
    if not isinstance(given, Mapping) or not ({"for", "rate"} == set(given) or {"for", "to"} <= set(given)):
        raise ValueError(
            "shape stages: a stage has either `for` and `rate`, or `for`, `to` and perhaps `from`"
        )
    if "rate" in given:
        level = number("shape stages: rate", given["rate"], 0, MAX_FACTOR)
        return number("shape stages: for", given["for"], 0, 1), level, level
    params = Params("stages", given, {"for": 0, "from": level, "to": 0})
    return params.share("for"), params.factor("from"), params.factor("to")


_KINDS: Final[dict[str, tuple[Callable[[Params, Group], Shape], dict[str, Any]]]] = {
    "constant": (_constant, {}),
    "poisson": (_poisson, {}),
    "ramp": (_ramp, {"from": 0, "to": 1}),
    "spike": (_spike, {"base": 0.1, "peak": 1, "at": 0.4, "for": 0.2}),
    "stages": (_stages, {"stages": None}),
    "step": (_step, {"from": 0.1, "to": 1, "steps": 10}),
}
KINDS: Final = tuple(_KINDS)
