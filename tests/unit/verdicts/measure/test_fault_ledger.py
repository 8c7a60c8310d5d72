"""The fault ledger: every way in which a fault proves nothing."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from tests.support.synthetic_run import Spec, write
from verdicts.judge.judge import judge
from verdicts.measure.target import fault_ledger
from verdicts.measure.target.faults import IMPOSSIBLE
from verdicts.run.reading import Event, Run, load

FAULT = {"at": 2.0, "until": 4.0, "fault": "upstream-error", "target": "notion"}


def event(t: float, state: str, number: int = 0, **detail: Any) -> Event:
    return Event(t, "fault", "upstream-error", {"state": state, "number": number, **detail})


BEGINS, ENDS = event(2.01, "begins"), event(4.02, "ends", observed=7)


def run(*events: Event, faults: tuple[Any, ...] = (FAULT,), stopped_at: float | None = None) -> Run:
    load_end = 10.0 if stopped_at is None else stopped_at
    made = SimpleNamespace(
        events=events, scenario={"faults": faults}, stopped_at=stopped_at, load_end=load_end,
        manifest=SimpleNamespace(tools=[]), samples={"sent": np.empty(0)}, out=np.empty(0, bool),
        of_tools=lambda labels: np.empty(0, bool),
    )  # fmt: skip
    return cast(Run, made)


def test_a_fault_that_happened_as_planned() -> None:
    found = fault_ledger.of(run(BEGINS, ENDS))
    assert found.counts() == {"planned": 1, "begun": 1, "ended": 1, "observed": 1}
    assert found.problems() == ()


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ((), "was not made: no word of it"),
        ((event(2.1, "refused", error="upstream is down"),), "was not made: upstream is down"),
        ((event(2.6, "begins"), ENDS), "came 0.6 s late"),
        ((BEGINS,), "did not end: no word of it"),
        ((BEGINS, event(4.1, "not ended", error="did not come back")), "did not end: did not come back"),
        ((BEGINS, event(7.0, "ends", observed=7)), "was lifted 3.0 s late"),
        ((BEGINS, event(4.0, "ends", observed=0)), "had no effect that was observed"),
        ((BEGINS, event(4.0, "ends", observed=None)), "nobody could tell its effect"),
    ],
)
def test_one_that_did_not_proves_nothing(events: tuple[Event, ...], says: str) -> None:
    (problem,) = fault_ledger.of(run(*events)).problems()
    assert problem.startswith("the fault upstream-error of notion at 2 s")
    assert says in problem


@pytest.mark.parametrize(
    "changed",
    [
        {"fault": "process-down", "target": "origin-a"},  # what it takes to start again is the target's
        {"until": None},
        {"until": 8.0},  # a stop came before it
    ],
)
def test_one_that_was_not_lifted_late(changed: dict[str, Any]) -> None:
    ends = event(7.0, "ends", observed=7)
    assert fault_ledger.of(run(BEGINS, ends, faults=({**FAULT, **changed},))).problems() == ()


@pytest.mark.parametrize("happen", [True, False])
def test_a_run_whose_faults_prove_nothing_is_invalid(tmp_path: Path, happen: bool) -> None:
    data = {"faults": [FAULT], "points": [], "thresholds": {}, "service": 0.1}
    found = judge(load(write(tmp_path / "run", Spec(scenario_data=data, faults_happen=happen))))
    assert any("upstream-error of notion" in reason for reason in found.validity.reasons) != happen
    assert found.verdict == ("pass" if happen else "invalid")


@pytest.mark.parametrize(("until", "verdict"), [(4.1, "pass"), (3.5, "invalid")])
def test_a_fault_that_an_open_breaker_let_nobody_meet_had_nothing_to_change(
    tmp_path: Path, until: float, verdict: str
) -> None:
    data = {"faults": [FAULT], "points": [], "thresholds": {}, "service": 0.1}
    kept = Spec(
        fault=(1.9, until, "breaker_open"), faults_happen=False, manifest={"tools": ["notion.search"]},
        scenario_data=data,
    )  # fmt: skip
    folder = write(tmp_path / "run", kept)
    with (folder / "events.jsonl").open("a") as file:
        for t, state in ((2.0, "begins"), (4.0, "ends")):
            detail = {"state": state, "number": 0, "at": 2.0, "target": "notion", "observed": 0}
            file.write(
                json.dumps({"t": t, "kind": "fault", "name": "upstream-error", "detail": detail}) + "\n"
            )
    assert judge(load(folder)).verdict == verdict


def test_an_effect_may_be_optional() -> None:
    fault = {**FAULT, "effect": "optional"}
    assert fault_ledger.of(run(BEGINS, event(4.0, "ends"), faults=(fault,))).problems() == ()


def test_faults_are_told_apart_by_their_number() -> None:
    other = (event(5.0, "refused", 1, error="no"),)
    found = fault_ledger.of(run(BEGINS, ENDS, *other, faults=(FAULT, {**FAULT, "at": 5.0, "until": 6.0})))
    assert found.counts() == {"planned": 2, "begun": 1, "ended": 1, "observed": 1}


def test_what_a_stop_came_before_was_not_planned() -> None:
    assert fault_ledger.of(run(stopped_at=1.0)).counts()["planned"] == 0
    assert fault_ledger.of(run(stopped_at=3.0)).problems() != ()


def test_where_nothing_can_be_made_nothing_was_planned() -> None:
    assert fault_ledger.of(run(event(2.0, IMPOSSIBLE))).counts()["planned"] == 0


def test_older_runs_wrote_no_numbers() -> None:
    old = Event(2.0, "fault", "upstream-error", {"state": "begins"})
    assert fault_ledger.of(run(old)).problems() == ()
