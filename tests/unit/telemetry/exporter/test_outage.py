"""A receiver in trouble for 60 s of a run of 90 s, by a clock that is moved: all is stored, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import cramjam
import pytest

from telemetry.delivery.http_post import PostAnswer
from telemetry.delivery.sender import Sender, deliver
from telemetry.delivery.sink import NEVER, Sink
from telemetry.delivery.spool import Spool
from telemetry.otlp import metrics
from telemetry.points.export import Export
from telemetry.points.point import DataPoint
from telemetry.prometheus import remote_write
from telemetry.prometheus.write_request import WriteRequest
from telemetry.run_folder import manifest
from tests.support.influx.run_writer import RunWriter
from tests.support.otlp.store import METRICS, OtlpStore, assert_all_stored

SECONDS: Final = 90
FROM, TO = 15.0, 75.0
TIMEOUT: Final = 10.0
ILL: Final[dict[str, PostAnswer]] = {
    "down": PostAnswer(0, "connection refused"),
    "full": PostAnswer(503, "full", "4"),
    "slow": PostAnswer(0, "timed out"),  # it has taken the request by then
    "refusing": PostAnswer(401, "who?"),
}


class Receiver(Protocol):
    def take(self, body: bytes) -> PostAnswer: ...

    def assert_whole(self, sent: int) -> None: ...


@dataclass
class OtlpReceiver:
    store: OtlpStore = field(default_factory=OtlpStore)

    def take(self, body: bytes) -> PostAnswer:
        return PostAnswer(200, "", "", self.store.take(METRICS, body), "application/x-protobuf")

    def assert_whole(self, sent: int) -> None:
        assert_all_stored(self.store, "run", sent)


@dataclass
class RemoteWriteReceiver:
    """As Prometheus: of a series the newest sample again, or a later one."""

    newest: dict[tuple[tuple[str, str], ...], tuple[int, float]] = field(default_factory=dict)

    def take(self, body: bytes) -> PostAnswer:
        for series in WriteRequest.FromString(bytes(cramjam.snappy.decompress_raw(body))).timeseries:
            labels = tuple((one.name, one.value) for one in series.labels)
            (sample,) = series.samples
            t, value = self.newest.get(labels, (-1, 0.0))
            if sample.timestamp < t or (sample.timestamp == t and sample.value != value):
                return PostAnswer(400, "out of order sample")
            self.newest[labels] = sample.timestamp, sample.value
        return PostAnswer(204, "")

    def assert_whole(self, sent: int) -> None:
        for name in ("resilience_requests_total", "resilience_calls_total", "resilience_arrivals_sent_total"):
            found = [value for labels, (_, value) in self.newest.items() if ("__name__", name) in labels]
            assert sum(found) == sent, name


@dataclass
class World:
    """The clock, and the wire to a receiver that is ill from `FROM` to `TO`."""

    receiver: Receiver
    state: str
    now: float = 0.0
    tries: int = 0  # while it was ill

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float | None = None) -> PostAnswer:
        if not FROM <= self.now < TO:
            return self.receiver.take(body)
        self.tries += 1
        if self.state == "slow":
            self.now += TIMEOUT
            self.receiver.take(body)
        return ILL[self.state]

    def close(self) -> None:
        """Nothing to close."""


def made_otlp() -> tuple[Sink, Receiver]:
    return metrics.sink({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}), OtlpReceiver()


def made_prometheus() -> tuple[Sink, Receiver]:
    return remote_write.sink({"PROMETHEUS_REMOTE_WRITE_URL": "http://p/api/v1/write"}), RemoteWriteReceiver()


class Exported(NamedTuple):
    """A run as it was exported: every 2 s, and the rest of it at its end."""

    seconds: list[list[DataPoint]]
    rest: list[DataPoint]
    sent: int  # calls


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """One run for all receivers: what becomes of it is none of the exporter's business."""
    run = RunWriter(tmp_path_factory.mktemp("made") / "run", rate=20)
    export, seconds = Export(run.run_dir, manifest.read(run.run_dir)), []
    for second in range(SECONDS):
        run.second(second)
        seconds.append(list(export.read()) if second % 2 else [])
    return Exported(seconds, list(export.finish()), run.sent)


def played(exported: Exported, sink: Sink, world: World, folder: Path) -> Spool:
    """The queue after the run, sent whenever the sender would."""
    spool = Spool(folder / "queue")
    sender = Sender(sink, spool, iter(()), lambda text: None, clock=lambda: world.now)
    again = 0.0
    for second, points in enumerate(exported.seconds):
        world.now = max(world.now, second + 1.0)
        for batch in sink.encode(iter(points)):
            spool.append(batch)
        while again <= world.now:
            sender._wait = sender._send_all()
            again = world.now + (sender._wait or 1.0)
    for batch in sink.encode(iter(exported.rest)):
        spool.append(batch)
    if sender._wait != NEVER:
        sender._send_all()
    return spool


@pytest.mark.parametrize("state", ["down", "full", "slow"])
@pytest.mark.parametrize("made", [made_otlp, made_prometheus])
def test_what_waited_arrives_and_counts_once(
    made: Callable[[], tuple[Sink, Receiver]], state: str, exported: Exported, tmp_path: Path
) -> None:
    sink, receiver = made()
    world = World(receiver, state)
    sink._post = world  # type: ignore[attr-defined]
    spool = played(exported, sink, world, tmp_path)
    assert (spool.points, spool.dropped, spool.held) == (0, 0, 0)
    receiver.assert_whole(exported.sent)
    assert 3 <= world.tries <= 16  # it is not hammered
    spool.close()


def test_one_that_refuses_us_is_asked_once_and_has_all_by_a_flush(exported: Exported, tmp_path: Path) -> None:
    sink, receiver = made_otlp()
    world = World(receiver, "refusing")
    sink._post = world  # type: ignore[attr-defined]
    spool = played(exported, sink, world, tmp_path)
    assert (world.tries, spool.dropped) == (1, 0)
    assert spool.points > 0
    while deliver(sink, spool)[0] is not None:
        pass
    assert (spool.points, spool.dropped) == (0, 0)
    receiver.assert_whole(exported.sent)
    spool.close()
