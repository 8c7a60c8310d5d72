"""A sentinel in each place that can hold a secret; none in outputs, files, command lines, environments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
import pytest
import yaml

from common.paths import ROOT
from fakes.database.postgres import EmbeddedPostgres
from tests.support.recorder.attack import Plan, as_a_user
from tests.support.recorder.handle import recorder

pytestmark = pytest.mark.e2e

PLACES: Final = (
    "header", "cookie", "shared-key", "key-file", "metrics-query", "influx-token", "web-password",
    "prometheus-token", "prometheus-header", "otlp-header", "otlp-traces-header", "cloud-env", "proxy-env",
    "pg-env", "shell-env", "git-env", "pip-env", "locust-env", "dsn-password",
)  # fmt: skip
SENTINEL: Final = {name: f"S3NT1NEL-{name}-{'x' * 32}" for name in PLACES}
MARK: Final = b"S3NT1NEL-"
ENVIRONMENT: Final = {
    "GATEWAY_KEY": SENTINEL["shared-key"],
    "INFLUXDB_V2_URL": "http://127.0.0.1:9",
    "INFLUXDB_V2_ORG": "o",
    "INFLUXDB_V2_BUCKET": "b",
    "INFLUXDB_V2_TOKEN": SENTINEL["influx-token"],
    "PROMETHEUS_REMOTE_WRITE_URL": "http://127.0.0.1:9/api/v1/write",
    "PROMETHEUS_REMOTE_WRITE_BEARER_TOKEN": SENTINEL["prometheus-token"],
    "PROMETHEUS_REMOTE_WRITE_HEADERS": f"X-Scope-OrgID={SENTINEL['prometheus-header']}",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    "OTEL_EXPORTER_OTLP_HEADERS": f"X-Scope-OrgID={SENTINEL['otlp-header']}",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": f"Authorization=Basic%20{SENTINEL['otlp-traces-header']}",
    "WEB_PASSWORD": SENTINEL["web-password"],
    "AWS_SECRET_ACCESS_KEY": SENTINEL["cloud-env"],
    "HTTPS_PROXY": f"http://me:{SENTINEL['proxy-env']}@127.0.0.1:9",
    "PGPASSWORD": SENTINEL["pg-env"],
    "API_TOKEN": SENTINEL["shell-env"],
    "GIT_PASSWORD": SENTINEL["git-env"],
    "PIP_INDEX_URL": f"http://me:{SENTINEL['pip-env']}@127.0.0.1:9",
    "WEB_AUTH": SENTINEL["locust-env"],
}


class Onlooker:
    """Reads the command lines of all that a process started, and the environments of its children."""

    def __init__(self, pid: int) -> None:
        self.seen: dict[tuple[int, str], str] = {}
        self.children: set[str] = set()
        self._root, self._over = pid, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            try:
                family = psutil.Process(self._root).children(recursive=True)
            except psutil.NoSuchProcess:
                continue
            ours = {self._read(self._root, "cmdline")}  # the run's own process was given the environment
            for one in family:
                line = self._read(one.pid, "cmdline")
                if b"--master\0" in line:
                    ours.add(line)
                elif line not in ours:  # as it is between fork and exec
                    self.children.add(line.decode(errors="replace").replace("\0", " "))
                    self.children.add(self._read(one.pid, "comm").decode().strip())  # a forked one's own name
                    self._read(one.pid, "environ")

    def _read(self, pid: int, what: str) -> bytes:
        try:
            text = Path(f"/proc/{pid}/{what}").read_bytes()
        except OSError:
            return b""
        if MARK in text:
            told = text[text.index(MARK) - 60 :].replace(b"\0", b" ")[:160].decode(errors="replace")
            self.seen[pid, what] = told
        return text


@contextmanager
def files_kept_apart(folder: Path) -> Iterator[dict[str, str]]:
    """Where temp, home and spool are folders of the test, so that every file can be looked at."""
    made = {name: folder / name for name in ("temp", "home", "spool")}
    for one in made.values():
        one.mkdir()
        one.chmod(0o711)
    yield {
        "TMPDIR": str(made["temp"]), "HOME": str(made["home"]), "RESILIENCE_SPOOL": str(made["spool"]),
    }  # fmt: skip


def attack(folder: Path, arguments: list[str], env: Mapping[str, str]) -> tuple[int, str, Onlooker]:
    command = [sys.executable, "-m", "cli", "attack", *arguments, "--out", str(folder / "run")]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**as_a_user(), **ENVIRONMENT, **env}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    onlooker = Onlooker(process.pid)
    try:
        said, _ = process.communicate(timeout=150)
    finally:
        process.kill()
        onlooker.end()
    return process.returncode, said, onlooker


def leaks(folder: Path, said: str, inputs: list[Path]) -> list[str]:
    """Where a sentinel stands: the output, or a file that is none of the inputs."""
    found = ["output"] if MARK.decode() in said else []
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink() and file not in inputs and MARK in file.read_bytes():
            found.append(str(file.relative_to(folder)))
    return found


@pytest.mark.slow
def test_an_attack_on_a_target(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    with recorder(0.0) as server, files_kept_apart(folder) as env:
        plan = Plan(
            accounts=4, rate=5, seconds=2, timeout=5,
            target_keys={
                "auth": {"algorithm": "HS256", "key": {"env": "GATEWAY_KEY"}},
                "headers": {"X-Api-Key": SENTINEL["header"], "Cookie": f"session={SENTINEL['cookie']}"},
                "metrics": [f"{server.base_url}/metrics?api_key={SENTINEL['metrics-query']}"],
            },
        )  # fmt: skip
        files = [plan.scenario(folder), plan.target(folder, server.base_url)]
        arguments = [str(files[0]), "--target", str(files[1]), "--workers", "1"]
        code, said, onlooker = attack(folder, arguments, env)
        assert code in (0, 1, 3), said
        assert server.stats()["received"] >= 40
    assert (folder / "run" / "report.html").is_file(), said
    assert leaks(folder, said, files) == []
    assert onlooker.seen == {}
    kinds = " ".join(onlooker.children)
    for kind in ("--worker", "telemetry.probing.probes", "telemetry.exporter", "verdicts"):
        assert kind in kinds, kinds


@pytest.mark.slow
def test_an_attack_on_the_stack_with_a_database_of_ones_own(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    server = EmbeddedPostgres()
    server.start()
    try:
        with files_kept_apart(folder) as env:
            dsn = f"postgresql://postgres:{SENTINEL['dsn-password']}@/postgres?host={server.home}&port=5432"
            scenario = folder / "own.yaml"
            content: dict[str, Any] = {
                "title": "A test", "duration": "2s", "accounts": {"count": 4}, "rate": 2,
                "tools": [{"module": "notion", "tool": "search", "params": {}}],
                "stack": {"database": {"dsn": dsn, "pool_open": 1}},
            }  # fmt: skip
            scenario.write_text(yaml.safe_dump(content))
            code, said, onlooker = attack(folder, [str(scenario)], env)
    finally:
        server.stop()
    assert code in (0, 1, 3), said
    assert (folder / "run" / "verdicts.json").is_file(), said
    assert leaks(folder, said, [scenario]) == []
    assert onlooker.seen == {}
    kinds = " ".join(onlooker.children)
    for kind in ("fakes.stack", "origin-a", "edge", "fakes.processes.reaper"):
        assert kind in kinds, kinds


def test_a_few_requests_by_hand(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(SENTINEL["key-file"])
    with recorder(0.0) as server:
        plan = Plan(
            target_keys={
                "auth": {"algorithm": "HS256", "key": {"file": str(key)}},
                "headers": {"X-Api-Key": SENTINEL["header"]},
                "metrics": [f"{server.base_url}/metrics?api_key={SENTINEL['metrics-query']}"],
            }
        )
        command = [sys.executable, "-m", "cli", "check-target", str(plan.target(tmp_path, server.base_url))]
        env = {**as_a_user(), **ENVIRONMENT}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert "4 requests were sent, 4 answered" in done.stdout, done.stdout + done.stderr
    assert "metrics?***" in done.stdout
    assert MARK.decode() not in done.stdout + done.stderr


def test_an_unexpected_end_of_the_exporter_shows_none(tmp_path: Path) -> None:
    """It is started with a token that it cannot use."""
    command = [sys.executable, "-m", "telemetry.exporter", "--run", str(tmp_path), "--secrets-on-stdin"]
    env = {**os.environ, **ENVIRONMENT}
    token = json.dumps({"INFLUXDB_V2_TOKEN": f"{SENTINEL['influx-token']} with a blank"}) + "\n"
    done = subprocess.run(
        command, cwd=ROOT, env=env, input=token, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("environment: INFLUXDB_V2_TOKEN: ")
    assert MARK.decode() not in done.stdout + done.stderr
