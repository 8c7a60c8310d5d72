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


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_refuses_a_parameter_it_does_not_know(kind: str) -> None:
    with pytest.raises(ValueError, match=rf"^shape {kind}: unknown parameter 'peek'; allowed: \w"):
        make(kind, {"peek": 1}, rate=50, duration=10, seed=1)


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("burst", {}, "unknown shape 'burst'; allowed: constant, poisson, ramp, spike, stages, step, waves"),
        ("ramp", {"to": -1}, "shape ramp: to must be a number from 0 to 1000, not -1"),
        ("ramp", {"to": "fast"}, "shape ramp: to must be a number"),
        ("ramp", {"from": True}, "shape ramp: from must be a number"),
        ("spike", {"at": 11}, "shape spike: at must be a number from 0 to 10, not 11"),
        ("spike", {"for": -1}, "shape spike: for must be a number"),
        ("spike", {"peak": 1001}, "shape spike: peak must be a number from 0 to 1000, not 1001"),
        ("step", {"steps": 0}, "shape step: steps must be a whole number from 1 to 1000, not 0"),
        ("step", {"steps": 2.5}, "shape step: steps must be a whole number"),
        ("waves", {"for": -1}, "shape waves: for must be a number from 0"),
        ("waves", {"for": 0, "rest": 0}, "shape waves: more than 1,000 waves, allowed"),
        ("waves", {"for": 0.004, "rest": 0.005}, "shape waves: more than 1,000 waves"),
        ("stages", {}, "shape stages: stages must be a list of 1 to 1000 stages"),
        ("stages", {"stages": []}, "shape stages: stages must be a list"),
        ("stages", {"stages": "up"}, "shape stages: stages must be a list"),
        ("stages", {"stages": [5]}, "a stage must have `for` and `rate`"),
        ("stages", {"stages": [{"for": 5}]}, "a stage must have `for` and `rate`"),
        (
            "stages",
            {"stages": [{"for": 5, "rate": 1, "to": 2}]},
            "unknown parameter 'to'; allowed: for, rate",
        ),
        ("stages", {"stages": [{"for": 5, "to": 1, "peak": 2}]}, "unknown parameter 'peak'"),
        ("stages", {"stages": [{"for": -5, "rate": 1}]}, "shape stages: for must be a number"),
        ("stages", {"stages": [{"for": 5, "rate": -1}]}, "shape stages: rate must be a number"),
        (
            "stages",
            {"stages": [{"for": 5, "rate": 1}]},
            "shape stages: the stages last 5 s in all, .* run's 10 s",
        ),
        ("stages", {"stages": [{"for": 5, "from": None, "to": 1}]}, "shape stages: from must be a number"),
    ],
)
def test_bad_parameters_are_refused_in_one_line(kind: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        make(kind, params, rate=50, duration=10, seed=1)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("rate", "duration"), [(-1, 10), (50, -1), (float("nan"), 10), (1e9, 10), (2e9, 0)])
def test_a_bad_group_is_refused(rate: float, duration: float) -> None:
    with pytest.raises(ValueError, match=r"must be a number|at most 20,000,000"):
        make("constant", {}, rate=rate, duration=duration, seed=1)
