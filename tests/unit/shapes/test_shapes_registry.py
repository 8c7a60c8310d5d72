"""Schedules by name: defaults, what is relative to the group, and every refusal in one line."""

from typing import Any

import pytest

from shapes.constant import constant
from shapes.poisson import Poisson
from shapes.ramp import ramp
from shapes.registry import KINDS, make
from shapes.spike import spike
from shapes.stages import stages
from shapes.step import step
from shapes.waves import waves

STAGES: dict[str, Any] = {
    "stages": [
        {"for": 2, "to": 1},
        {"for": 3, "rate": 0.5},
        {"for": 1, "to": 0},
        {"for": 4, "from": 0.2, "to": 2},
    ]
}


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("constant", {}, constant(50, 10)),
        ("poisson", {}, Poisson(50, 10, 7)),
        ("ramp", {}, ramp(0, 50, 10)),
        ("ramp", {"from": 2, "to": 0.5}, ramp(100, 25, 10)),
        ("spike", {}, spike(5, 50, at=4, length=2, duration=10)),
        ("spike", {"base": 0, "peak": 3, "at": 1, "for": 5}, spike(0, 150, at=1, length=5, duration=10)),
        ("step", {}, step(5, 50, 10, 10)),
        ("step", {"from": 1, "to": 2, "steps": 2}, step(50, 100, 2, 10)),
        ("waves", {}, waves(50, 1, 1, 10)),
        ("waves", {"for": 3, "rest": 0.5}, waves(50, 3, 0.5, 10)),
        ("stages", STAGES, stages([(2, 0, 50), (3, 25, 25), (1, 25, 0), (4, 10, 100)], 10)),
    ],
)
def test_a_kind_by_name(kind: str, params: dict[str, Any], expected: object) -> None:
    assert make(kind, params, rate=50, duration=10, seed=7) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rate", "duration"), [(0, 10), (50, 0), (0, 0)])
def test_no_rate_or_no_time_is_no_arrival(kind: str, rate: float, duration: float) -> None:
    params = STAGES if kind == "stages" else {}
    assert make(kind, params, rate=rate, duration=duration, seed=1).count == 0


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        ("constant", "none"),
        ("poisson", "none"),
        ("ramp", "from, to"),
        ("spike", "base, peak, at, for"),
        ("stages", "stages"),
        ("step", "from, to, steps"),
        ("waves", "for, rest"),
    ],
)
def test_every_kind_refuses_a_parameter_it_does_not_know(kind: str, allowed: str) -> None:
    assert refusal(kind, {"peek": 1, "peep": 2}) == (
        f"shape {kind}: unknown parameter 'peek'; allowed: {allowed}"
    )


NO_LIST = "stages must be a list of 1 to 1000 stages"
NO_STAGE = "a stage must have `for` and `rate`, or `for`, `to` and perhaps `from`"
FACTOR, SECONDS = "must be a number from 0 to 1000", "must be a number from 0 to 1e+07"
TOO_MANY = "more than 1,000 waves, allowed: as many at most"


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("ramp", {"to": -1}, f"to {FACTOR}, not -1"),
        ("ramp", {"to": "fast"}, f"to {FACTOR}, not 'fast'"),
        ("ramp", {"from": True}, f"from {FACTOR}, not True"),
        ("spike", {"at": 11}, "at must be a number from 0 to 10, not 11"),
        ("spike", {"for": -1}, f"for {SECONDS}, not -1"),
        ("spike", {"peak": 1001}, f"peak {FACTOR}, not 1001"),
        ("spike", {"base": -0.1}, f"base {FACTOR}, not -0.1"),
        ("step", {"from": -1}, f"from {FACTOR}, not -1"),
        ("step", {"to": -1}, f"to {FACTOR}, not -1"),
        ("step", {"steps": 0}, "steps must be a whole number from 1 to 1000, not 0"),
        ("step", {"steps": 2.5}, "steps must be a whole number from 1 to 1000, not 2.5"),
        ("waves", {"for": -1}, f"for {SECONDS}, not -1"),
        ("waves", {"rest": -1}, f"rest {SECONDS}, not -1"),
        ("waves", {"for": 0, "rest": 0}, TOO_MANY),
        ("waves", {"for": 0.004, "rest": 0.005}, TOO_MANY),
        ("stages", {}, NO_LIST),
        ("stages", {"stages": []}, NO_LIST),
        ("stages", {"stages": [{"for": 1, "rate": 1}] * 1001}, NO_LIST),
        ("stages", {"stages": "up"}, NO_LIST),
        ("stages", {"stages": [5]}, NO_STAGE),
        ("stages", {"stages": [{"for": 5}]}, NO_STAGE),
        ("stages", {"stages": [{"rate": 5}]}, NO_STAGE),
        ("stages", {"stages": [{"to": 5, "from": 1}]}, NO_STAGE),
        ("stages", {"stages": [{"for": 5, "rate": 1, "from": 2}]}, NO_STAGE),
        (
            "stages",
            {"stages": [{"for": 5, "rate": 1, "to": 2}]},
            "unknown parameter 'to'; allowed: for, rate",
        ),
        (
            "stages",
            {"stages": [{"for": 5, "to": 1, "peak": 2}]},
            "unknown parameter 'peak'; allowed: for, from, to",
        ),
        ("stages", {"stages": [{"for": -5, "rate": 1}]}, f"for {SECONDS}, not -5"),
        ("stages", {"stages": [{"for": -5, "to": 1}]}, f"for {SECONDS}, not -5"),
        ("stages", {"stages": [{"for": 5, "rate": -1}]}, f"rate {FACTOR}, not -1"),
        ("stages", {"stages": [{"for": 5, "to": -1}]}, f"to {FACTOR}, not -1"),
        ("stages", {"stages": [{"for": 5, "from": None, "to": 1}]}, f"from {FACTOR}, not None"),
        (
            "stages",
            {"stages": [{"for": 5, "rate": 1}]},
            "the stages last 5 s in all, and must last at least the run's 10 s",
        ),
    ],
)
def test_bad_parameters_are_refused_in_one_line(kind: str, params: dict[str, Any], message: str) -> None:
    assert refusal(kind, params) == f"shape {kind}: {message}"


def test_an_unknown_kind_is_refused_with_all_that_there_are() -> None:
    assert refusal("burst", {}) == (
        "unknown shape 'burst'; allowed: constant, poisson, ramp, spike, stages, step, waves"
    )


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("ramp", {"from": 1000, "to": 1000}, ramp(50_000, 50_000, 10)),
        ("spike", {"at": 10, "for": 1e7}, spike(5, 50, at=10, length=1e7, duration=10)),
        ("step", {"steps": 1000}, step(5, 50, 1000, 10)),
        ("waves", {"for": 0.01, "rest": 0}, waves(50, 0.01, 0, 10)),
        ("stages", {"stages": ({"for": 10, "to": 1},)}, stages([(10, 0, 50)], 10)),
        ("stages", {"stages": [{"for": 0.01, "rate": 1}] * 1000}, stages([(0.01, 50, 50)] * 1000, 10)),
    ],
)
def test_the_bounds_themselves_are_allowed(kind: str, params: dict[str, Any], expected: object) -> None:
    assert make(kind, params, rate=50, duration=10, seed=1) == expected


@pytest.mark.parametrize(
    ("rate", "duration", "message"),
    [
        (-1, 10, "rate must be a number from 0 to 1e+09, not -1"),
        (50, -1, "duration must be a number from 0 to 1e+07, not -1"),
        (float("nan"), 10, "rate must be a number from 0 to 1e+09, not nan"),
        (1e9, 10, "at most 20,000,000 arrivals can be planned, not 10,000,000,000"),
        (2e9, 0, "rate must be a number from 0 to 1e+09, not 2000000000.0"),
    ],
)
def test_a_bad_group_is_refused(rate: float, duration: float, message: str) -> None:
    assert refusal("constant", {}, rate, duration) == message


def refusal(kind: str, params: dict[str, Any], rate: float = 50, duration: float = 10) -> str:
    """What the error says, one line."""
    with pytest.raises(ValueError, match=r"^[^\n]+$") as refused:
        make(kind, params, rate=rate, duration=duration, seed=1)
    return str(refused.value)
