"""The kernel's count of how long a thread waited for a CPU."""

import math
import os
import time
from pathlib import Path

import pytest

from users.engine.cpu_wait import COUNTS, cpu_wait


def test_the_second_number_is_the_wait(tmp_path: Path) -> None:
    counts = tmp_path / "schedstat"
    counts.write_text("134248637 2571041100 233\n")
    assert cpu_wait(counts) == pytest.approx(2.5710411)


def test_no_such_count(tmp_path: Path) -> None:
    assert math.isnan(cpu_wait(tmp_path / "none"))


@pytest.mark.skipif(not COUNTS.exists(), reason="the kernel does not count")
def test_two_on_one_cpu_wait_for_each_other() -> None:
    child = os.fork()
    if not child:
        os.sched_setaffinity(0, {0})
        until = time.monotonic() + 5
        while time.monotonic() < until and os.getppid() != 1:
            pass
        os._exit(0)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {0})
    try:
        began, first = time.thread_time(), cpu_wait()
        while time.thread_time() - began < 0.1:
            pass
        assert cpu_wait() - first > 0.02
    finally:
        os.sched_setaffinity(0, before)
        os.kill(child, 9)
        os.waitpid(child, 0)
