from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from verdicts.report.figure import MOST_ROWS, Figure, line, steps

MARKS: dict[str, list[object]] = {"shapes": [], "annotations": []}


def figure(values: list[float]) -> Figure:
    x = np.arange(len(values))
    return Figure("x", "X", "ms", "measured", "…", [steps("a", x, np.array(values), "c1")])


@given(st.lists(st.floats(0, 9).map(lambda value: round(value, 3)), min_size=1, max_size=4 * MOST_ROWS))
def test_a_long_table_stays_short_and_keeps_every_maximum(values: list[float]) -> None:
    shown = figure(values)
    _, rows = shown.table
    assert len(rows) <= MOST_ROWS
    assert max(float(row[1]) for row in rows) == max(values)
    assert shown.instants_per_row * len(rows) >= len(values)


def test_a_second_is_drawn_to_its_end_and_a_gap_stays_a_gap() -> None:
    nan = float("nan")
    drawn = figure([1.0, 2.0, nan, 4.0]).traces[0].spec
    assert drawn["x"] == [0.0, 1.0, 2.0, 2.0, 3.0, 4.0]
    assert drawn["y"] == [1.0, 2.0, 2.0, None, 4.0, 4.0]


def test_a_table_holds_each_traces_own_instants() -> None:
    scrapes = line("b", np.array([0.004, 1.004]), np.array([7, 8]), "c2")
    both = Figure("x", "X", "ms", "measured", "…", [*figure([1.0, 2.0]).traces, scrapes])
    header, rows = both.table
    assert header == ["seconds since start", "a", "b"]
    assert rows == [["0", "1", ""], ["0.004", "", "7"], ["1", "2", ""], ["1.004", "", "8"]]


def test_a_bound_is_a_line_with_its_words() -> None:
    bounded = Figure("x", "X", "ms", "measured", "…", [], [(2000.0, "p95 <= 2 s")])
    layout = bounded.spec(MARKS, (0, 1))["layout"]
    assert [shape["y0"] for shape in layout["shapes"]] == [2000.0]
    assert [note["text"] for note in layout["annotations"]] == ["p95 <= 2 s"]
