"""What is forked is a child of its starter's, as if it were spawned, and shares nothing with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest

from fakes.processes.nursery import Nursery

PROGRAM = """
import os, sys, time
def main(words):
    if words[0] == "tell":
        fds = sorted(map(int, os.listdir("/proc/self/fd")))
        print(len(fds), "open", *os.environ, "leads" if os.getsid(0) == os.getpid() else "")
        os.write(int(words[1]), b"given")
        sys.exit(7)
    time.sleep(60)
"""


@pytest.fixture
def nursery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nursery]:
    (tmp_path / "nursling").mkdir()
    (tmp_path / "nursling" / "__main__.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("WEB_PASSWORD", "hunter2")
    made = Nursery(["nursling"])
    yield made
    made.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[IO[bytes]]:
    with (tmp_path / "log").open("ab") as file:
        yield file


def test_it_has_what_it_was_given_and_nothing_else(nursery: Nursery, log: IO[bytes], tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    child = nursery.spawn("child", "nursling", ["tell", 0], [theirs], log)
    os.close(theirs)
    assert child.wait(10) == 7
    assert os.read(ours, 16) == b"given"
    assert os.read(ours, 16) == b""  # nobody else holds the other end: not the nursery either
    os.close(ours)
    told = (tmp_path / "log").read_text()
    assert told.startswith("5 open")  # its three, the pipe, and the folder that it reads
    assert "WEB_PASSWORD" not in told
    assert told.endswith("leads\n")


def test_it_is_a_child_of_ours_that_can_be_killed(nursery: Nursery, log: IO[bytes]) -> None:
    child = nursery.spawn("child", "nursling", ["sleep"], [], log)
    assert psutil.Process(child.pid).ppid() == os.getpid()
    assert child.poll() is None
    child.kill()
    assert child.wait(10) == -signal.SIGKILL
    child.send_signal(signal.SIGTERM)  # to nobody: the id may be another's by now


def test_without_its_starter_it_ends(log: IO[bytes]) -> None:
    nursery = Nursery([])
    process = psutil.Process(nursery.pid)
    nursery.close()
    assert not process.is_running()


def test_one_that_is_gone_is_an_error_of_ours(nursery: Nursery, log: IO[bytes]) -> None:
    os.kill(nursery.pid, signal.SIGKILL)
    with pytest.raises(OSError, match=r"forks the others is gone|Broken pipe|reset"):
        nursery.spawn("child", "nursling", ["sleep"], [], log)
