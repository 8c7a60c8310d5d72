"""The exporter process against a receiver of OTLP: sent is stored, whatever the receiver does meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.errors import ConfigError
from telemetry.otlp import metrics, traces
from telemetry.recording.trace_ids import arrival_trace
from telemetry.run_folder import manifest
from tests.support import busy_machine
from tests.support.exporter_rig import flush, spooled, started, wait_for
from tests.support.influx.fault_proxy import FaultProxy
from tests.support.influx.run_writer import RunWriter
from tests.support.otlp.collector import collector
from tests.support.otlp.receiver import OtlpReceiver, otlp_receiver
from tests.support.otlp.store import OtlpStore, assert_all_stored, attributes
from tests.support.recorder.attack import Attack, Plan, Run, attack
from tests.support.recorder.handle import recorder

pytestmark = pytest.mark.e2e
PATIENCE = 30.0
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(scope="module")
def server() -> Iterator[OtlpReceiver]:
    with otlp_receiver() as found:
        yield found


def environment(server: OtlpReceiver, folder: Path, url: str = "") -> dict[str, str]:
    return {**os.environ, ENDPOINT: url or server.url, "RESILIENCE_SPOOL": str(folder / "spool")}


def test_a_receiver_that_was_away_in_mid_run_has_all_of_it(server: OtlpReceiver, tmp_path: Path) -> None:
    run = RunWriter(tmp_path / "runs" / "away")
    handle = started(run, environment(server, tmp_path))
    run.second(0)
    wait_for(lambda: server.store.last("resilience.requests", "away") == run.sent, PATIENCE)
    server.stop()
    for second in range(1, 10):
        run.second(second)
    wait_for(lambda: len(spooled(tmp_path)) > 5, PATIENCE)
    server.start()
    counts = handle.finish(15)
    assert (counts["spooled"], counts["dropped"]) == (0, 0)
    assert_all_stored(server.store, "away", run.sent)


def test_what_arrived_and_was_not_acknowledged_and_what_was_refused_counts_once(
    server: OtlpReceiver, proxy: FaultProxy, tmp_path: Path
) -> None:
    run = RunWriter(tmp_path / "runs" / "deaf")
    env = environment(server, tmp_path, proxy.url)
    proxy.status, proxy.after = 503, True
    handle = started(run, env)
    for second in range(5):
        run.second(second)
    wait_for(lambda: proxy.requests > 1, PATIENCE)
    spooled_points = handle.finish(0.5)["spooled"]
    assert spooled_points > 0
    proxy.status = 0
    done = flush(env, tmp_path)
    assert f"OTLP metrics: {spooled_points} points sent, 0 left" in done.stdout, done.stderr
    assert server.store.repeated > 0
    assert_all_stored(server.store, "deaf", run.sent)


def test_opentelemetrys_own_collector_takes_all_of_it_over_its_own_death_and_its_receivers(
    server: OtlpReceiver, tmp_path: Path
) -> None:
    """It gives on what it takes at once, and its receiver's 503 is its own answer."""
    run = RunWriter(tmp_path / "runs" / "collected")
    with collector(tmp_path / "collector", server.url) as between:
        env = environment(server, tmp_path, between.url)
        assert metrics.check(env) is None
        handle = started(run, env)
        run.second(0)
        wait_for(lambda: server.store.last("resilience.requests", "collected") == run.sent, PATIENCE)
        between.kill()
        for second in range(1, 5):
            run.second(second)
        wait_for(lambda: spooled(tmp_path), PATIENCE)
        server.stop()
        between.start()
        run.second(5)
        server.start()
        counts = handle.finish(15)
    assert (counts["spooled"], counts["dropped"]) == (0, 0)
    assert_all_stored(server.store, "collected", run.sent)


def test_what_is_no_receiver_and_who_is_not_let_in_is_said_at_once(
    server: OtlpReceiver, proxy: FaultProxy
) -> None:
    for module in (metrics, traces):
        assert module.check(server.env) is None
    with pytest.raises(ConfigError, match=rf"^environment: {ENDPOINT}: .* answers 404 .*, allowed: .*"):
        metrics.check({ENDPOINT: f"{server.url}/other"})
    proxy.status = 401
    with pytest.raises(ConfigError, match=r"^environment: OTEL_EXPORTER_OTLP_HEADERS: refused by .*"):
        traces.check({ENDPOINT: proxy.url})
    warning = metrics.check({ENDPOINT: "http://127.0.0.1:1"})
    assert warning is not None
    assert "kept on disk" in warning


def test_an_attack_is_stored_exactly_with_its_trace_and_its_calls_say_theirs(
    server: OtlpReceiver, tmp_path: Path
) -> None:
    plan = Plan(accounts=10, rate=5.0, seconds=2.0, target_keys={"trace": True})

    def made(number: int) -> tuple[Run, Attack, set[str]]:
        folder, server.store = tmp_path / str(number), OtlpStore()
        folder.mkdir()
        with (
            recorder(0.01, header="traceparent") as target,
            attack(plan, target.base_url, folder, env=environment(server, folder)) as running,
        ):
            found = running.wait()
            return found, running, {one for one in target.recording().ips if one.startswith("00-")}

    found, running, told = busy_machine.unless_late(made, lambda one: one[0].verdicts)
    assert running.exit_code == 0, running.console
    assert "OTLP metrics: " in running.console
    name, half = found.folder.name, manifest.read(found.folder).trace
    assert_all_stored(server.store, name, found.arrivals["sent"])
    whole, *_ = server.store.trace(name)
    shown = dict(attributes(whole.attributes))
    assert (shown["verdict"], shown["sent"], shown["traces_begin"]) == ("pass", found.arrivals["sent"], half)
    assert {value[3:35] for value in told} == {
        arrival_trace(half, index) for index in range(found.arrivals["sent"])
    }
