from __future__ import annotations

import os
import time
from pathlib import Path

from fakes.stack import start

SOON, PAST = 60.0, -1.0


def first_line(written: bytes, left: float, *, close: bool) -> str:
    reading, writing = os.pipe()
    try:
        os.write(writing, written)
        if close:
            os.close(writing)
        return start._first_line(reading, time.monotonic() + left)
    finally:
        os.close(reading)
        if not close:
            os.close(writing)


def test_a_line_is_read_as_soon_as_it_is_there() -> None:
    assert first_line(b"ready /tmp/x\nmore", SOON, close=False) == "ready /tmp/x"


def test_an_end_without_a_line_is_no_line() -> None:
    assert first_line(b"", SOON, close=True) == ""
    assert first_line(b"rea", SOON, close=True) == "rea"


def test_a_deadline_is_kept() -> None:
    assert first_line(b"ready /tmp/x\n", PAST, close=False) == ""


def test_the_last_line_of_this_start_is_the_reason(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("an older run\n")
    began = log.stat().st_size
    assert start._last_log_line(log, began) == "the stack did not start, and left no word in its log"
    log.write_text("an older run\nedge: Traceback\nstack: origin-a ended with exit code 3\n\n")
    assert start._last_log_line(log, began) == "stack: origin-a ended with exit code 3"
