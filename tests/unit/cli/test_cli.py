"""The command line of bin/attack: what it becomes, and what it refuses before anything starts."""

import os
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from cli import attack
from cli.launch import local_workers
from common.errors import ConfigError
from common.paths import ROOT
from run.checks import preflight
from shapes.schedule import peak
from targets.guard import GuardError
from tests.support import refused_attack


def check(scenario: str | Path, target: str) -> None:
    attack.read([str(scenario), "--target", target]).read()


class BecameError(BaseException):
    """What a real call would have become."""


@pytest.fixture(autouse=True)
def becoming(monkeypatch: pytest.MonkeyPatch) -> None:
    def execv(path: str, command: list[str]) -> None:
        raise BecameError(command)

    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr(local_workers, "run", lambda master, worker, workers, begun: 40 + workers)


def became(*words: str) -> list[str]:
    with pytest.raises(BecameError) as caught:
        attack.main(words)
    command: list[str] = caught.value.args[0]
    return command


def target_file(folder: Path, **keys: Any) -> str:
    file = folder / "t.yaml"
    file.write_text(yaml.safe_dump({"name": "t", "base_url": "http://127.0.0.1:8080", **keys}))
    return str(file)


def test_it_becomes_a_headless_locust_with_the_same_options(tmp_path: Path) -> None:
    out, target = str(tmp_path / "out"), target_file(tmp_path)
    given = ["--duration=20s", "--protect=none", "--accounts=50", "--rate=2", "--seed=3", "--tier=starter"]
    command = became("burst", *given, "--target", target, "--out", out)
    locustfile = str(ROOT / "locustfile.py")
    locust = str(ROOT / "cli" / "launch" / "locust_main.py")
    assert command[1:7] == ["-P", locust, "-f", locustfile, "--headless", "--scenario"]
    assert set(command[7:]) == {
        "burst",
        f"--target={target}",
        "--protect=none",
        "--accounts=50",
        "--rate=2",
        "--duration=20s",
        f"--out={out}",
        "--seed=3",
        "--tier=starter",
    }


def test_what_was_not_given_is_not_passed_on() -> None:
    assert became("burst")[7:] == ["burst", "--target=bundled"]


def test_workers_are_run_beside_a_master() -> None:
    assert attack.main(["burst", "--workers", "2"]) == 42


def test_a_run_of_several_processes_is_checked_before_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert attack.main(["burst", "--workers=2", "--rate=fast"]) == 2
    assert "rate: 'fast'" in capsys.readouterr().err


def test_no_scenario_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert attack.main([]) == 2
    assert "scenario: is missing, allowed: " in capsys.readouterr().err


def test_what_becomes_locust_is_checked_by_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "check", None)
    assert "--rate=fast" in became("burst", "--rate=fast")


def test_list_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert attack.main(["--list"]) == 0
    assert "burst-one-ip" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        attack.main(["--help"])
    assert caught.value.code == 0
    assert "exit code: 0 every verdict passed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "command line: scenario: is missing, allowed: "),
        ("brust", "'brust' is not there, did you mean burst? allowed: "),
        ("a/b.yaml", "a/b.yaml: cannot be read: No such file"),
        ("burst --duration 0", "command line: duration: '0', allowed: greater than 0"),
        ("burst --accounts many", "command line: accounts: 'many'"),
        ("burst --rate -5", "command line: "),
        ("burst --rate=-5", "command line: rate: '-5', allowed: greater than 0"),
        ("burst --protect today,-breaker", "command line: protect: protection 'breaker' is not on"),
        ("burst --tier gold", "accounts.tier: 'gold'"),
        ("burst --target nobody", "target: 'nobody', allowed: bundled"),
        ("burst --workers 1000", "command line: --workers: '1000', allowed: 0 to 64"),
        ("burst --workers two", "command line: --workers: 'two', allowed: 0 to 64"),
        ("burst --workers ²", "command line: --workers: '²', allowed: 0 to 64"),
        ("burst --out tests", "command line: --out: tests is there already, allowed: a new folder"),
        ("burst --colour red", "command line: unrecognized arguments: --colour red"),
        ("burst slow-api", "command line: unrecognized arguments: slow-api"),
        ("burst --dur 3", "command line: unrecognized arguments: --dur 3"),
        ("burst --seed", "command line: argument --seed: expected one argument"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    words: str, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert refused_attack.main(words.split()) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert len(said.err.splitlines()) == 1
    assert not said.out


def test_a_bad_threshold_is_refused_before_load(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    for text in ("p95 faster than light", "p96 <= 2 s", "p95 <= 2 MB"):
        file.write_text(yaml.safe_dump({"extends": "burst", "thresholds": {"P1.7": text}}))
        with pytest.raises(ConfigError, match=r"mine.yaml: thresholds\.P1\.7: "):
            check(file, "bundled")


def test_target_and_scenario_must_fit(tmp_path: Path) -> None:
    check("burst", target_file(tmp_path, max_rps=500, max_duration=60))
    with pytest.raises(GuardError, match="500 req/s, allowed: max_rps 499"):
        check("burst", target_file(tmp_path, max_rps=499))
    with pytest.raises(GuardError, match="60 s of load, allowed: max_duration 59 s"):
        check("burst", target_file(tmp_path, max_duration=59))
    with pytest.raises(ConfigError, match="wants 100 accounts, allowed: at most 99"):
        check("burst", target_file(tmp_path, accounts={"count": 99}))
    with pytest.raises(ConfigError, match="environment variable NO_SUCH_KEY: is not set"):
        check("burst", target_file(tmp_path, auth={"key": {"env": "NO_SUCH_KEY"}}))


def test_max_rps_holds_for_the_peak_and_not_the_mean(tmp_path: Path) -> None:
    spike = tmp_path / "spike.yaml"
    keys = {
        "title": "spike",
        "accounts": {"count": 10},
        "rate": 1,
        "shape": {"kind": "spike", "params": {"peak": 9}},
    }
    spike.write_text(yaml.safe_dump(keys))
    with pytest.raises(GuardError, match="90 req/s, allowed: max_rps 50"):
        check(spike, target_file(tmp_path, max_rps=50))


@pytest.mark.parametrize(
    ("planned", "most"), [([], 0), ([0.5], 1), ([0, 0.5, 0.9, 1.0, 3], 3), ([0, 1, 2, 3], 1), ([7, 7, 7], 3)]
)
def test_peak(planned: list[float], most: int) -> None:
    assert peak(np.array(planned, dtype=float)) == most


def test_master_and_workers_meet_on_loopback() -> None:
    master, worker = local_workers.master_options(5557, 3), local_workers.worker_options(5557)
    assert master[:5] == ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "5557"]
    assert master[5:7] == ["--expect-workers", "3"]
    assert worker[:5] == ["--worker", "--master-host", "127.0.0.1", "--master-port", "5557"]


class Child(subprocess.Popen[bytes]):
    """A process that only counts the signals it is sent."""

    def __init__(self) -> None:
        self.signals: list[int] = []

    def __del__(self) -> None:
        pass

    def send_signal(self, sig: int) -> None:
        self.signals.append(sig)


def test_each_signal_is_passed_on_once_to_the_master_alone() -> None:
    children: list[subprocess.Popen[bytes]] = [Child(), Child()]
    before = signal.getsignal(signal.SIGINT)
    with local_workers.passing_on(children):
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGTERM):
            signal.raise_signal(number)
    assert [getattr(child, "signals", None) for child in children] == [[signal.SIGINT, signal.SIGTERM], []]
    assert signal.getsignal(signal.SIGINT) == before


def test_a_signal_before_the_master_is_there_ends_it() -> None:
    with pytest.raises(SystemExit), local_workers.passing_on([]):
        signal.raise_signal(signal.SIGTERM)


def test_the_script_may_be_run_and_is_thin() -> None:
    script = ROOT / "bin" / "attack"
    assert script.stat().st_mode & stat.S_IXUSR
    assert len(script.read_text().splitlines()) < 15
