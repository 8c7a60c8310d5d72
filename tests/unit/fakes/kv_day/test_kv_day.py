from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.edge_runtime.kv import DAY
from fakes.kv_day import __main__ as command
from fakes.kv_day.model import STRATEGIES, Strategy, Traffic, cells, writes
from fakes.kv_day.replay import day, replay

TRAFFIC = Traffic()
MOST = len(TRAFFIC.calls)


def met(calls: int, isolates: int, spread: float, seed: int, turns: int = 20_000) -> float:
    """`cells` by drawing: each call's second and isolate, counted."""
    draw = np.random.default_rng(seed)
    first = draw.random(turns)
    at = np.floor(first[:, None] + np.c_[np.zeros(turns), draw.random((turns, calls - 1)) * spread])
    pairs = np.sort(at * isolates + draw.integers(0, isolates, (turns, calls)), axis=1)
    return float(np.mean(1 + np.count_nonzero(np.diff(pairs, axis=1), axis=1)))


@pytest.mark.parametrize("calls", [1, 2, 5])
@pytest.mark.parametrize("isolates", [1, 2, 4])
@pytest.mark.parametrize("spread", [0.0, 0.2, 0.9])
def test_the_formula_is_what_drawing_gives(calls: int, isolates: int, spread: float) -> None:
    assert cells(calls, isolates, spread) == pytest.approx(met(calls, isolates, spread, seed=7), abs=0.02)


@given(st.integers(1, MOST), st.integers(1, 64), st.floats(0, 0.99))
def test_a_turn_meets_one_cell_at_least_and_one_a_call_at_most(
    calls: int, isolates: int, spread: float
) -> None:
    assert 1 - 1e-9 <= cells(calls, isolates, spread) <= calls + 1e-9
    assert cells(calls, isolates, spread) <= cells(calls, isolates + 1, spread) + 1e-9


@given(st.integers(1, 100_000), st.floats(0, 0.99), st.integers(1, 16))
def test_a_cache_cannot_save_more_than_the_burst_limit_bundles(
    mau: int, spread: float, isolates: int
) -> None:
    """At most five requests of a user are admitted in a second, so a tenth of the writes is out of reach."""
    traffic = replace(TRAFFIC, spread=spread)
    every, cached = (
        writes(traffic, mau, one, isolates=isolates, key_limit=False).burst_tried for one in STRATEGIES
    )
    assert every / MOST - 1e-6 <= cached <= every + 1e-6


def test_a_day_is_in_order_within_the_day_and_of_the_stated_size() -> None:
    arrivals = day(TRAFFIC, 1000, seed=3)
    assert all(one.at <= other.at for one, other in pairwise(arrivals))
    assert 0 <= arrivals[0].at <= arrivals[-1].at < DAY
    assert len({one.user for one in arrivals}) == 200
    assert len(arrivals) == pytest.approx(TRAFFIC.requests(1000), rel=0.04)
    assert arrivals == day(TRAFFIC, 1000, seed=3) != day(TRAFFIC, 1000, seed=4)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("isolates", [1, 4])
@pytest.mark.parametrize("key_limit", [False, True])
def test_a_replayed_day_agrees_with_the_arithmetic(
    strategy: Strategy, isolates: int, key_limit: bool
) -> None:
    settings = {"plan": "paid" if key_limit else "ideal"}
    found = replay(day(TRAFFIC, 1000, seed=1), strategy, settings, isolates=isolates)
    known = writes(TRAFFIC, 1000, strategy, isolates=isolates, key_limit=key_limit)
    for figure in ("ip_tried", "burst_tried", "ip_served", "burst_served"):
        assert getattr(found.writes, figure) == pytest.approx(getattr(known, figure), rel=0.04), figure
    assert found.statuses == {200: found.requests}
    assert found.stored == found.writes.served
    assert found.failures["key-rate"] == found.writes.tried - found.writes.served


def test_the_free_quota_is_gone_within_the_day_at_a_thousand_mau_and_holds_at_a_hundred() -> None:
    big = replay(day(TRAFFIC, 1000, seed=1), "memory-cache", {"plan": "free"})
    assert big.quota_gone is not None
    assert big.quota_gone < 0.3 * DAY
    assert (big.writes.served, big.stored) == (1000, 1000)
    small = replay(day(TRAFFIC, 100, seed=1), "memory-cache", {"plan": "free"})
    assert (small.quota_gone, small.failures["quota"]) == (None, 0)


def test_the_table_has_a_line_for_each_case_and_the_exit_code_tells_agreement(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "MAUS", (10, 100))
    assert command.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith(("| 10 ", "| 100 "))]) == 2 * 2 * 2
    monkeypatch.setattr(command, "MAUS", (10,))
    monkeypatch.setattr(command, "MOST_OFF", 1e-9)
    assert command.main([]) == 1


@pytest.mark.parametrize("words", [["--isolates", "0"], ["--isolates", "many"], ["--seed", "x"]])
def test_bad_usage_ends_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(words)
    assert caught.value.code == 2
    assert words[0] in capsys.readouterr().err
