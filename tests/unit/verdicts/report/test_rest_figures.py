"""The plots of the rests: one line a series, from its level in the first; where L2 was asked alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.synthetic_run import Spec, write
from tests.unit.verdicts.points.test_growth import FDS, RSS, SESSIONS, WAVES, made
from verdicts.language.catalogue import japanese
from verdicts.report import rest_figures
from verdicts.run.reading import load


def test_each_series_begins_at_its_first_rest(tmp_path: Path) -> None:
    told: dict[str, Any] = {
        RSS: lambda calls, t: 80e6 + 2**14 * calls,
        SESSIONS: lambda calls, t: 5 + calls // 63,
        FDS: lambda calls, t: 40,
    }
    memory, counts = rest_figures.of(made(write(tmp_path / "waves", WAVES), tmp_path, told))
    (line,) = memory.traces
    assert line.y == pytest.approx(np.arange(5) * 630 / 64)
    assert line.x == pytest.approx(np.arange(58.0, 291.0, 58.0), abs=0.1)
    assert "origin-a memory grows" in memory.summary
    (sessions,) = counts.traces  # what stays as it was is not drawn
    assert (sessions.name, sessions.y.tolist()) == ("origin-a: sessions", [0, 10, 20, 30, 40])
    assert {memory.title, counts.title} <= set(japanese())


def test_a_run_that_was_not_asked_has_none(tmp_path: Path) -> None:
    assert list(rest_figures.of(load(write(tmp_path / "run", Spec(duration=4.0))))) == []
