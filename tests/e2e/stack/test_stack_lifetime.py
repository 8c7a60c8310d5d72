"""The stack dies with its starter in every way, and nothing of it is left: process, port or file."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from common.secrets.secret import Secret
from fakes.settings import DatabaseSettings, StackSettings
from fakes.stack.handle import StackError
from fakes.stack.start import start_stack
from tests.support.stack_rig import Started, started

pytestmark = pytest.mark.e2e


def end_input(one: Started) -> None:
    assert one.process.stdin is not None
    one.process.stdin.close()


def interrupt_group(one: Started) -> None:
    os.killpg(one.process.pid, signal.SIGINT)


def terminate_starter(one: Started) -> None:
    one.process.terminate()


def kill_starter(one: Started) -> None:
    one.process.kill()


def kill_supervisor(one: Started) -> None:
    os.kill(one.pids["stack"], signal.SIGKILL)


def terminate_supervisor(one: Started) -> None:
    os.kill(one.pids["stack"], signal.SIGTERM)


def kill_both(one: Started) -> None:
    kill_starter(one)
    kill_supervisor(one)


def kill_postmaster_and_supervisor(one: Started) -> None:
    os.kill(one.pids["postgres"], signal.SIGKILL)
    kill_supervisor(one)


def freeze_a_child_and_kill_the_supervisor(one: Started) -> None:
    os.kill(one.pids["origin-a"], signal.SIGSTOP)
    kill_supervisor(one)


WAYS = [
    end_input,
    interrupt_group,
    terminate_starter,
    kill_starter,
    kill_supervisor,
    terminate_supervisor,
    kill_both,
    kill_postmaster_and_supervisor,
    freeze_a_child_and_kill_the_supervisor,
]
FIRST = (end_input, kill_starter)  # the others take as long, and are left out of a quick look


@pytest.mark.parametrize(
    "way",
    [pytest.param(way, id=way.__name__, marks=[] if way in FIRST else [pytest.mark.slow]) for way in WAYS],
)
def test_nothing_is_left(way: Callable[[Started], None], tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with started(log) as one:
        assert one.left()
        way(one)
        assert one.gone() == []
    assert "Traceback" not in log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("gevent", [True, False])
def test_stop_returns_when_nothing_is_left(gevent: bool, tmp_path: Path) -> None:
    with started(tmp_path / "run.log", gevent=gevent, stop=True) as one:
        end_input(one)
        assert one.process.wait(60) == 0
        assert one.left() == []


@pytest.mark.slow
def test_a_starter_under_gevent_may_be_killed_too(tmp_path: Path) -> None:
    with started(tmp_path / "run.log", gevent=True) as one:
        kill_starter(one)
        assert one.gone() == []


@pytest.mark.slow
def test_without_its_reaper_a_supervisor_still_ends_its_children(tmp_path: Path) -> None:
    with started(tmp_path / "run.log") as one:
        reaper = next(process for process in one.family if "fakes.processes.reaper" in process.cmdline())
        reaper.kill()
        end_input(one)
        assert one.gone() == []


def test_a_stack_that_cannot_start_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    settings = StackSettings(database=DatabaseSettings(dsn=Secret("postgresql://nobody@127.0.0.1:1/none")))
    with pytest.raises(StackError, match=r"^stack: database: .*Connect call failed") as raised:
        start_stack(settings, [], tmp_path / "log")
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_an_unknown_protection_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"^stack: unknown protection 'x'; allowed: .*rate-limit"):
        start_stack(StackSettings(), ["x"], tmp_path / "log")
