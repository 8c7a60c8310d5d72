"""Intents and their attempts, from samples: what was served in time, how often it was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from telemetry.recording.sample import Flag, Outcome
from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.measure.intents import intents
from verdicts.run.reading import Run, load

GROUPS = [{"name": "users", "judge": True, "persona": {"name": "agent", "options": {"deadline": 2.0}}}]


def repeats(of: Samples, attempt: int, after: float, ok: bool = True, flags: int = Flag.RETRY) -> Samples:
    """One more call for each of these, `after` seconds after their planned instant."""
    again = of.copy()
    again["index"], again["attempt"] = -2 - of["index"], attempt
    again["flags"] = Flag.EXTRA | flags
    again["planned"] = again["sent"] = of["planned"] + after
    again["done"] = again["sent"] + 0.01
    again["outcome"], again["reason"], again["status"] = Outcome.OK, 0, 200
    if not ok:
        fail(again, np.ones(len(again), np.bool_), "timeout")
    return again


def made(folder: Path, spec: Spec) -> Run:
    run = load(write(folder / "run", spec))
    run.scenario["groups"][0]["persona"] = GROUPS[0]["persona"]
    return run


def storm(samples: Samples) -> Samples:
    """The first ten fail: five are served by a second repeat in time, three too late, two never."""
    fail(samples, samples["index"] < 10, "timeout")
    first = samples[samples["index"] < 10]
    return np.concatenate(
        [samples, repeats(first, 1, 0.5, ok=False), repeats(first[:5], 2, 1.0), repeats(first[5:8], 2, 3.0)]
    )


def test_an_intent_is_served_by_the_first_attempt_that_has_success(tmp_path: Path) -> None:
    found = intents.of(made(tmp_path, Spec(duration=4.0, accounts=10, chances={}, change=storm)))
    assert found.planned.size == 200
    assert (found.first, found.repeats) == (200, 18)
    assert found.amplification == pytest.approx(218 / 200)
    assert found.good[:5].all()
    assert not found.good[5:10].any()
    assert np.isfinite(found.served[5:8]).all()
    assert np.isinf(found.served[8:10]).all()
    assert found.good[10:].all()
    assert found.goodput(0.0, 4.0) == pytest.approx(195 / 200)
    assert np.isnan(found.goodput(4.0, 9.0))


def parts(samples: Samples) -> Samples:
    """Two more calls for each of ten; one of five misses, and that set is whole the second time."""
    first = samples[samples["index"] < 10]
    again = [repeats(first, 0, 0.0, flags=0), repeats(first[5:], 0, 0.0, flags=0)]
    missing = repeats(first[:5], 0, 0.0, ok=False, flags=0)
    return np.concatenate([samples, *again, missing, *(repeats(first[:3], 1, 0.7) for _ in range(3))])


def test_all_calls_of_an_attempt_are_needed(tmp_path: Path) -> None:
    found = intents.of(made(tmp_path, Spec(duration=4.0, accounts=10, chances={}, change=parts)))
    assert (found.first, found.repeats) == (220, 9)
    took = found.served - found.planned
    assert np.allclose(took[:3], 0.71)
    assert np.isinf(took[3:5]).all()
    assert (took[5:] < 0.3).all()


def unknown(samples: Samples) -> Samples:
    """Two arrivals have no record, though a part of each has; the one after the first of them fails."""
    fail(samples, samples["index"] == 101, "timeout")
    lost = np.isin(samples["index"], (100, 199))
    return np.concatenate([samples[~lost], repeats(samples[lost], 0, 0.0, flags=0)])


def test_a_part_of_an_arrival_without_a_record_serves_nobody_else(tmp_path: Path) -> None:
    found = intents.of(made(tmp_path, Spec(duration=4.0, accounts=10, chances={}, change=unknown)))
    assert (found.arrival.size, found.first) == (198, 200)
    assert found.arrival[np.isinf(found.served)].tolist() == [101]


def test_without_a_deadline_nothing_is_said_of_goodput(tmp_path: Path) -> None:
    found = intents.of(load(write(tmp_path / "run", Spec(duration=2.0))))
    assert np.isnan(found.deadline).all()
    assert not found.good.any()


def test_those_without_a_deadline_beside_others_count_for_nothing(tmp_path: Path) -> None:
    def two(samples: Samples) -> Samples:
        samples["group"] = samples["index"] % 2
        return samples

    spec = Spec(duration=4.0, accounts=10, chances={}, change=two, manifest={"groups": ["users", "others"]})
    run = made(tmp_path, spec)
    run.scenario["groups"].append({"name": "others", "judge": True, "persona": {"name": "caller"}})
    found = intents.of(run)
    assert (found.planned.size, int(found.within(0.0, 4.0).sum())) == (200, 100)
    assert found.goodput(0.0, 4.0) == 1.0
