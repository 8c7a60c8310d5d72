"""Master and worker on several machines: what is refused before anything starts, and who is waited for."""

from __future__ import annotations

import os
import socket
import subprocess
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from cli import attack as cli
from cli import worker
from cli.launch.local_workers import free_port
from common.paths import ROOT
from run import wait_for_workers
from run.workers import wire_secret
from tests.support.manual_clock import ManualClock
from users.cluster.wire import LOCAL, Wire

VARIABLES = ("SCENARIO", "WORKERS", "BIND", "PORT", "MASTER", "TARGET", "OUT", "SEED", "RATE")


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(wire_secret.VARIABLE, "x" * wire_secret.SHORTEST)


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, command: commands.append(command))
    return commands


def test_a_master_listens_on_loopback_unless_told(became: list[list[str]]) -> None:
    port = str(free_port())
    cli.main(["burst", "--master", "--workers", "3", "--port", port])
    cli.main(["burst", "--master", "--bind", "0.0.0.0", "--port", port])
    here, open_to_all = (command[command.index("--master") :] for command in became)
    assert here[:5] == ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    assert here[5:] == ["--expect-workers", "3", "--expect-workers-max-wait", "600"]
    assert open_to_all[2] == "0.0.0.0"
    assert open_to_all[6] == "1"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--bind eth0", "--bind: 'eth0', allowed: an address of this machine"),
        ("--bind 192.0.2.1", "--bind, --port: 192.0.2.1 port 5557: "),
        ("--port 0", "--port: '0', allowed: 1 to 65535"),
        ("--port 65536", "--port: '65536', allowed: 1 to 65535"),
        ("--port http", "--port: 'http', allowed: 1 to 65535"),
    ],
)
def test_what_cannot_be_listened_on_is_one_line(
    words: str, message: str, became: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["burst", "--master", *words.split()]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert became == []


def test_a_busy_port_is_told_before_anything_starts(
    became: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert cli.main(["burst", "--master", "--port", str(taken.getsockname()[1])]) == 2
    assert "Address already in use" in capsys.readouterr().err


def test_a_worker_becomes_locusts_once_somebody_listens(became: list[list[str]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        worker.main(["127.0.0.1", "--port", port])
    (command,) = became
    assert command[command.index("--worker") :] == [
        "--worker",
        "--master-host",
        "127.0.0.1",
        "--master-port",
        port,
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: master"),
        ([""], "master: is empty, allowed: the master's host (MASTER=…)"),
        (["nobody.invalid"], "master: 'nobody.invalid' does not resolve"),
        (["127.0.0.1", "--port", "-1"], "--port: '-1', allowed: 1 to 65535"),
        (["127.0.0.1", "--port", "x"], "--port: 'x', allowed: 1 to 65535"),
    ],
)
def test_a_worker_says_what_is_wrong_in_one_line(
    words: list[str], message: str, became: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert worker.main(words) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert became == []


def test_a_worker_waits_and_says_so_but_not_for_ever(capsys: pytest.CaptureFixture[str]) -> None:
    clock, port = ManualClock(), free_port()
    begun = clock.now
    assert not worker.wait_for("127.0.0.1", port, clock=clock, sleep=clock.sleep)
    lines = capsys.readouterr().err.splitlines()
    assert clock.now - begun >= worker.TIMEOUT
    assert len(lines) == worker.TIMEOUT / worker.SAY_INTERVAL
    assert set(lines) == {f"waiting for the master at 127.0.0.1 port {port}: Connection refused"}


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["worker", "MASTER=gen 1"], "bin/worker 'gen 1'"),
        (["worker", "MASTER=gen1", "PORT=6000"], "bin/worker 'gen1' --port='6000'"),
        (["master"], "bin/attack 'burst' --master"),
        (
            ["master", "SCENARIO=slow-api", "WORKERS=2", "BIND=0.0.0.0", "PORT=6000"],
            "bin/attack 'slow-api' --master --workers='2' --bind='0.0.0.0' --port='6000'",
        ),
    ],
)
def test_make_hands_its_variables_on(words: list[str], command: str) -> None:
    env = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    done = subprocess.run(
        ["make", "--dry-run", *words], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert " ".join(done.stdout.splitlines()[-1].split()) == command


class Told(Wire):
    """Remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any], str]] = []

    def send(self, kind: str, data: dict[str, Any], node: str) -> None:
        self.sent.append((kind, data, node))


def attack(done: bool = False, conductor: bool = True) -> Any:
    return SimpleNamespace(
        done=SimpleNamespace(is_set=lambda: done),
        conductor=SimpleNamespace(nodes={LOCAL: None}) if conductor else None,
        dir=SimpleNamespace(name="run-7"),
    )


def test_who_comes_during_a_run_is_told_and_nobody_else() -> None:
    wire = Told()
    wait_for_workers.tell_if_late(wire, None, "new")
    wait_for_workers.tell_if_late(wire, attack(done=True), "new")
    wait_for_workers.tell_if_late(
        wire, attack(conductor=False), "new"
    )  # the stack is still starting: in time
    wait_for_workers.tell_if_late(wire, attack(), LOCAL)
    assert wire.sent == []
    wait_for_workers.tell_if_late(wire, attack(), "new")
    assert wire.sent == [("load.late", {"run": "run-7"}, "new")]


@pytest.mark.parametrize("bind", ["192.0.2.1", "0.0.0.0"])
def test_a_master_off_loopback_needs_the_secret_of_the_wire(
    bind: str, became: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(wire_secret.VARIABLE)
    assert cli.main(["burst", "--master", "--bind", bind]) == 2
    assert "RESILIENCE_SECRET: is missing, allowed: the same text" in capsys.readouterr().err
    assert became == []


class Runner:
    """A master's runner with so many workers."""

    def __init__(self, ready: int) -> None:
        self.clients = SimpleNamespace(ready=[None] * ready)
        self.quits = 0

    def quit(self) -> None:
        self.quits += 1


def test_a_master_gives_up_on_missing_workers_with_exit_code_3() -> None:
    runner, options = Runner(1), SimpleNamespace(expect_workers=2, expect_workers_max_wait=0.01)
    wait_for_workers.give_up_on_missing(runner, options, gevent.getcurrent())
    with pytest.raises(SystemExit) as ended:
        gevent.sleep(5)
    assert ended.value.code == 3
    assert runner.quits == 1
    assert options.expect_workers_max_wait == 0  # Locust's own way out says 1: a verdict failed


def test_a_master_whose_workers_came_goes_on() -> None:
    runner, options = Runner(2), SimpleNamespace(expect_workers=2, expect_workers_max_wait=0.01)
    wait_for_workers.give_up_on_missing(runner, options, gevent.getcurrent())
    gevent.sleep(0.3)
    assert runner.quits == 0
