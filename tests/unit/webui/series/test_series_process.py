"""A series as a process: started once, watched by its file and its output, told once to end."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from telemetry.run_folder.series import Series, SeriesStep, SeriesWriter
from webui.series import process
from webui.series.one_at_a_time import OneAtATime
from webui.series.process import SeriesProcess, SeriesRefusedError, environment


class FakePopen:
    """A command that prints `prints`, writes its file where `begins`, and ends with `code` if it has one."""

    prints = ""
    begins = True
    code: int | None = None
    made: list[FakePopen]

    def __init__(self, words: list[str], stdout: Any, **kept: Any) -> None:
        self.words, self.kept, self.told = words, kept, list[int]()
        stdout.write(self.prints.encode())
        self.returned = self.code
        folder = Path(words[-1].removeprefix("--out="))
        if self.begins:
            folder.mkdir()
            steps = (SeriesStep(name="burst", folder="01-burst", expected_s=20.0),)
            made = Series(command="suite", title="phase1", page="suite.html", started=0.0, steps=steps)
            SeriesWriter(folder, made, lambda: 0.0).begins(0)
        type(self).made.append(self)

    def poll(self) -> int | None:
        return self.returned

    def send_signal(self, number: int) -> None:
        self.told.append(number)

    def kill(self) -> None:
        self.told.append(signal.SIGKILL)
        self.returned = -9


@pytest.fixture
def popen(monkeypatch: pytest.MonkeyPatch) -> type[FakePopen]:
    kind = type("Popen", (FakePopen,), {"made": []})
    monkeypatch.setattr("webui.series.process.subprocess.Popen", kind)
    return kind


def nobody() -> str:
    return ""


@pytest.fixture
def running(tmp_path: Path, popen: type[FakePopen]) -> SeriesProcess:
    return SeriesProcess(tmp_path / "results", nobody, sleeping())


def sleeping(then: Callable[[], None] = lambda: None) -> Callable[[float], None]:
    return lambda seconds: then()


def test_it_is_the_command_of_a_terminal_in_a_folder_of_the_results(
    running: SeriesProcess, popen: type[FakePopen]
) -> None:
    assert running.now().state == "idle"
    running.start(["suite", "phase1", "--seed=3"])
    words = popen.made[0].words
    assert words[1:6] == ["-m", "cli", "suite", "phase1", "--seed=3"]
    now = running.now()
    assert words[-1].endswith(f"/results/{now.folder}")
    assert now.folder.endswith("-suite-phase1")
    assert (now.state, now.going, now.told and now.told.current) == ("going", True, 0)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["plan", "--mode=smoke"], "plan-smoke"),
        (["breakpoint"], "breakpoint"),
        (["compare", "x/y.yaml"], "compare-y"),
    ],
)
def test_its_folder_says_of_what_it_is(running: SeriesProcess, words: list[str], name: str) -> None:
    running.start(words)
    assert running.now().folder.split("-", 2)[2] == name


def test_one_at_a_time(running: SeriesProcess, popen: type[FakePopen]) -> None:
    machine = OneAtATime()
    machine.add(running.busy)
    assert machine.busy() == ""
    running.start(["plan"])
    assert machine.busy() == process.GOING
    popen.made[0].returned = 0
    assert machine.busy() == ""


def test_nothing_starts_beside_a_run(tmp_path: Path, popen: type[FakePopen]) -> None:
    with pytest.raises(SeriesRefusedError, match="a run is under way"):
        SeriesProcess(tmp_path, lambda: "a run is under way", sleeping()).start(["plan"])
    assert popen.made == []


def test_while_it_is_checked_nothing_else_starts(tmp_path: Path, popen: type[FakePopen]) -> None:
    popen.begins = False
    seen: list[str] = []

    def look() -> None:
        seen.append(checking.busy())
        popen.made[0].returned = 2

    checking = SeriesProcess(tmp_path, nobody, sleeping(look))
    with pytest.raises(SeriesRefusedError):
        checking.start(["plan"])
    assert seen == [process.GOING]


def test_what_the_command_refuses_is_told_in_its_words(
    running: SeriesProcess, popen: type[FakePopen], tmp_path: Path
) -> None:
    popen.prints, popen.begins, popen.code = "\ncommand line: --seed: 'x'\n", False, 2
    with pytest.raises(SeriesRefusedError, match=r"^command line: --seed: 'x'$"):
        running.start(["suite", "phase1", "--seed=x"])
    assert running.now().state == "idle"
    assert list((tmp_path / "results").iterdir()) == [], "nothing is left of it"


def test_a_series_that_cannot_begin_is_told_in_one_line(
    running: SeriesProcess, popen: type[FakePopen], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr("webui.series.process.subprocess.Popen", none)
    with pytest.raises(SeriesRefusedError, match=r"^a limit of this machine: ENOMEM"):
        running.start(["suite", "phase1"])
    assert running.now().state == "idle"
    assert not running.busy()
    (tmp_path / "file").touch()
    with pytest.raises(SeriesRefusedError, match=r"^a limit of this machine: "):
        SeriesProcess(tmp_path / "file" / "results", nobody, sleeping()).start(["suite", "phase1"])


def test_stop_tells_it_once(running: SeriesProcess, popen: type[FakePopen]) -> None:
    running.stop()
    running.start(["plan"])
    running.stop()
    running.stop()
    assert popen.made[0].told == [signal.SIGINT]
    assert running.now().state == "stopping"
    popen.made[0].returned = 3
    now = running.now()
    assert (now.state, now.exit_code) == ("finished", 3)


def test_it_ends_with_the_web_ui(tmp_path: Path, popen: type[FakePopen]) -> None:
    running = SeriesProcess(tmp_path, nobody, sleeping(lambda: setattr(popen.made[0], "returned", 3)))
    running.start(["plan"])
    running.end()
    assert popen.made[0].told == [signal.SIGINT]


def test_what_does_not_end_in_time_is_killed(
    running: SeriesProcess, popen: type[FakePopen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "END_WITHIN", 0.0)
    running.start(["plan"])
    running.end()
    assert popen.made[0].told == [signal.SIGINT, signal.SIGKILL]
    assert running.now().exit_code == 3, "what a signal ended is a failure of ours"


def test_its_output_is_there_to_its_last_lines(running: SeriesProcess, popen: type[FakePopen]) -> None:
    popen.prints = "".join(f"line {number}\n\n" for number in range(5000))
    running.start(["plan"])
    assert running.now().output == tuple(f"line {number}" for number in range(4988, 5000))


def test_it_hears_no_option_of_this_process_and_not_its_password() -> None:
    given = {
        "PATH": "/bin", "WEB_PASSWORD": "secret", "PROTECT": "none", "LOCUST_MODE_MASTER": "1",
        "GATEWAY_KEY": "k", "INFLUXDB_V2_URL": "u", "LANG_REPORT": "ja",
    }  # fmt: skip
    assert set(environment(given)) == {"PATH", "GATEWAY_KEY", "INFLUXDB_V2_URL", "LANG_REPORT"}
