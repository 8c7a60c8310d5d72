"""How a command ends whatever happens: one line and its exit code, no traceback and not Python's own 1."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.launch.attacks import say_all, say_for
from cli.launch.parser import refusing
from common import ending
from common.errors import ConfigError, shown
from common.paths import ROOT
from verdicts import __main__ as verdicts

LISTED = (sys.executable, "-m", "cli", "list", "points")


def raising(error: Exception) -> int:
    @refusing
    def main(arguments: Sequence[str] | None = None) -> int:
        raise error

    return main([])


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ConfigError("a.yaml", "key", "1, allowed: 2"), 2, "a.yaml: key: 1, allowed: 2"),
        (
            OSError(errno.ENOSPC, "No space left", "x"),
            3,
            "a limit of this machine: ENOSPC, [Errno 28] No space",
        ),
        (MemoryError(), 3, "a limit of this machine: no memory"),
        (KeyError("a\nb"), 3, "a fault of this suite, KeyError: 'a\\nb' (VERBOSE=1 says where)"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 3, "a limit of this machine: EPIPE"),
    ],
)
def test_a_command_that_breaks_is_one_line(
    error: Exception, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raising(error) == code
    said = capsys.readouterr().err
    assert said.startswith(told)
    assert said.count("\n") == 1


def test_whoever_asks_is_told_where(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERBOSE", "1")
    assert raising(KeyError("x")) == 3
    said = capsys.readouterr().err
    assert "raise error" in said
    assert said.splitlines()[-1].startswith("a fault of this suite, KeyError")


def test_a_report_that_breaks_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(verdicts, "_derived", broken)
    assert verdicts.main([str(tmp_path)]) == 3
    assert (
        capsys.readouterr().err
        == "a fault of this suite, ZeroDivisionError: by zero (VERBOSE=1 says where)\n"
    )


def test_nobody_who_reads_any_more_is_no_fault() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(LISTED, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (3, "")


def test_several_runs_go_on_where_nobody_reads_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        say_for("suite")("[1/3] burst")
        say_all(["PASS", "  report: here"])


def test_an_output_on_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(LISTED, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == "a limit of this machine: ENOSPC, [Errno 28] No space left on device\n"


def test_a_stream_that_was_closed_before_it_began_leads_nowhere() -> None:
    assert ending.say("a word", None)
    assert ending.say("a word", io.StringIO())


def test_a_file_whose_links_go_in_a_circle_can_be_named(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    assert str(loop) in shown(loop)
