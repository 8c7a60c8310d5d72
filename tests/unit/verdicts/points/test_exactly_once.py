"""E1 to E4 on runs made of arithmetic: what was done and paid for each intent, by what came first."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telemetry.recording.sample import Outcome
from tests.support.synthetic_run import Samples, Spec, fail, write
from tests.unit.verdicts.measure.test_intents import repeats
from verdicts.judge.judge import judge
from verdicts.points.point import Finding
from verdicts.points.registry import POINTS, check
from verdicts.run.reading import Run, load

ARRIVALS = 40
Counts = Mapping[int, int]


def counts(changed: Counts) -> dict[str, int]:
    """Each arrival once, but for these; those with none do not stand there."""
    whole = {**dict.fromkeys(range(ARRIVALS), 1), **changed}
    return {str(arrival): count for arrival, count in whole.items() if count}


def made(
    folder: Path,
    change: Callable[[Samples], Samples] | None = None,
    done: Counts | None = None,
    paid: Counts | None = None,
    recorded: Counts | None = None,
    tools: tuple[str, ...] = ("fast.echo",),
    **told: Any,
) -> Run:
    about = {"tools": list(tools)}
    spec = Spec(
        duration=4.0, accounts=10, rate=1.0, chances={}, change=change, scenario_data=told, manifest=about
    )
    write(folder / "run", spec)
    done = done or {}
    file = {
        "source": "upstream",
        "done": counts(done),
        "paid": counts(done if paid is None else paid),
        "recorded": counts(done if recorded is None else recorded),
    }
    (folder / "run" / "effects.json").write_text(json.dumps(file))
    return load(folder / "run")


def found(run: Run, id: str) -> Finding:
    finding = POINTS[id].find(run)
    assert isinstance(finding, Finding)
    return finding


def failing(reasons: Mapping[int, str], again: int = 1) -> Callable[[Samples], Samples]:
    """These arrivals fail, and are asked for again with success, `again` times in a row."""

    def change(samples: Samples) -> Samples:
        for arrival, reason in reasons.items():
            hit = samples["index"] == arrival
            if reason == "left":
                samples["outcome"][hit] = Outcome.ABORTED
            elif reason:
                fail(samples, hit, reason)
        first = samples[np.isin(samples["index"], list(reasons))]
        more = [repeats(first, number, 0.5 * number) for number in range(1, again + 1)]
        return np.concatenate([samples, *more])

    return change


def test_a_run_in_which_all_went_well(tmp_path: Path) -> None:
    run = made(tmp_path)
    assert (found(run, "E1").value, found(run, "E1").figures["never"]) == (100.0, 0)
    assert [found(run, id).value for id in ("E2", "E3", "E4")] == [0, 0, 0]
    (row,) = found(run, "E1").rows
    assert (row["what came first"], row["done once"]) == ("none", ARRIVALS)


def test_effects_beyond_the_first_are_counted_by_what_came_first(tmp_path: Path) -> None:
    reasons = {0: "timeout", 1: "origin_unavailable", 2: "left", 3: "internal_error", 4: "", 5: "reset"}
    run = made(tmp_path, failing(reasons), done={**dict.fromkeys(range(6), 2), 5: 3, 9: 2})
    two = found(run, "E2")
    assert (two.value, two.figures["intents"], two.figures["most"]) == (8, 7, 3)
    causes = {
        name: two.figures[name] for name in ("timeout", "reset", "cancel", "retry", "error", "failover")
    }
    # 5 has three effects by two calls, and 9 two by one: somebody on the way sent them again
    assert causes == {"timeout": 1, "reset": 1, "cancel": 1, "retry": 2, "error": 0, "failover": 3}
    assert [two.rows[0][key] for key in ("arrival", "done", "what came first")] == [5, 3, "failover"]
    assert found(run, "E1").figures == {"share": 33 / 40, "once": 33, "more": 7, "never": 0}


def test_the_first_of_its_failures_is_the_cause(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        fail(samples, samples["index"] == 0, "timeout")
        first = samples[samples["index"] == 0]
        again = repeats(first, 1, 0.5, ok=False)
        fail(again, np.ones(1, np.bool_), "connect")
        return np.concatenate([again, samples, repeats(first, 2, 1.0)])

    assert found(made(tmp_path, change, done={0: 2}), "E2").figures["timeout"] == 1


def test_charges_without_an_effect_and_rows_that_were_lost(tmp_path: Path) -> None:
    run = made(
        tmp_path,
        failing({0: "timeout", 1: "internal_error"}),
        done={0: 1, 1: 1, 2: 0, 3: 2},
        paid={0: 2, 1: 3, 2: 1, 3: 1},
        recorded={7: 0, 8: 0, 3: 1},
    )
    three = found(run, "E3")
    assert (three.value, three.figures["intents"], three.figures["never"]) == (4, 3, 1)
    assert (three.figures["timeout"], three.figures["retry"], three.figures["unrecorded"]) == (1, 2, 2)
    assert three.rows[0]["arrival"] == 1


def test_answered_as_done_and_not_done(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        fail(samples, samples["index"] == 1, "timeout")
        return samples

    run = made(tmp_path, change, done={0: 0, 1: 0})
    four = found(run, "E4")
    assert (four.value, four.figures["served"]) == (1, ARRIVALS - 1)
    assert four.rows[0]["arrival"] == 0


def test_a_batch_is_done_once_where_all_its_commands_are(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        samples["tool"][samples["index"] < 3] = 1
        return samples

    run = made(tmp_path, change, done={0: 10, 1: 9, 2: 20}, tools=("fast.echo", "batch"))
    assert found(run, "E2").value == 10
    assert found(run, "E4").value == 1
    assert found(run, "E1").figures["once"] == ARRIVALS - 2


def test_effects_of_arrivals_that_nobody_sent_are_told(tmp_path: Path) -> None:
    assert "1 more effects" in found(made(tmp_path, done={ARRIVALS + 5: 1}), "E1").evidence


@pytest.mark.parametrize("id", ["E1", "E2", "E3", "E4"])
@pytest.mark.parametrize(
    ("file", "said"),
    [(None, "Nobody looked"), ({"source": "http", "why": "status 404"}, "Not observed: status 404.")],
)
def test_nothing_is_made_up_where_nobody_can_tell(
    tmp_path: Path, id: str, file: dict[str, str] | None, said: str
) -> None:
    folder = write(tmp_path / "run", Spec(duration=2.0))
    if file is not None:
        (folder / "effects.json").write_text(json.dumps(file))
    finding = found(load(folder), id)
    assert not finding.seen
    assert finding.evidence.startswith(said)


def test_a_target_tells_what_was_done_and_not_what_was_paid(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", Spec(duration=2.0, bundled=False))
    done = {"source": "http", "done": counts({3: 2}), "paid": None, "recorded": None}
    (folder / "effects.json").write_text(json.dumps(done))
    run = load(folder)
    assert found(run, "E2").value == 1
    assert not found(run, "E3").seen


def test_bounds_speak_of_their_figures(tmp_path: Path) -> None:
    bounds = {
        "E1": "share >= 99 %",
        "E2": "more == 0, reset == 0",
        "E3": "charges == 0",
        "E4": "intents == 0",
    }
    check(bounds, bounds)
    run = made(tmp_path, done={3: 2}, points=list(bounds), thresholds=bounds)
    told = {point.id: point.status for point in judge(run).points if point.id in bounds}
    assert told == {"E1": "fail", "E2": "fail", "E3": "pass", "E4": "pass"}
