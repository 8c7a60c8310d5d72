"""A line through points, held against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from verdicts.measure.target.straight_line import fitted


def test_a_line_and_its_interval() -> None:
    x = np.array([0.0, 10.0, 20.0, 30.0, 40.0])
    line = fitted(x, np.array([1.0, 2.0, 3.5, 4.0, 5.5]))
    assert line.slope == pytest.approx(0.11)
    assert line.at_zero == pytest.approx(1.0)
    assert line.margin == pytest.approx(3.182 * math.sqrt(0.2 / 3 / 1000), rel=0.001)  # Student's t, 3 free
    assert math.isnan(fitted(x[:3], x[:3]).slope)
    assert math.isnan(fitted(np.zeros(9), np.arange(9.0)).slope)
