"""From what was seen of a nano to the settings of its model."""

from __future__ import annotations

import pytest

from fakes.calibration.measure import CalibrationError, MemoryStep, NanoFigures
from fakes.origin.nano import goroutines, memory_bytes
from fakes.settings import NanoSettings

CPU = {"fast tool": 0.0005, "fast tool, full nano": 0.0003}


def seen(each: float = 14_000, stack: float = 4_000) -> NanoFigures:
    """15 goroutines at rest, 4 more a call."""
    counts = [(calls, 15 + 4 * calls) for calls in range(0, 1501, 300)]
    steps = [MemoryStep(calls, n, 8e6 + each * n, 1e6 + stack * n) for calls, n in counts]
    return NanoFigures(steps, CPU, 0.2)


def test_the_model_gives_back_what_was_seen() -> None:
    figures = seen()
    nano = NanoSettings.model_validate({**figures.settings(), "measured_on": "here"})
    for step in figures.steps:
        assert goroutines(nano, int(step.calls)) == step.goroutines
        assert memory_bytes(nano, int(step.calls)) == pytest.approx(step.memory, rel=1e-6)
    assert (nano.stack_bytes, nano.buffer_bytes, nano.cpu_per_request) == (4000, 10_000, 0.0003)
    assert nano.memory_limit == NanoSettings().memory_limit


@pytest.mark.parametrize("figures", [seen(each=0), seen(stack=20_000), seen(stack=0)])
def test_without_a_line_there_are_no_settings(figures: NanoFigures) -> None:
    with pytest.raises(CalibrationError, match="no line through it"):
        figures.settings()
