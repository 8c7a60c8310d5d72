"""The line that says how a run is going, at a terminal and in a log."""

from __future__ import annotations

import io
import os

import pytest

from run.progress import CI_INTERVAL, CLEAR, Progress, describe, total

LINE = {"planned": 6000, "sent": 5999, "ok": 5000}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((400, 24)))


def test_it_says_how_far_the_load_is_and_how_long_it_will_be() -> None:
    assert describe(12.2, 60, total([LINE, LINE])).startswith(
        "  12 s of 60 s, 48 s left  planned 12,000  sent 11,998"
    )
    assert describe(-2, 60, total([])).startswith("   0 s of 60 s, 62 s left")
    assert describe(63, 60, total([])).startswith("  60 s of 60 s, the last answers")


def test_a_log_has_a_plain_line_now_and_then() -> None:
    log = io.StringIO()
    progress = Progress(log)
    for t in range(11):
        progress.show(float(t), 60, [LINE])
    progress.say("healthy")
    progress.end()
    lines = log.getvalue().splitlines()
    assert len(lines) == 10 // CI_INTERVAL + 2
    assert lines[-1] == "healthy"
    assert "\r" not in log.getvalue()
    assert "\x1b" not in log.getvalue()


@pytest.mark.usefixtures("wide")
def test_at_a_terminal_the_line_rewrites_itself_and_a_message_takes_its_place() -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress.show(1.0, 60, [LINE])
    progress.show(2.0, 60, [LINE])
    progress.say("stopped early")
    first, second, message = terminal.getvalue().split(CLEAR)[1:]
    assert "\n" not in first + second
    assert message == "stopped early\n"


def test_at_a_terminal_the_line_is_never_longer_than_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((40, 24)))
    terminal = Terminal()
    Progress(terminal).show(1.0, 60, [LINE])
    assert len(terminal.getvalue()) - len(CLEAR) == 39
