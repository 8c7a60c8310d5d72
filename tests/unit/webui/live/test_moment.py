"""The figures of now, from the ends of files that grow."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gevent.event import Event

from scenarios.load import load
from targets.load import load as load_target
from targets.schema import Target
from telemetry.recording.sample import SAMPLE, Outcome
from webui.live import moment

BUNDLED = load_target()


def test_the_start_delay_is_of_the_last_calls(tmp_path: Path) -> None:
    samples = np.zeros(5, SAMPLE)
    samples["planned"] = np.arange(5)
    samples["sent"] = samples["planned"] + [0.001, 0.002, 0.003, 0.004, np.nan]
    samples["outcome"][4] = Outcome.DROPPED
    (tmp_path / "samples-local.bin").write_bytes(samples.tobytes() + b"torn")
    delay = moment.start_delay(tmp_path)
    assert delay["p50"] == pytest.approx(2.5)
    assert delay["max"] == pytest.approx(4.0)
    assert moment.start_delay(tmp_path / "nowhere") == {}


def test_a_huge_file_is_read_from_its_end(tmp_path: Path) -> None:
    samples = np.zeros(moment.LAST + 10, SAMPLE)
    samples["sent"][:10] = 9.0
    (tmp_path / "samples-local.bin").write_bytes(samples.tobytes())
    assert moment.start_delay(tmp_path)["max"] == 0.0


def attack(folder: Path, stopped_at: float | None = None, target: Target = BUNDLED) -> Any:
    """One whose load began at second 100 of the clock, and which was stopped so long after it."""
    reason = "" if stopped_at is None else "stopped by the web UI"
    conductor = SimpleNamespace(start_at=100.0, stopped_at=stopped_at, stop_reason=reason, nodes={})
    return SimpleNamespace(
        dir=folder, scenario=load("burst"), target=target, conductor=conductor, failure="", done=Event()
    )


@pytest.mark.parametrize(
    ("stopped_at", "now", "state", "t"),
    [
        (None, 99.0, "counting", -1.0),
        (None, 118.0, "sending", 18.0),
        (None, 170.0, "draining", 60.0),
        (10.0, 111.0, "judging", 10.0),
        (10.0, 170.0, "judging", 10.0),
        (-2.0, 99.0, "judging", -2.0),
    ],
)
def test_the_time_of_a_run_stands_still_once_it_was_stopped(
    tmp_path: Path, stopped_at: float | None, now: float, state: str, t: float
) -> None:
    seen = moment.snapshot(attack(tmp_path, stopped_at), lambda: now)
    assert (seen.state, seen.t) == (state, t)


def test_the_time_of_a_run_that_is_over_stands_still(tmp_path: Path) -> None:
    over = attack(tmp_path, 10.0)
    over.done.set()
    assert [moment.snapshot(over, clock).t for clock in (lambda: 118.0, lambda: 170.0)] == [10.0, 10.0]


def test_protections_are_shown_where_the_run_has_switched_them(tmp_path: Path) -> None:
    mine = Target(name="mine", base_url="http://127.0.0.1:9")
    assert moment.snapshot(attack(tmp_path, target=mine)).protections is None
    shown = moment.snapshot(attack(tmp_path)).protections
    assert shown == tuple(sorted(load("burst").choice.names))
    assert shown
