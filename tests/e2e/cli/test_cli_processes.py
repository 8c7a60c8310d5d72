"""bin/attack as a process: exit codes, signals passed on once, and nothing left running."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.launch import local_workers
from common.paths import ROOT
from tests.support import processes
from verdicts.judge.judge import EXIT_CODES

pytestmark = pytest.mark.e2e

MASTER = """
import signal, sys, time
said = []
signal.signal(signal.SIGINT, lambda number, frame: said.append("int"))
signal.signal(signal.SIGTERM, lambda number, frame: said.append("term"))
signal.pthread_sigmask(signal.SIG_SETMASK, ())  # it is started with signals held, until it hears them
open(sys.argv[1], "w").write("up")
end = time.monotonic() + 60
while "term" not in said and time.monotonic() < end:
    time.sleep(0.02)
print(" ".join(said), flush=True)
sys.exit(7)
"""
WORKER = """
import os, signal, sys, time
signal.pthread_sigmask(signal.SIG_SETMASK, ())
open(f"{sys.argv[1]}.{os.getpid()}", "w").close()
time.sleep(60)
"""
START = """
import sys
from cli.launch import local_workers
local_workers.END_TIMEOUT = 0.3
folder = sys.argv[1]
sys.exit(local_workers.run([sys.executable, "-c", sys.argv[2], folder + "/master"],
                         [sys.executable, "-c", sys.argv[3], folder + "/worker"], 2, lambda pid: None))
"""


def attack(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "bin" / "attack", *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def worker_pids(folder: Path) -> list[int]:
    return [int(file.suffix[1:]) for file in folder.glob("worker.*")]


def started(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", START, folder, MASTER, WORKER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    until(lambda: (folder / "master").exists() and len(worker_pids(folder)) == 2)
    return process


def test_signals_are_passed_on_once_and_the_masters_exit_code_is_ours(tmp_path: Path) -> None:
    process = started(tmp_path)
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
        time.sleep(0.2)
    out, _ = process.communicate(timeout=60)
    assert out.split() == ["int", "term"]
    assert process.returncode == 7
    assert not any(processes.alive(pid) for pid in worker_pids(tmp_path))


@pytest.mark.skipif(
    sys.platform != "linux", reason="only the Linux kernel ends the children of a killed parent"
)
def test_nothing_outlives_a_killed_script(tmp_path: Path) -> None:
    process = started(tmp_path)
    process.kill()
    process.communicate(timeout=60)
    until(lambda: not any(processes.alive(pid) for pid in worker_pids(tmp_path)))


def test_list_works_from_anywhere() -> None:
    done = subprocess.run(
        [ROOT / "bin" / "attack", "--list"], check=False, cwd="/", capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0
    assert "burst-one-ip" in done.stdout


def test_with_json_standard_output_is_the_verdict_file_and_nothing_else(tmp_path: Path) -> None:
    ended = attack("single-burst", "--duration", "2s", "--json", "--out", str(tmp_path / "run"))
    assert json.loads(ended.stdout) == json.loads((tmp_path / "run" / "verdicts.json").read_text())
    assert ended.returncode == EXIT_CODES[json.loads(ended.stdout)["verdict"]]
    assert "report: " in ended.stderr


@pytest.mark.slow
def test_a_lone_worker_says_whom_it_waits_for(tmp_path: Path) -> None:
    port = str(local_workers.free_port())
    command = [sys.executable, "-m", "locust", "-f", "locustfile.py", "--worker", "--master-port", port]
    with (tmp_path / "told").open("wb") as told:
        worker = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=told, stderr=told)
    try:
        line = f"this worker waits for its master at 127.0.0.1 port {port}"
        until(lambda: line in (tmp_path / "told").read_text())
    finally:
        worker.kill()
        worker.wait()
