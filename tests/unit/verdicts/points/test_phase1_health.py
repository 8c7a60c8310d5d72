from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.limiter_simulation import spec
from tests.support.synthetic_run import write
from verdicts.judge.judge import judge
from verdicts.points.point import PointResult
from verdicts.run.reading import load

BALANCER = {"check_interval": 3.0, "failures_to_down": 3, "successes_to_up": 2}
SETTINGS = {"settings": {"nano": {}, "balancer": BALANCER}, "processes": {}}


def fault(t: float, state: str, target: str = "origin-a") -> dict[str, Any]:
    return {"t": t, "kind": "fault", "name": "process-down", "detail": {"state": state, "target": target}}


def health(t: float, to: str, origin: str = "origin-a") -> dict[str, Any]:
    return {"t": t, "kind": "state", "name": "health", "detail": {"origin": origin, "to": to}}


def lb(t: float, *states: str) -> list[dict[str, Any]]:
    return [{"t": t, "kind": "state", "name": "lb", "detail": {"to": state}} for state in states]


def told(down: float = 9.0, up: float = 6.0) -> list[dict[str, Any]]:
    """A primary that is killed at 5 and back at 20; noticed after `down` and `up` seconds."""
    return [
        *(fault(5.0, "begins"), fault(20.0, "ends")),
        *(health(5 + down, "dead"), *lb(5 + down, "failing-over", "split")),
        *(health(21.0, "unhealthy"), health(20 + up, "up"), *lb(20 + up, "recovering", "primary")),
    ]


def answer(folder: Path, events: list[dict[str, Any]], **fields: Any) -> PointResult:
    run = write(
        folder / "run",
        spec("F1.3", **{"manifest": {"stack": SETTINGS}, "duration": 40.0, "rate": 1.0, **fields}),
    )
    with (run / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    return next(one for one in judge(load(run)).points if one.id == "F1.3")


@pytest.mark.parametrize("down", [6.0, 9.0, 12.0])
@pytest.mark.parametrize("up", [3.0, 6.0, 9.0])
def test_within_one_interval_is_right(tmp_path: Path, down: float, up: float) -> None:
    found = answer(tmp_path, told(down, up))
    assert (found.status, found.value) == ("pass", down)
    assert [row["noticed after s"] for row in found.rows] == [down, up]
    assert "primary → failing-over → split → recovering → primary" in found.evidence


@pytest.mark.parametrize(("down", "up"), [(5.5, 6.0), (12.5, 6.0), (9.0, 2.5), (9.0, 9.5)])
def test_too_early_or_too_late_is_red(tmp_path: Path, down: float, up: float) -> None:
    assert answer(tmp_path, told(down, up)).status == "fail"


@pytest.mark.parametrize("left_out", ["failing-over", "split", "recovering", "primary"])
def test_a_state_that_is_missing_is_red(tmp_path: Path, left_out: str) -> None:
    events = [event for event in told() if event["detail"].get("to") != left_out]
    found = answer(tmp_path, events)
    assert found.status == "fail"
    assert "out of order" in found.evidence


def test_states_in_another_order_are_red(tmp_path: Path) -> None:
    events = [event for event in told() if event["name"] != "lb"]
    assert (
        answer(tmp_path, [*events, *lb(14.0, "split", "failing-over", "recovering", "primary")]).status
        == "fail"
    )


def test_an_outage_that_is_never_noticed_is_red(tmp_path: Path) -> None:
    assert answer(tmp_path, [fault(5.0, "begins"), fault(20.0, "ends")]).status == "fail"
    only_b = [fault(5.0, "begins"), fault(20.0, "ends"), health(14.0, "dead", "origin-b")]
    found = answer(tmp_path / "b", only_b)
    assert found.status == "fail"
    assert "never noticed" in found.evidence


def test_the_database_concerns_both_origins(tmp_path: Path) -> None:
    events = [
        *(fault(5.0, "begins", "postgres"), fault(20.0, "ends", "postgres")),
        *(
            health(14.0, "unhealthy"),
            *lb(14.0, "failing-over", "split"),
            health(14.0, "unhealthy", "origin-b"),
        ),
        *(health(26.0, "up"), *lb(26.0, "recovering", "primary"), health(26.0, "up", "origin-b")),
    ]
    found = answer(tmp_path, events)
    assert found.status == "pass"
    assert [(row["origin"], row["change"]) for row in found.rows] == [
        *(("origin-a", "down"), ("origin-a", "back"), ("origin-b", "down"), ("origin-b", "back")),
    ]


def test_the_standby_changes_no_state(tmp_path: Path) -> None:
    events = [
        *(fault(5.0, "begins", "origin-b"), fault(20.0, "ends", "origin-b")),
        *(health(14.0, "dead", "origin-b"), health(26.0, "up", "origin-b")),
    ]
    assert answer(tmp_path, events).status == "pass"


def test_without_a_fault_or_a_view_of_the_balancer_nothing_is_observed(tmp_path: Path) -> None:
    assert answer(tmp_path, []).status == "info"
    hidden = answer(tmp_path / "b", [fault(5.0, "begins"), fault(20.0, "ends")], bundled=False)
    assert (hidden.status, hidden.value) == ("info", None)


@pytest.mark.parametrize(("most", "status"), [(9, "pass"), (8, "fail")])
def test_a_bound_that_is_asked_for_is_held_beside_what_is_promised(
    tmp_path: Path, most: int, status: str
) -> None:
    found = answer(
        tmp_path, told(), scenario_data={"points": ["F1.3"], "thresholds": {"F1.3": f"real <= {most} s"}}
    )
    assert found.value == 9.0
    assert found.status == status


@pytest.mark.parametrize(("name", "most"), [("process-down", 9.0), ("process-frozen", 9.5)])
def test_one_that_is_silent_is_noticed_once_its_checks_have_waited(
    tmp_path: Path, name: str, most: float
) -> None:
    balancer = {**BALANCER, "check_timeout": 0.5}
    events = [{**event, "name": name} if event["kind"] == "fault" else event for event in told()]
    manifest = {"stack": {"settings": {"nano": {}, "balancer": balancer}, "processes": {}}}
    assert answer(tmp_path, events, manifest=manifest).figures["most"] == most


def test_an_edge_that_did_not_tell_is_not_taken_for_one_that_noticed_nothing(tmp_path: Path) -> None:
    untold = {"t": 40.0, "kind": "run", "name": "untold", "detail": {"process": "edge"}}
    found = answer(tmp_path, [fault(5.0, "begins"), fault(20.0, "ends"), untold])
    assert (found.status, found.value) == ("info", None)
    assert "the edge gave no answer after the load" in found.evidence
    other = {**untold, "detail": {"process": "upstream"}}
    assert answer(tmp_path / "b", [fault(5.0, "begins"), fault(20.0, "ends"), other]).status == "fail"
