"""The exporter process against a real InfluxDB of each version: exact counts, whatever it does meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from common.errors import ConfigError
from common.paths import ROOT
from telemetry.exporter import process as exporter_process
from telemetry.influx import client
from telemetry.influx.local_influx import LocalInflux
from tests.support import processes
from tests.support.exporter_rig import flush, spooled, started, wait_for
from tests.support.influx.fault_proxy import FaultProxy
from tests.support.influx.run_writer import RunWriter
from tests.support.influx.server import VERSIONS, influx
from tests.support.plan_folder import found, point

pytestmark = pytest.mark.e2e
PATIENCE = 60.0


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalInflux]:
    with influx(tmp_path_factory.mktemp("influx"), request.param) as found:
        yield found


def environment(server: LocalInflux, tmp_path: Path, url: str = "") -> dict[str, str]:
    env = {**os.environ, **server.env, "RESILIENCE_SPOOL": str(tmp_path / "spool")}
    return {**env, "INFLUXDB_V2_URL": url} if url else env


def counted(server: LocalInflux, run: str) -> int:
    series = server.query(f'SELECT sum("count") FROM "requests" WHERE "run"=\'{run}\'')
    return int(series[0]["values"][0][1]) if series else 0


def test_a_run_arrives_exactly(server: LocalInflux, tmp_path: Path) -> None:
    run = RunWriter(tmp_path / "runs" / "exact")
    handle = started(run, environment(server, tmp_path))
    for second in range(30):
        run.second(second)
    counts = handle.finish(30)
    assert counted(server, "exact") == run.sent == json.loads(ledger_end(run))
    assert counts["spooled"] == counts["dropped"] == 0 < counts["written"]
    assert counts["written"] < run.sent / 5  # points are per second, not per request
    row = server.query('SELECT last("run_p50_ms"), last("run_p95_ms"), last("run_p99_ms") FROM "requests" '
                       "WHERE \"run\"='exact'")[0]["values"][0]  # fmt: skip
    assert row[1:] == pytest.approx([run.percentile(p) for p in (50, 95, 99)], rel=0.01)
    assert not spooled(tmp_path)


def ledger_end(run: RunWriter) -> str:
    ends = [
        json.loads((run.run_dir / f"ledger-{worker}.jsonl").read_text().splitlines()[-1])["sent"]
        for worker in run.workers
    ]
    return str(sum(ends))


def test_the_same_run_twice_counts_once(server: LocalInflux, tmp_path: Path) -> None:
    run = RunWriter(tmp_path / "runs" / "twice")
    env = environment(server, tmp_path)
    handle = started(run, env)
    for second in range(5):
        run.second(second)
    handle.finish(30)
    points = server.query('SELECT count("count") FROM "requests" WHERE "run"=\'twice\'')
    again = [sys.executable, "-m", "telemetry.exporter", "--run", str(run.run_dir)]
    subprocess.run(again, env=env, check=True, capture_output=True, timeout=60)
    assert counted(server, "twice") == run.sent
    assert server.query('SELECT count("count") FROM "requests" WHERE "run"=\'twice\'') == points


def test_points_arrive_while_the_run_goes_on(server: LocalInflux, tmp_path: Path) -> None:
    run = RunWriter(tmp_path / "runs" / "live")
    handle = started(run, environment(server, tmp_path))
    run.second(0)
    wait_for(lambda: counted(server, "live") == run.sent, PATIENCE)
    handle.finish(30)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_database_killed_in_mid_run_loses_nothing(tmp_path: Path, version: str) -> None:
    with influx(tmp_path / "influx", version) as server:
        run = RunWriter(tmp_path / "runs" / "killed")
        handle = started(run, environment(server, tmp_path))
        run.second(0)
        wait_for(lambda: counted(server, "killed") == run.sent, PATIENCE)
        server.kill()
        for second in range(1, 20):
            run.second(second)
        wait_for(lambda: spooled(tmp_path), PATIENCE)
        server.start()
        run.second(20)
        wait_for(lambda: not spooled(tmp_path), PATIENCE)
        counts = handle.finish(30)
        assert counted(server, "killed") == run.sent
        assert (counts["spooled"], counts["dropped"]) == (0, 0)


@pytest.mark.parametrize("status", [503, 500, 429, 401, 404, 400])
def test_a_refusing_database_gets_it_from_the_next_run(
    server: LocalInflux, proxy: FaultProxy, tmp_path: Path, status: int
) -> None:
    first = RunWriter(tmp_path / "runs" / f"refused-{status}")
    env = environment(server, tmp_path, proxy.url)
    proxy.status = status
    handle = started(first, env)
    for second in range(5):
        first.second(second)
    counts = handle.finish(10)
    assert (counts["written"], counts["dropped"]) == (0, 0)
    assert counts["spooled"] > 0
    assert counted(server, first.run_dir.name) == 0

    proxy.status = 0
    second_run = RunWriter(tmp_path / "runs" / f"next-{status}")
    handle = started(second_run, env)
    second_run.second(0)
    wait_for(lambda: not spooled(tmp_path), PATIENCE)
    handle.finish(10)
    assert counted(server, first.run_dir.name) == first.sent
    assert counted(server, second_run.run_dir.name) == second_run.sent


def test_points_that_arrived_and_were_not_acknowledged_count_once(
    server: LocalInflux, proxy: FaultProxy, tmp_path: Path
) -> None:
    run = RunWriter(tmp_path / "runs" / "unacknowledged")
    env = environment(server, tmp_path, proxy.url)
    proxy.status, proxy.after = 503, True
    handle = started(run, env)
    run.second(0)
    wait_for(lambda: counted(server, "unacknowledged") == run.sent, PATIENCE)
    assert handle.finish(10)["spooled"] > 0
    proxy.status = 0
    done = flush(env, tmp_path)
    assert done.returncode == 0, done.stderr
    assert counted(server, "unacknowledged") == run.sent
    assert not spooled(tmp_path)


def test_a_slow_database_delays_the_end_by_a_bound(
    server: LocalInflux, proxy: FaultProxy, tmp_path: Path
) -> None:
    run = RunWriter(tmp_path / "runs" / "slow")
    env = environment(server, tmp_path, proxy.url)
    proxy.delay = 5.0
    handle = started(run, env)
    for second in range(5):
        run.second(second)
    handle.finish(0.2)
    assert not psutil.pid_exists(handle.pid)
    proxy.delay = 0.0
    flush(env, tmp_path)
    assert counted(server, "slow") == run.sent


def test_a_killed_exporter_is_made_good_by_flush(
    server: LocalInflux, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = RunWriter(tmp_path / "runs" / "cut-off")
    env = environment(server, tmp_path)
    handle = started(run, env)
    run.second(0)
    wait_for(lambda: counted(server, "cut-off") == run.sent, PATIENCE)
    psutil.Process(handle.pid).kill()
    run.second(1)
    handle.finish(1)
    assert "the exporter ended early" in capfd.readouterr().err
    done = flush(env, tmp_path)
    assert "1 cut-off runs read again" in done.stdout, done.stderr
    assert counted(server, "cut-off") == run.sent


def test_the_exporter_dies_with_its_starter(server: LocalInflux, tmp_path: Path) -> None:
    run = RunWriter(tmp_path / "runs" / "orphan")
    run.second(0)
    program = (
        "import os, pathlib, telemetry.exporter.process as e\n"
        f"h = e.start(pathlib.Path({str(run.run_dir)!r}), os.environ)\n"
        "print(h.pid, flush=True); os._exit(1)"
    )
    root = ROOT
    env = environment(server, tmp_path)
    out = subprocess.run([sys.executable, "-c", program], env=env, cwd=root, capture_output=True, check=False)
    assert not processes.left([int(out.stdout)], PATIENCE)
    assert counted(server, "orphan") == run.sent


def test_one_bad_point_does_not_hold_up_the_rest(server: LocalInflux, tmp_path: Path) -> None:
    run = RunWriter(tmp_path / "runs" / "conflict")
    env = environment(server, tmp_path)
    handle = started(run, env)
    run.second(0)
    wait_for(lambda: counted(server, "conflict") == run.sent, PATIENCE)
    with (run.run_dir / "ledger-worker-0.jsonl").open("a") as ledger:
        ledger.write('{"t": 1.5, "sent": "text where a number was"}\n')
    run.second(1)
    counts = handle.finish(30)
    assert counts["dropped"] == 1
    assert counted(server, "conflict") == run.sent
    (kept,) = (tmp_path / "spool").rglob("refused.lp")
    assert "text where a number was" in kept.read_text()


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_wrong_with_the_variables_is_said_at_once(tmp_path: Path, version: str) -> None:
    with influx(tmp_path / "influx", version, user="load", password="secret") as server:
        assert client.check(server.env) is None
        for name, value in {
            "INFLUXDB_V2_TOKEN": "load:wrong",
            "INFLUXDB_V2_BUCKET": "elsewhere/autogen",
            "INFLUXDB_V2_URL": "localhost",
        }.items():
            with pytest.raises(ConfigError, match=f"^environment: {name}: .*, allowed: .*") as told:
                client.check({**server.env, name: value})
            assert "\n" not in str(told.value)
            assert "wrong" not in str(told.value)


def test_an_unreachable_server_is_a_warning(server: LocalInflux) -> None:
    warning = client.check({**server.env, "INFLUXDB_V2_URL": "http://127.0.0.1:1"})
    assert warning is not None
    assert "kept on disk" in warning


def test_the_verdict_follows_the_run(server: LocalInflux, tmp_path: Path) -> None:
    run = RunWriter(tmp_path / "runs" / "judged")
    points = [point("P1.5", 500.0, unit="req/s"), point("P1.6", None)]
    (run.run_dir / "verdicts.json").write_text(json.dumps(found(points)))
    exporter_process.send_verdict(run.run_dir, environment(server, tmp_path), 30)
    assert (
        server.query('SELECT last("verdict") FROM "run" WHERE "run"=\'judged\'')[0]["values"][0][1] == "pass"
    )
    rows = server.query('SELECT "point", "status", "value" FROM "points" WHERE "run"=\'judged\'')[0]["values"]
    assert [row[1:] for row in rows] == [["P1.5", "pass", 500], ["P1.6", "pass", None]]
    assert not (run.run_dir / "telemetry.json").exists()
