"""The exporter process against a real Prometheus: sent is stored, whatever the receiver does meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from common.errors import ConfigError
from telemetry.prometheus import remote_write
from tests.support.exporter_rig import flush, spooled, started, wait_for
from tests.support.influx.fault_proxy import FaultProxy
from tests.support.influx.run_writer import RunWriter
from tests.support.prometheus.server import WRITE, LocalPrometheus, prometheus
from tests.support.recorder.attack import Plan, attack
from tests.support.recorder.handle import recorder

pytestmark = pytest.mark.e2e
PATIENCE = 30.0
URL = "PROMETHEUS_REMOTE_WRITE_URL"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPrometheus]:
    with prometheus(tmp_path_factory.mktemp("prometheus")) as found:
        yield found


def environment(server: LocalPrometheus, folder: Path, proxy: FaultProxy | None = None) -> dict[str, str]:
    env = {**os.environ, **server.env, "RESILIENCE_SPOOL": str(folder / "spool")}
    return {**env, URL: proxy.url + WRITE} if proxy else env


def stored(server: LocalPrometheus, run: str) -> float:
    """Calls by the counters of tools and workers."""
    return last(server, "resilience_requests_total", run)


def last(server: LocalPrometheus, name: str, run: str) -> float:
    return server.number(f'sum(last_over_time({name}{{run="{run}"}}[1h]))', time.time() + 300)


def assert_whole(server: LocalPrometheus, run: str, sent: int) -> None:
    """Every call is stored, by each of the counters that count them, and none twice."""
    assert stored(server, run) == sent
    assert last(server, "resilience_calls_total", run) == sent
    assert last(server, "resilience_arrivals_sent_total", run) == sent
    assert not twice(server, run)


def twice(server: LocalPrometheus, run: str) -> list[object]:
    """Counters that have more samples than the run has seconds."""
    found = server.query(f'count_over_time(resilience_calls_total{{run="{run}"}}[1h])', time.time() + 300)
    return [one for one in found if float(one["value"][1]) > 22]


def test_a_run_arrives_exactly_also_where_another_sink_is_down(
    server: LocalPrometheus, tmp_path: Path
) -> None:
    run = RunWriter(tmp_path / "runs" / "exact")
    down = {"URL": "http://127.0.0.1:1", "TOKEN": "t", "ORG": "o", "BUCKET": "b"}
    env = environment(server, tmp_path) | {f"INFLUXDB_V2_{name}": text for name, text in down.items()}
    handle = started(run, env)
    for second in range(20):
        run.second(second)
    wait_for(lambda: stored(server, "exact") > 0, PATIENCE)
    counts = handle.finish(5)
    assert_whole(server, "exact", run.sent)
    influx, ours = handle.told
    assert influx.startswith("InfluxDB: 0 written, ")
    assert influx.endswith(" spooled, 0 dropped points")
    assert ours.startswith("Prometheus: ")
    assert ours.endswith(" written, 0 spooled, 0 dropped points")
    assert counts["spooled"] > 0


def test_prometheus_killed_in_mid_run_loses_nothing(tmp_path: Path) -> None:
    with prometheus(tmp_path / "prometheus") as server:
        run = RunWriter(tmp_path / "runs" / "killed")
        handle = started(run, environment(server, tmp_path))
        run.second(0)
        wait_for(lambda: stored(server, "killed") == run.sent, PATIENCE)
        server.kill()
        for second in range(1, 20):
            run.second(second)
        wait_for(lambda: len(spooled(tmp_path)) > 10, PATIENCE)
        server.start()
        run.second(20)
        counts = handle.finish(15)
        assert_whole(server, "killed", run.sent)
        assert (counts["spooled"], counts["dropped"]) == (0, 0)


@pytest.mark.slow
def test_a_refusing_receiver_gets_it_later(
    server: LocalPrometheus, proxy: FaultProxy, tmp_path: Path
) -> None:
    run = RunWriter(tmp_path / "runs" / "refused")
    env = environment(server, tmp_path, proxy)
    proxy.status = 503
    handle = started(run, env)
    for second in range(5):
        run.second(second)
    counts = handle.finish(1)
    assert (counts["written"], counts["dropped"], stored(server, run.run_dir.name)) == (0, 0, 0)
    assert counts["spooled"] > 0
    proxy.status = 0
    done = flush(env, tmp_path)
    assert f"Prometheus: {counts['spooled']} points sent, 0 left" in done.stdout, done.stderr
    assert_whole(server, run.run_dir.name, run.sent)
    assert not spooled(tmp_path)


@pytest.mark.slow
def test_samples_that_arrived_and_were_not_acknowledged_count_once(
    server: LocalPrometheus, proxy: FaultProxy, tmp_path: Path
) -> None:
    run = RunWriter(tmp_path / "runs" / "unacknowledged")
    env = environment(server, tmp_path, proxy)
    proxy.status, proxy.after = 503, True
    handle = started(run, env)
    for second in range(5):
        run.second(second)
    wait_for(lambda: proxy.requests > 1, PATIENCE)
    spooled = handle.finish(1)["spooled"]
    assert spooled > 0
    proxy.status = 0
    done = flush(env, tmp_path)  # all are taken: the receiver calls none out of order
    assert f"Prometheus: {spooled} points sent, 0 left" in done.stdout, done.stderr
    assert_whole(server, "unacknowledged", run.sent)
    assert not list((tmp_path / "spool").rglob("refused.lp"))


def test_a_slow_receiver_delays_the_end_by_a_bound(
    server: LocalPrometheus, proxy: FaultProxy, tmp_path: Path
) -> None:
    run = RunWriter(tmp_path / "runs" / "slow")
    env = environment(server, tmp_path, proxy)
    proxy.delay = 5.0
    handle = started(run, env)
    for second in range(5):
        run.second(second)
    handle.finish(0.2)
    assert not psutil.pid_exists(handle.pid)
    proxy.delay = 0.0
    flush(env, tmp_path)
    assert_whole(server, "slow", run.sent)


def test_a_killed_exporter_is_made_good_by_flush(server: LocalPrometheus, tmp_path: Path) -> None:
    run = RunWriter(tmp_path / "runs" / "cut-off", rate=20)
    env = environment(server, tmp_path)
    handle = started(run, env)
    run.second(0)
    wait_for(lambda: stored(server, "cut-off") == run.sent, PATIENCE)
    psutil.Process(handle.pid).kill()
    run.second(1)
    handle.finish(1)
    done = flush(env, tmp_path)
    assert "1 cut-off runs read again" in done.stdout, done.stderr
    assert_whole(server, "cut-off", run.sent)
    assert not list((tmp_path / "spool").rglob("refused.lp"))  # it has those: they are not dropped


def test_what_is_no_receiver_is_said_at_once(server: LocalPrometheus) -> None:
    assert remote_write.check(server.env) is None
    with pytest.raises(ConfigError, match=rf"^environment: {URL}: .* answers 404 .*, allowed: .*") as told:
        remote_write.check({URL: f"{server.url}/write"})
    assert "\n" not in str(told.value)
    warning = remote_write.check({URL: f"http://127.0.0.1:1{WRITE}"})
    assert warning is not None
    assert "kept on disk" in warning


@pytest.mark.slow
def test_an_attack_is_stored_exactly(server: LocalPrometheus, tmp_path: Path) -> None:
    plan = Plan(accounts=10, rate=5.0, seconds=2.0)
    with (
        recorder(0.01) as target,
        attack(plan, target.base_url, tmp_path, env=environment(server, tmp_path)) as running,
    ):
        found = running.wait()
    assert running.ended_by_itself(), running.console
    assert "Prometheus: " in running.console
    name = found.folder.name
    assert_whole(server, name, found.arrivals["sent"])
    verdict = server.query(f'last_over_time(resilience_verdict_info{{run="{name}"}}[1h])', time.time() + 60)
    assert [one["metric"]["verdict"] for one in verdict] == [found.verdicts["verdict"]]
