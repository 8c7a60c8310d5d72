from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.synthetic_run import Spec, write
from verdicts.measure.target import cpu
from verdicts.run.reading import load


def test_a_counter_that_fell_began_again_at_zero() -> None:
    t, counter = np.array([0.0, 1.0, 2.0, 3.0]), np.array([5.0, 6.0, 0.5, 1.5])
    ends, rate = cpu.rates(t, counter)
    assert ends.tolist() == [1.0, 2.0, 3.0]
    assert rate.tolist() == [1.0, 0.5, 1.0]


def test_readings_at_one_instant_give_no_rate() -> None:
    ends, rate = cpu.rates(np.array([1.0, 1.0, 2.0]), np.array([3.0, 3.0, 4.0]))
    assert (ends.tolist(), rate.tolist()) == ([2.0], [1.0])


def test_the_mean_is_that_of_the_load_alone(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", Spec(duration=4.0)))
    t = np.array([-4.0, -1.0, 1.0, 3.0, 9.0])
    counter = np.array([0.0, 0.0, 1.0, 2.0, 2.0])
    # 0.5 cores from -1 s to 3 s: at 0 s 0.5 s were used, at 3 s 2.0 s, and nothing after.
    assert cpu.mean(run, t, counter) == pytest.approx((2.0 - 0.5) / 4)
    assert math.isnan(cpu.mean(run, t[:1], counter[:1]))
    assert math.isnan(cpu.mean(run, np.empty(0), np.empty(0)))


def test_every_process_stands_there_the_load_first(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", Spec(duration=6.0, workers=("w1", "w2"))))
    names = [one.name for one in cpu.usage(run)]
    assert names == ["load w1", "load w2", "origin-a", "edge", "postgres", "upstream", "origin-b"]


def test_a_run_without_figures_has_no_process(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", Spec(duration=2.0, probes=False)))
    assert cpu.usage(replace(run, ledgers={"local": ()})) == []
