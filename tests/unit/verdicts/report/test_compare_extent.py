"""The time axis of a comparison's plots: as long as what they show."""

from __future__ import annotations

import numpy as np

from verdicts.report.compare_figures import extent
from verdicts.report.figure import Figure, steps


def figure(*values: float, first: int = 0) -> Figure:
    seconds = np.arange(first, first + len(values))
    return Figure("x", "X", "", "measured", "", [steps("A", seconds, np.array(values, float), "c1")])


def test_it_ends_with_the_last_second_that_some_plot_has() -> None:
    nan = float("nan")
    assert extent([figure(1, 2, nan, nan), figure(nan, 1, 2)]) == (0, 3)
    assert extent([figure(1, 2, first=-1)]) == (-1, 1)


def test_without_a_number_there_is_a_second() -> None:
    assert extent([]) == (0.0, 1.0)
    assert extent([figure(float("nan"))]) == (0.0, 1.0)
