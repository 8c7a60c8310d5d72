"""A machine that others filled while the bundled stack was attacked is told of, and blamed first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shapes.search import MACHINE
from tests.support.p0_runs import Scrape, asked, judged
from verdicts.explain import first_limit
from verdicts.measure.target import machine
from verdicts.output import terminal
from verdicts.run.reading import Run

OF_STACK = {"edge": 0.4, "origin-a": 0.3, "postgres": 0.1}  # cores


def scrapes(used: float, first: float = -2.0, last: float = 12.0) -> list[Scrape]:
    """Each second: the stack takes its share, and the machine gives `used` cores from `first` to `last`."""
    found: list[Scrape] = []
    for t in np.arange(-1.0, 13.0):
        busy = used * (np.clip(t, first, last) - first) + 0.9 * (t - np.clip(t, first, last))
        values = {"stack_machine_cpu_seconds_total": 100.0 + busy}
        for name, share in OF_STACK.items():
            values[f'stack_process_cpu_seconds_total{{process="{name}"}}'] = 5 + share * t
        found.append((float(t), "stack", values))
    return found


def run(folder: Path, said: list[Scrape], bound: str = "") -> Run:
    return judged(folder, asked({"P0.3": bound}), said).run


def test_the_machines_cores_are_told_apart(tmp_path: Path) -> None:
    found = machine.use(run(tmp_path, scrapes(1.95)))
    own = sum(OF_STACK.values())
    assert found.used == pytest.approx(np.full(10, 1.95))
    assert found.own == pytest.approx(np.full(10, own), abs=0.1)  # the load's own is a little
    assert found.others == pytest.approx(np.full(10, 1.95 - own), abs=0.1)


def test_a_crowded_machine_is_told_of_though_the_run_counts(tmp_path: Path) -> None:
    found = judged(tmp_path, asked({"P0.3": ""}), scrapes(1.95))
    assert found.validity.valid
    told = found.validity.starved
    assert told.startswith("For 10 of 10 s the machine was full and others on it used 1.1")
    assert "of its 2 cores" in told
    assert any(told in line for line in terminal.plain(found, tmp_path))


@pytest.mark.parametrize(
    "said",
    [
        scrapes(1.7),  # a core is not full
        scrapes(0.85),  # nobody else
        scrapes(1.95, first=3.0, last=3.5),  # for half a second
        [],  # a target that does not tell
    ],
)
def test_a_machine_with_room_is_not(tmp_path: Path, said: list[Scrape]) -> None:
    assert machine.crowded(run(tmp_path, said)) == ""


def test_a_machine_that_the_run_itself_fills_is_not_crowded(tmp_path: Path) -> None:
    said = scrapes(1.95)
    for t, _, values in said:
        values['stack_process_cpu_seconds_total{process="edge"}'] = 1.1 * t
        values['stack_process_cpu_seconds_total{process="origin-a"}'] = 0.75 * t
    assert machine.crowded(run(tmp_path, said)) == ""


def test_a_bound_that_breaks_there_is_this_machines(tmp_path: Path) -> None:
    found = first_limit.of(judged(tmp_path, asked({"P0.3": "p95 <= 1 ms"}), scrapes(1.95)))
    assert found is not None
    assert found.name == MACHINE
    assert "others on it used" in found.why
