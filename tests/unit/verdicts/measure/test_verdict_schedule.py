"""What was due by the end of the load: the engine's own schedule, and both bounds where a run was stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from scenarios.load import load as scenario_of
from scenarios.overrides import Overrides
from tests.support.synthetic_run import Spec, write
from users.engine import job
from verdicts.measure.arrivals.schedule import Due, due, planned_times
from verdicts.run.reading import Run, load

FIFTY = Spec(duration=4.0, accounts=10)  # arrivals a second, evenly


def ended(folder: Path, last_word: float, **how: Any) -> Run:
    """A run of fifty arrivals a second whose worker's last word is of that instant."""
    run = load(write(folder / "run", replace(FIFTY, **how)))
    lines = run.ledgers["local"]
    return replace(run, ledgers={"local": (*lines[:-1], structs.replace(lines[-1], t=last_word))})


@pytest.mark.parametrize("name", ["burst", "era-mix"])
def test_the_schedule_is_the_engines_own_for_groups_of_random_arrivals_too(name: str) -> None:
    scenario = scenario_of(name, Overrides.read({"duration": 30, "seed": 5}))
    planned = planned_times(scenario.dump())
    assert planned.size > 100
    assert planned.tolist() == job.schedule(scenario).planned.tolist()


def test_of_a_run_that_went_on_to_its_end_everything_was_due(tmp_path: Path) -> None:
    assert due(ended(tmp_path, 4.6)) == Due(200, 200)


@pytest.mark.parametrize(
    ("stopped_at", "last_word", "expected"),
    [
        (2.51, 2.5, Due(116, 126)),  # by 2.31 s: the stop cut off 0.1 s, and clocks may be 0.1 s apart
        (2.51, 2.71, Due(116, 136)),  # it reached the worker by then
        (2.5, 2.5, Due(116, 126)),  # what is planned at an instant is due by then
        (0.05, 0.05, Due(0, 3)),
    ],
)
def test_a_stop_reaches_a_worker_a_moment_later_and_cuts_off_a_moment_before(
    tmp_path: Path, stopped_at: float, last_word: float, expected: Due
) -> None:
    run = ended(tmp_path, last_word, stopped_at=stopped_at, stop_reason="SIGINT")
    assert due(run) == expected


@pytest.mark.parametrize("how", [{"killed": True}, {"stop_reason": "SIGTERM"}])
def test_where_nobody_told_the_stop_nothing_need_have_been_planned(
    tmp_path: Path, how: dict[str, Any]
) -> None:
    recorded = {"change": lambda samples: samples[:100]}
    assert due(ended(tmp_path, 3.71, **recorded, **how)) == Due(0, 186)


def test_after_its_stop_nothing_is_due_of_a_worker_that_was_lost(tmp_path: Path) -> None:
    run = ended(tmp_path, 2.71, stopped_at=2.51, stop_reason="SIGINT", lost=("local",))
    assert due(run) == Due(116, 126)


UNKNOWN = {"shape": {"kind": "poison", "params": {}}, "rate": 1.0, "accounts": {"count": 1}}


@pytest.mark.parametrize("stop", ["completed", "SIGINT"])
@pytest.mark.parametrize("scenario", [{}, {"groups": [UNKNOWN], "duration": 4.0, "seed": 1}])
def test_without_a_scenario_that_can_be_read_nobody_knows(
    tmp_path: Path, stop: str, scenario: dict[str, Any]
) -> None:
    run = ended(tmp_path, 4.1, stop_reason=stop)
    assert due(replace(run, manifest=structs.replace(run.manifest, scenario=scenario))) is None
