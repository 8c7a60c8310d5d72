"""How long a loop stood still, and who is to blame."""

import sys

import pytest

from users.engine.loop_watch import BEAT, LOOK, NOT_OURS, LoopWatch, told


class Rig:
    def __init__(self) -> None:
        self.now = 0.0
        self.waited = 1.0
        self.watch = LoopWatch(lambda: self.now, lambda thread: sys._getframe(), lambda: self.waited)

    def beats(self, times: int = 3) -> None:
        for _ in range(times):
            self.now += BEAT
            self.watch.beat()


def test_a_loop_in_time_has_no_stall() -> None:
    rig = Rig()
    rig.beats()
    rig.watch.look(rig.now)
    assert rig.watch.longest == pytest.approx(0, abs=1e-9)


def test_the_longest_stall_and_what_it_was_in() -> None:
    rig = Rig()
    rig.beats()
    rig.now += 0.3
    rig.watch.look(rig.now)
    rig.watch.look(rig.now + LOOK)
    rig.now += BEAT
    rig.watch.beat()
    rig.beats()
    assert rig.watch.longest == pytest.approx(0.3)
    assert "test_loop_watch.py" in rig.watch.where


def test_where_the_thread_was_late_itself_nothing_of_ours_is_to_blame() -> None:
    rig = Rig()
    rig.beats()
    rig.now += 0.5
    rig.watch.look(rig.now - 0.4)
    rig.watch.beat()
    assert rig.watch.where == NOT_OURS


def test_a_shorter_stall_changes_nothing() -> None:
    rig = Rig()
    for gap in (0.3, 0.1):
        rig.now += gap + BEAT
        rig.watch.beat()
    assert rig.watch.longest == pytest.approx(0.3)


def test_how_long_others_had_the_cpu_in_the_longest_stall() -> None:
    rig = Rig()
    rig.waited += 0.2
    rig.beats()
    rig.now, rig.waited = rig.now + 0.5, rig.waited + 0.4
    rig.watch.beat()
    rig.waited += 0.3
    rig.beats()
    assert rig.watch.line() == {"stall_s": 0.48, "stall_in": "", "stall_cpu_wait_s": 0.4}


def test_where_the_kernel_does_not_count_nothing_is_said_of_it() -> None:
    rig = Rig()
    rig.waited = float("nan")
    rig.now += 0.5
    rig.watch.beat()
    assert "stall_cpu_wait_s" not in rig.watch.line()


def test_no_frame_is_no_place() -> None:
    assert told(None) == ""
