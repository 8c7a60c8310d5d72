from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import scaling
from bench.__main__ import SECTIONS
from bench.scaling import Formula, MeasuredAttack, Scaled, fit
from bench.scaling_tables import in_flight_table, messages_table, throughput_table

SIZES = [MeasuredAttack(workers, rate) for rate in (200, 1000) for workers in (1, 2, 4, 8)]


def ran(attack: MeasuredAttack, **values: Any) -> Scaled:
    arrivals = {"sent": attack.rate * 10, "late": 5, "dropped": 0, "start_delay_ms": {"p99": 1.5}}
    usual = {
        "valid": True, "arrivals": arrivals, "in_flight": 30, "worker_cpu": 0.5, "worker_memory": 2**27,
        "master_cpu": 0.001 + 0.002 * attack.workers, "messages_in": 5.0 * attack.workers,
        "messages_out": 4.0 * attack.workers, "bytes_in": 900.0 * attack.workers + 80 * attack.rate,
        "bytes_out": 300.0 * attack.workers,
    }  # fmt: skip
    return Scaled(attack, **{**usual, **values})


@given(st.floats(1, 100), st.floats(0, 10))
def test_the_formula_is_found_again(worker: float, request: float) -> None:
    runs = [ran(one, bytes_in=worker * one.workers + request * one.rate) for one in SIZES]
    found = fit(runs, "bytes_in")
    assert found.fixed == 0
    assert found.worker == pytest.approx(worker, rel=1e-3, abs=1e-3)
    assert found.request == pytest.approx(request, abs=1e-5)


def test_a_formula_may_have_a_fixed_part() -> None:
    found = fit([ran(one) for one in SIZES], "master_cpu", fixed=True)
    assert found(1000, 0) == pytest.approx(2.001, rel=1e-3)
    assert Formula(1, 2, 3)(10, 100) == 321


def test_the_tables_say_what_was_measured_and_what_was_computed() -> None:
    text = messages_table([ran(one) for one in SIZES])
    assert "| 8 | 1,000 | 40.0 | 32.0 | 5.00 | 87.2 | 2.40 | 0.0170 |" in text
    measured, computed = text.split("Computed by them, not measured:")
    assert "Measured, 10 s of load each" in measured
    assert "bytes/s in = 900 n + 80 r" in measured
    assert "| 1,000 | 100 | 5,000 | 4,000 | 8.9 | 2.00 |" in computed


def test_throughput_and_calls_in_flight() -> None:
    run = ran(MeasuredAttack(2, 4000), valid=False)
    assert "| 2 | 4,000 | 4,000 | 0.01 | 1.5 | no | 0.50 | 0.125 | 0.005 | 18.0 |" in throughput_table(
        [run], 2
    )
    assert "| 4,000 | 3 | 30 | 0.01 | 0.50 | 128 |" in in_flight_table([(3.0, run)])


def test_the_best_run_is_the_one_with_the_fewest_late(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [ran(SIZES[0], arrivals={"late": late, "dropped": 1}) for late in (7, 2, 9)]
    left = iter(runs)
    monkeypatch.setattr(scaling, "fast", lambda attack: next(left))
    assert scaling.best(SIZES[0], 3) is runs[1]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_has_its_place(section: str) -> None:
    text = SECTIONS[section][1].read_text()
    assert text.count(f"<!-- {section} -->") == text.count(f"<!-- /{section} -->") == 1
