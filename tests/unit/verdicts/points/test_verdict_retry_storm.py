"""S1 to S4 on runs made of arithmetic: storms that end, that do not, and that nobody can tell."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telemetry.recording.sample import NO_ROOM, Flag
from tests.support.synthetic_run import Samples, Spec, drop, fail, write
from tests.unit.verdicts.measure.test_intents import repeats
from verdicts.judge.judge import judge
from verdicts.measure.intents import causes
from verdicts.points.point import Finding
from verdicts.points.registry import ASKED, POINTS, check
from verdicts.run.reading import Run, load

IDS = ["S1", "S2", "S3", "S4"]
AT, END, DURATION = 4.0, 6.0, 80.0
FAULT = {"faults": [{"fault": "upstream-stall", "at": AT, "until": END, "target": None}]}


def made(
    folder: Path,
    until: float = 9.0,
    duration: float = DURATION,
    queue: float | None = None,
    metric: str = causes.MODELLED,
    **told: Any,
) -> Run:
    """Calls planned from the trigger on fail until `until`, each twice repeated in vain."""

    def change(samples: Samples) -> Samples:
        hit = (samples["planned"] >= AT) & (samples["planned"] < until)
        fail(samples, hit, "timeout")
        again = [repeats(samples[hit], number, 0.5 * number, ok=False) for number in (1, 2)]
        return np.concatenate([samples, *again])

    spec = Spec(
        duration=duration, accounts=10, rate=2.0, chances={}, change=change, scenario_data={**FAULT, **told}
    )
    write(folder / "run", spec)
    if queue is not None:
        _tell(folder / "run", metric, lambda t: queue if t > END else 0.0)
    run = load(folder / "run")
    options = {"deadline": 2.0, "give_up": 1.0}
    run.scenario["groups"][0]["persona"] = {"name": "agent", "options": options}
    return run


def _tell(folder: Path, metric: str, value: Callable[[float], float]) -> None:
    file = folder / "target.jsonl"
    scrapes = [json.loads(line) for line in file.read_text().splitlines()]
    for scrape in scrapes:
        if scrape["source"] == "origin-a":
            scrape["values"][metric] = value(scrape["t"])
    file.write_text("".join(json.dumps(scrape) + "\n" for scrape in scrapes))


def found(run: Run, id: str) -> Finding:
    finding = POINTS[id].find(run)
    assert isinstance(finding, Finding)
    assert finding.figures.keys() <= POINTS[id].figures.keys()
    return finding


def test_they_are_asked_beside_the_plan() -> None:
    check(IDS, {"S2": "seconds <= 30 s, metastable == 0", "S1": "worst <= 3"})
    for id in IDS:
        assert ASKED[id].priority == "P0"
        assert not ASKED[id].of_the_plan
        assert ASKED[id].ja.endswith("か")


def test_a_storm_that_ends_says_when(tmp_path: Path) -> None:
    run = made(tmp_path, until=9.0)
    back = found(run, "S2")
    assert back.value == 3.0
    assert (back.figures["metastable"], back.figures["before"]) == (0.0, 1.0)
    assert back.evidence == "upstream-stall from 4 s to 6 s; before it 100.0% were served in time."
    left = found(run, "S3")
    assert (left.value, left.figures["rate"]) == (0.0, 0.0)
    assert left.evidence.startswith("0 of 100 intents planned from 4 s to 9 s")


def test_one_that_does_not_end_is_metastable(tmp_path: Path) -> None:
    back = found(made(tmp_path, until=DURATION), "S2")
    assert back.value == "metastable"
    assert (back.figures["metastable"], back.figures["seconds"]) == (1.0, math.inf)
    assert "did not come back within the 72 s that were watched" in back.evidence


def test_a_relapse_is_no_recovery(tmp_path: Path) -> None:
    def relapse(samples: Samples) -> Samples:
        fail(samples, (samples["planned"] >= AT) & (samples["planned"] < 9.0), "timeout")
        fail(samples, (samples["planned"] >= 40.0) & (samples["planned"] < 45.0), "timeout")
        return samples

    spec = Spec(duration=DURATION, accounts=10, rate=2.0, chances={}, change=relapse, scenario_data=FAULT)
    run = load(write(tmp_path / "run", spec))
    run.scenario["groups"][0]["persona"] = {"name": "agent", "options": {"deadline": 2.0}}
    assert found(run, "S2").value == 39.0


@pytest.mark.parametrize(("at", "watched", "back"), [(40.0, 32.0, 3.0), (5.0, 0.0, math.inf)])
def test_another_fault_ends_the_watch(tmp_path: Path, at: float, watched: float, back: float) -> None:
    """What is lost under it is not the trigger's; one that outlasts the trigger leaves nothing to watch."""

    def twice(samples: Samples) -> Samples:
        fail(samples, (samples["planned"] >= AT) & (samples["planned"] < 9.0), "timeout")
        fail(samples, (samples["planned"] >= 40.0) & (samples["planned"] < 45.0), "timeout")
        return samples

    other = {"fault": "upstream-stall", "at": at, "until": 45.0, "target": None}
    data = {"faults": [*FAULT["faults"], other]}
    spec = Spec(duration=DURATION, accounts=10, rate=2.0, chances={}, change=twice, scenario_data=data)
    run = load(write(tmp_path / "run", spec))
    run.scenario["groups"][0]["persona"] = {"name": "agent", "options": {"deadline": 2.0}}
    figures = found(run, "S2").figures
    assert (figures["seconds"], figures["watched"]) == (back, watched)


@pytest.mark.parametrize(("id", "figure"), [("S1", "worst"), ("S2", "metastable"), ("S3", "share")])
@pytest.mark.parametrize("cut", [True, False])
def test_repeats_that_max_rps_cut_off_leave_nothing_to_hold_a_bound_against(
    tmp_path: Path, id: str, figure: str, cut: bool
) -> None:
    def change(samples: Samples) -> Samples:
        hit = (samples["planned"] >= AT) & (samples["planned"] < 9.0)
        fail(samples, hit, "timeout")
        again = repeats(samples[hit], 1, 0.5)
        drop(again, np.full(len(again), cut), NO_ROOM)
        return np.concatenate([samples, again])

    spec = Spec(duration=DURATION, accounts=10, rate=2.0, chances={}, change=change, scenario_data=FAULT)
    run = load(write(tmp_path / "run", spec))
    run.scenario["groups"][0]["persona"] = {"name": "agent", "options": {"deadline": 2.0}}
    finding = found(run, id)
    told = "100 repeats were never made, as max_rps left no room for them." in finding.evidence
    assert (told, math.isnan(finding.figures[figure])) == (cut, cut)


@pytest.mark.parametrize(("duration", "scale", "state"), [(20.0, 1.0, math.nan), (20.0, 6.0, 1.0)])
def test_too_short_a_watch_says_so(tmp_path: Path, duration: float, scale: float, state: float) -> None:
    back = found(made(tmp_path, until=duration, duration=duration, duration_scale=scale), "S2")
    assert back.figures["metastable"] == pytest.approx(state, nan_ok=True)
    assert (back.value == "metastable") == (state == 1.0)


def test_a_bound_on_a_watch_that_was_too_short_is_not_passed(tmp_path: Path) -> None:
    told: dict[str, Any] = {"points": ["S2"], "thresholds": {"S2": "metastable == 0"}}
    run = made(tmp_path, until=20.0, duration=20.0, **told)
    assert next(one for one in judge(run).points if one.id == "S2").status == "invalid"


def test_where_few_were_served_in_time_before_it_there_is_nothing_to_come_back_to(tmp_path: Path) -> None:
    """Every call is answered well, and too late: before the trigger and ever after."""

    def slow(samples: Samples) -> Samples:
        samples["done"] = samples["sent"] + 5.0
        return samples

    told: dict[str, Any] = {"points": ["S2"], "thresholds": {"S2": "seconds <= 30 s, metastable == 0"}}
    data = {**FAULT, **told}
    spec = Spec(duration=DURATION, accounts=10, rate=2.0, chances={}, change=slow, scenario_data=data)
    run = load(write(tmp_path / "run", spec))
    run.scenario["groups"][0]["persona"] = {"name": "agent", "options": {"deadline": 2.0}}
    judged = judge(run)
    back = next(one for one in judged.points if one.id == "S2")
    assert (back.status, judged.verdict) == ("invalid", "invalid")
    assert back.evidence.startswith("Only 0.0% were served in time before upstream-stall from 4 s to 6 s")


def test_a_bound_within_a_watch_that_was_shorter_is_not_broken(tmp_path: Path) -> None:
    """It was not back within the 12 s that were watched; 30 s are allowed."""
    told: dict[str, Any] = {"points": ["S2"], "thresholds": {"S2": "seconds <= 30 s"}}
    run = made(tmp_path, until=20.0, duration=20.0, **told)
    assert next(one for one in judge(run).points if one.id == "S2").status == "invalid"
    told["thresholds"] = {"S2": "seconds <= 5 s"}
    late = made(tmp_path / "late", until=20.0, duration=20.0, **told)
    assert next(one for one in judge(late).points if one.id == "S2").status == "fail"


def test_the_worst_amplification_is_of_five_seconds(tmp_path: Path) -> None:
    worst = found(made(tmp_path, until=40.0), "S1")
    assert worst.value == 3.0
    assert worst.figures["whole"] == pytest.approx(1 + 2 * 36 / 80, abs=0.01)
    calm = found(load(write(tmp_path / "calm", Spec(duration=4.0))), "S1")
    assert (calm.value, calm.figures["repeats"]) == (1.0, 0.0)


def test_what_is_over_its_bound_kept_it_down(tmp_path: Path) -> None:
    cause = found(made(tmp_path, until=DURATION, queue=1.5), "S4")
    assert cause.value == "queue, repeats"
    assert cause.figures["queue"] == 1.5
    assert cause.figures["repeats"] == pytest.approx(2 / 3, abs=0.01)
    assert [row["over its bound"] for row in cause.rows] == ["yes", "yes", "no", "no", "no"]
    assert found(made(tmp_path / "short", until=DURATION, queue=0.9), "S4").value == "repeats"


@pytest.mark.parametrize(("preset", "over"), [("naive", True), ("sdk-python", False)])
def test_a_queue_is_held_against_the_patience_of_a_preset(tmp_path: Path, preset: str, over: bool) -> None:
    """Naive agents leave after 5 s; the SDK's after 300, and want it within 10."""
    run = made(tmp_path, until=DURATION, queue=7.0)
    options = {"preset": preset, "deadline": 10.0}
    run.scenario["groups"][0]["persona"] = {"name": "agent", "options": options}
    assert ("queue" in str(found(run, "S4").value)) == over
    late = made(tmp_path / "late", until=DURATION, queue=11.0)
    late.scenario["groups"][0]["persona"] = {"name": "agent", "options": options}
    assert "queue" in str(found(late, "S4").value)


def test_a_real_origin_tells_a_wait_that_it_measured(tmp_path: Path) -> None:
    cause = found(made(tmp_path, until=DURATION, queue=1.5, metric=causes.MEASURED), "S4")
    assert (cause.value, cause.figures["queue"]) == ("queue, repeats", 1.5)
    assert "requests waited 1.5 s before their upstream (measured)" in cause.evidence
    modelled = found(made(tmp_path / "fake", until=DURATION, queue=1.5), "S4")
    assert "the CPU's queue was 1.5 s long (modelled)" in modelled.evidence


@pytest.mark.parametrize(
    ("took", "told", "over"),
    [
        (2.004, "requests waited 2.0 s at least before their upstream (measured)", True),
        (0.001, "requests waited 0.0 s before their upstream (measured)", False),  # it refused
    ],
)
def test_a_scrape_that_a_real_origin_did_not_answer_waited_too(
    tmp_path: Path, took: float, told: str, over: bool
) -> None:
    made(tmp_path, until=DURATION, queue=0.01, metric=causes.MEASURED)
    file = tmp_path / "run" / "target.jsonl"
    scrapes = [json.loads(line) for line in file.read_text().splitlines()]
    for scrape in scrapes:
        if scrape["source"] == "origin-a" and scrape["t"] > END and scrape["t"] % 5 >= 1:
            scrape |= {"up": False, "values": {}, "took_s": took}
    file.write_text("".join(json.dumps(scrape) + "\n" for scrape in scrapes))
    run = load(tmp_path / "run")
    run.scenario["groups"][0]["persona"] = {"name": "agent", "options": {"deadline": 9.0, "give_up": 2.0}}
    cause = found(run, "S4")
    assert told in cause.evidence
    assert ("queue" in str(cause.value)) == over


def test_new_connections_refusals_and_sessions_have_their_shares(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        late = samples["planned"] >= END
        fail(samples, late & (samples["index"] % 2 == 0), "burst_exceeded")
        samples["flags"][late & (samples["index"] % 3 != 0)] = int(Flag.NEW_CONNECTION)
        return samples

    spec = Spec(duration=DURATION, accounts=10, rate=2.0, chances={}, change=change, scenario_data=FAULT)
    run = load(write(tmp_path / "run", spec))
    run.scenario["groups"][0]["persona"] = {"name": "agent", "options": {"deadline": 2.0}}
    cause = found(run, "S4")
    assert cause.value == "connections, refused"
    assert cause.figures["refused"] == pytest.approx(0.5, abs=0.02)
    assert math.isnan(cause.figures["queue"])
    assert "s: the queue was not seen; " in cause.evidence


@pytest.mark.parametrize("id", ["S2", "S3", "S4"])
def test_without_a_trigger_or_a_deadline_nothing_is_made_up(tmp_path: Path, id: str) -> None:
    assert not found(load(write(tmp_path / "calm", Spec())), id).seen
    spec = Spec(duration=DURATION, accounts=10, chances={}, scenario_data=FAULT)
    finding = found(load(write(tmp_path / "run", spec)), id)
    assert not finding.seen
    assert "deadline" in finding.evidence


def test_where_the_stacks_own_edge_had_no_cpu_nothing_is_called_metastable(tmp_path: Path) -> None:
    made(tmp_path, until=DURATION)
    file = tmp_path / "run" / "target.jsonl"
    scrapes = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [one for one in scrapes if one["source"] != "edge" or one["t"] % 4 < 1]
    file.write_text("".join(json.dumps(scrape) + "\n" for scrape in kept))
    run = load(tmp_path / "run")
    run.scenario["groups"][0]["persona"] = {"name": "agent", "options": {"deadline": 2.0}}
    back = found(run, "S2")
    assert back.value == "not within the run"
    assert math.isnan(back.figures["metastable"])
    assert math.isnan(back.figures["seconds"])
    assert "this machine may be what gave way" in back.evidence
