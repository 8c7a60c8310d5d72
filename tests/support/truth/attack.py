"""One row's attack, by `bin/attack`, from files: what it came to.

A row with a limit of our own starts the command itself, within that limit; the others are forked from a
process that has read the suite already (`tests.support.warm_runs`).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from common.paths import ROOT
from tests.support import busy_machine, warm_runs
from tests.support.truth import stack
from tests.support.truth.row import PORT, Row
from tests.support.truth.server import Target, Targets
from tests.support.truth.tokens import SECRET

WITHIN: Final = 120.0
CONSOLE: Final = "console.log"
SMALL_DISK: Final = 'mount -t tmpfs -o size=48k none "$1" && shift && exec "$@"'
FEW_FILES: Final = 'ulimit -n 90; exec "$@"'


@dataclass(frozen=True)
class Came:
    """What a run came to, and where; `verdicts` is empty where it did not get to one."""

    exit_code: int
    console: str
    verdicts: dict[str, Any]
    folder: Path

    def at(self, path: str) -> Any:
        """A place in verdicts.json, `faults.planned`; None where there is none."""
        value: Any = self.verdicts
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) and int(key) < len(value) else _in(value, key)
        return value

    def status(self, id: str) -> set[str]:
        """The statuses of a point's answers."""
        return {one["status"] for one in self._answers(id)}

    def evidence(self, id: str) -> str:
        """What they rest on."""
        return " ".join(one["evidence"] for one in self._answers(id))

    def _answers(self, id: str) -> list[dict[str, Any]]:
        points = self.verdicts.get("points", ())
        return [one for one in points if one["id"] == id or one["id"].startswith(f"{id}.")]


def _in(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def run(row: Row, targets: Targets, folder: Path) -> Came:
    """The row's attack; once more where this machine was too busy to make it."""
    if row.how:  # a limit of our own: it is to be late
        return once(row, targets, folder / "0")
    return busy_machine.unless_late(
        lambda number: once(row, targets, folder / str(number)), lambda came: came.verdicts
    )


def once(row: Row, targets: Targets, folder: Path) -> Came:
    folder.mkdir(parents=True)
    jwks = "auth" in row.keys and "serve_jwks" in row.keys["auth"]
    place = f"127.0.0.1:{free_port()}" if jwks else ""
    url = f"http://{place}/.well-known/jwks.json"
    target = targets.serve("correct" if row.target == "gone" else row.target, control=row.control, jwks=url)
    if row.target == "gone":
        targets.end(target)
    if jwks:
        auth = {**row.keys["auth"], "serve_jwks": place}
        row = replace(row, keys={**row.keys, "auth": auth})
    try:
        return attacked(row, target, folder)
    finally:
        targets.end(target)


def attacked(row: Row, target: Target, folder: Path) -> Came:
    port, wrapped = wrapper(row, target, folder)
    scenario = {"title": row.name, **row.scenario}
    (folder / "scenario.yaml").write_text(json.dumps(scenario))  # JSON is YAML, without its anchors
    keys = {"name": "made", "protocol": "none", "base_url": f"http://127.0.0.1:{port}", **row.keys}
    (folder / "target.yaml").write_text(json.dumps(keys).replace(PORT, str(port)))
    environment = {key: value for key, value in os.environ.items() if key != "LOCUST_SKIP_MONKEY_PATCH"}
    environment |= {"TRUTH_SECRET": SECRET, "PYTHONPATH": str(ROOT)}  # a wrapper is a module of the tests
    words = [str(folder / "scenario.yaml"), *row.options]
    if row.control:
        (folder / "stack.json").write_text(json.dumps(stack.state(target)))
        environment["STACK_STATE"] = str(folder / "stack.json")
    else:
        words += ["--target", str(folder / "target.yaml")]
    words += ["--out", "disk/run" if row.how == "full-disk" else "run"]
    process: warm_runs.WarmRun | subprocess.Popen[bytes]
    if row.how:
        process = cold([*wrapped, str(ROOT / "bin" / "attack"), *words], folder, environment)
    else:
        process = warm_runs.start(words, folder, environment, folder / CONSOLE)
    if row.how == "stopped":
        stopped(target, process.pid)
    code, verdicts = warm_runs.ended(process, WITHIN), folder / "run" / "verdicts.json"
    console = (folder / CONSOLE).read_text(errors="replace")
    return Came(code, console, json.loads(verdicts.read_text()) if verdicts.exists() else {}, folder / "run")


def cold(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """The command as a process of its own, started in `folder`, not in the checkout."""
    with (folder / CONSOLE).open("wb") as console:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=console,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def stopped(target: Target, pid: int) -> None:
    """Stop the loading process for half a second, once its calls are under way."""
    until = time.monotonic() + 60
    while target.age < 0.5 and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.5)
    os.kill(pid, signal.SIGCONT)


def wrapper(row: Row, target: Target, folder: Path) -> tuple[int, list[str]]:
    """The target's port, and what goes before the command where the run has a limit of our own."""
    if row.how == "few-ports":
        return 9000, ["unshare", "--net", sys.executable, "-m", "tests.support.truth.few_ports", row.target]
    if row.how == "few-files":
        return target.port, ["sh", "-c", FEW_FILES, "sh"]
    if row.how == "full-disk":
        (folder / "disk").mkdir()
        return target.port, ["unshare", "--mount", "sh", "-c", SMALL_DISK, "sh", str(folder / "disk")]
    return target.port, []


def free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
