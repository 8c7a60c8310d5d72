"""What others on a full machine may have broken is neither the target's failure nor a pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.p0_runs import asked, judged, mixed
from tests.support.synthetic_run import Samples, fail
from tests.unit.verdicts.measure.test_machine_use import scrapes
from verdicts.explain import headline
from verdicts.judge.judge import Judgement

CROWDED = scrapes(1.95)
ROOM = scrapes(1.7)


def failing(reason: str) -> Any:
    def change(samples: Samples) -> Samples:
        mixed(samples)
        fail(samples, samples["planned"] > 5, reason)
        return samples

    return change


def found(
    folder: Path, bounds: dict[str, str], said: Any = CROWDED, reason: str = "", **data: Any
) -> Judgement:
    spec = asked(bounds)
    spec = replace(spec, scenario_data={**spec.scenario_data, **data})
    return judged(folder, replace(spec, change=failing(reason)) if reason else spec, said)


def test_a_time_out_of_bounds_is_not_the_stacks(tmp_path: Path) -> None:
    late = found(tmp_path, {"P0.3": "p95 <= 1 ms"})
    assert (late.verdict, late.exit_code) == ("inconclusive", 3)
    assert "For 10 of 10 s the machine was full" in late.excused[0].evidence
    told = headline.sentence(late)
    assert told.startswith("Nothing is proved: P0.3.innocents p95 is ")
    assert told.endswith("on a machine that others had filled.")


@pytest.mark.parametrize(
    ("said", "reason", "verdict"),
    [
        (CROWDED, "", "inconclusive"),
        (CROWDED, "db_pool_timeout", "inconclusive"),
        (CROWDED, "connect", "fail"),
        (ROOM, "", "fail"),
    ],
)
def test_a_p95_that_does_not_settle_is_slowness_too(
    tmp_path: Path, said: Any, reason: str, verdict: str
) -> None:
    def slow(samples: Samples) -> Samples:
        mixed(samples)
        late = (samples["planned"] >= 3) & (samples["planned"] < 5)
        samples["done"][late] += 2.0
        if reason:
            fail(samples, late, reason)
        return samples

    spec = asked({"P1.11": "seconds <= 1 s, restarted == 0"})
    fault = {"at": 2.0, "until": 3.0, "fault": "db-hold", "target": None, "params": {}}
    data = {**spec.scenario_data, "faults": [fault], "service": 0.5}
    spec = replace(spec, change=slow, scenario_data=data)
    late = judged(tmp_path, spec, said)
    assert next(one for one in late.points if one.id == "P1.11").value == 2
    assert late.verdict == verdict


def test_where_there_was_room_it_is(tmp_path: Path) -> None:
    assert found(tmp_path, {"P0.3": "p95 <= 1 ms"}, ROOM).verdict == "fail"


def test_a_bound_that_holds_there_is_held(tmp_path: Path) -> None:
    assert found(tmp_path, {"P0.3": "p95 <= 9 s"}).verdict == "pass"


@pytest.mark.parametrize("reason", ["timeout", "db_pool_timeout", "global_concurrency_exceeded"])
def test_calls_that_failed_for_want_of_time_may_be_others_doing(tmp_path: Path, reason: str) -> None:
    assert found(tmp_path, {"P0.3": "success >= 99 %"}, reason=reason).verdict == "inconclusive"


@pytest.mark.parametrize("reason", ["connect", "origin_unavailable", "rate_limit_exceeded", "wrong_answer"])
def test_a_dead_origin_a_count_and_a_wrong_answer_are_not(tmp_path: Path, reason: str) -> None:
    assert found(tmp_path, {"P0.3": "success >= 99 %"}, reason=reason).verdict == "fail"


@pytest.mark.parametrize(
    ("said", "reason", "verdict"),
    [(CROWDED, "timeout", "inconclusive"), (CROWDED, "connect", "fail"), (ROOM, "timeout", "fail")],
)
def test_valid_users_beside_forged_tokens_may_have_run_out_of_time(
    tmp_path: Path, said: Any, reason: str, verdict: str
) -> None:
    late = found(tmp_path, {"P3.4": ""}, said, reason)
    assert late.verdict == verdict
    assert ("P3.4.valid-users" in {one.id for one in late.excused}) == (verdict == "inconclusive")


def test_what_the_scenario_expects_does_not_weigh(tmp_path: Path) -> None:
    """Half of the calls are refused as expected; of the few others most ran out of time."""

    def change(samples: Samples) -> Samples:
        failing("rate_limit_exceeded")(samples)
        fail(samples, (samples["planned"] > 3) & (samples["planned"] < 4), "timeout")
        return samples

    spec = asked({"P0.3": "success >= 99 %"})
    spec = replace(
        spec, change=change, scenario_data={**spec.scenario_data, "expects": ["rate_limit_exceeded"]}
    )
    assert judged(tmp_path, spec, CROWDED).verdict == "inconclusive"


def test_what_no_slowness_does_outweighs_it(tmp_path: Path) -> None:
    both = found(tmp_path, {"P0.3": "p95 <= 1 ms", "P0.1": "callers <= 5"})
    assert both.verdict == "fail"
    assert [one.id for one in both.points if one.status == "fail"] == ["P0.1.callers"]
    assert [one.id for one in both.excused] == ["P0.3.innocents"]


def test_an_invalid_run_excuses_nothing(tmp_path: Path) -> None:
    def late(samples: Samples) -> Samples:
        mixed(samples)
        samples["sent"] += 0.2
        samples["done"] += 0.2
        return samples

    said = judged(tmp_path, replace(asked({"P0.3": "p95 <= 1 ms"}), change=late), CROWDED)
    assert said.verdict == "invalid"
    assert said.excused == ()
