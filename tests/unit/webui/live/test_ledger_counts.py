"""The ledger bin by bin: nothing is lost, nothing is counted twice, and no worker is waited for forever."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from webui.live.ledger_counts import LedgerCounts


def tell(folder: Path, worker: str, *lines: dict[str, float]) -> None:
    with (folder / f"ledger-{worker}.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def line(t: float, sent: int, **more: float) -> dict[str, float]:
    return {"t": t, "planned": sent, "sent": sent, "done": sent, **more}


def test_between_two_lines_counts_grow_evenly(tmp_path: Path) -> None:
    tell(tmp_path, "a", line(-0.5, 0), line(0.5, 50), line(2.5, 250))
    counts = LedgerCounts(tmp_path, 1.0)
    counts.read()
    assert counts.bins(over=False) == 2
    assert counts.curves(2)["sent"] == [100, 100]
    assert counts.bins(over=True) == 3
    assert counts.curves(3)["sent"] == [100, 100, 50]


def test_no_load_is_counted_after_its_end_but_its_answers_are(tmp_path: Path) -> None:
    tell(tmp_path, "a", line(1.75, 175), {**line(2.75, 200), "done": 275})
    counts = LedgerCounts(tmp_path, 1.0, load_end=2.0)
    counts.read()
    curves = counts.curves(counts.bins(over=True))
    assert curves["sent"] == [100, 100, 0]
    assert curves["done"] == [100, 100, 75]


def test_calls_in_flight_are_a_level_and_workers_are_added_up(tmp_path: Path) -> None:
    for worker in ("a", "b"):
        tell(tmp_path, worker, line(1, 10, in_flight=4), line(2, 20, in_flight=6))
    counts = LedgerCounts(tmp_path, 1.0)
    counts.read()
    assert counts.curves(2) == {
        **{key: [20, 20] for key in ("planned", "sent", "done")}, "dropped": [0, 0], "in_flight": [8, 12],
    }  # fmt: skip


def test_only_what_every_worker_has_told_is_shown(tmp_path: Path) -> None:
    tell(tmp_path, "a", line(1, 10), line(2, 20), line(3, 30))
    tell(tmp_path, "b", line(1, 10))
    counts = LedgerCounts(tmp_path, 1.0)
    counts.read()
    assert counts.bins(over=False) == 1
    tell(tmp_path, "b", line(3.5, 35))
    counts.read()
    assert counts.bins(over=False) == 3


def test_a_lost_worker_is_not_waited_for_and_keeps_its_counts(tmp_path: Path) -> None:
    tell(tmp_path, "a", *(line(t, 10 * t) for t in range(1, 11)))
    tell(tmp_path, "b", line(2, 7))
    counts = LedgerCounts(tmp_path, 1.0)
    counts.read()
    assert counts.bins(over=False) == 10
    assert sum(counts.curves(10)["sent"]) == 107


def test_of_no_run_there_is_nothing(tmp_path: Path) -> None:
    counts = LedgerCounts(tmp_path / "nowhere", 1.0)
    counts.read()
    assert (counts.bins(over=False), counts.bins(over=True)) == (0, 0)
    assert counts.curves(0)["planned"] == []


STEPS = st.lists(st.tuples(st.floats(0.01, 3.0), st.integers(0, 1000)), min_size=1, max_size=30)


@given(workers=st.lists(STEPS, min_size=1, max_size=3), width=st.sampled_from([1.0, 2.0, 7.0]))
def test_the_bins_add_up_to_the_last_lines(
    tmp_path_factory: object, workers: list[list[tuple[float, int]]], width: float
) -> None:
    folder: Path = tmp_path_factory.mktemp("run")  # type: ignore[attr-defined]
    whole = 0
    for number, steps in enumerate(workers):
        t, sent = -1.0, 0
        for after, more in steps:
            t += after
            sent += more if t > 0 else 0
            tell(folder, f"{number}", line(t, sent))
        whole += sent
    counts = LedgerCounts(folder, width)
    counts.read()
    curve = counts.curves(counts.bins(over=True))["sent"]
    assert sum(curve) == whole
    assert all(value >= 0 for value in curve)
