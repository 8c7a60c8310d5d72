"""A run folder as it grows, into lines; and what a database's answers mean."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import UnsetType, structs

from common.errors import ConfigError
from telemetry.delivery.sink import WriteResult
from telemetry.influx.client import Settings, _meaning
from telemetry.influx.line_protocol import line as encoded
from telemetry.points.event_points import event_point, verdict_points
from telemetry.points.export import Export
from telemetry.points.point import COUNTERS, DataPoint, RunPoints
from telemetry.points.target_points import MOST, TargetPoints
from telemetry.recording.sample import SAMPLE
from telemetry.recording.tail import LineTail, SampleTail
from telemetry.run_folder.lines import Event, LedgerLine, Scrape
from telemetry.run_folder.verdict_file import VerdictFile
from tests.support.manifest import manifest

MANIFEST = manifest()
POINTS = RunPoints(MANIFEST)
ENV = {
    "INFLUXDB_V2_URL": "http://db:8086", "INFLUXDB_V2_TOKEN": "secret", "INFLUXDB_V2_ORG": "o",
    "INFLUXDB_V2_BUCKET": "b",
}  # fmt: skip


def add_samples(folder: Path, worker: str, *done: float) -> None:
    samples = np.zeros(len(done), dtype=SAMPLE)
    samples["done"] = samples["sent"] = samples["planned"] = done
    with (folder / f"samples-{worker}.bin").open("ab") as file:
        file.write(samples.tobytes())


def add_line(folder: Path, file_name: str, /, **fields: Any) -> None:
    with (folder / file_name).open("a") as file:
        file.write(json.dumps(fields) + "\n")


def lines_of(points: Iterable[DataPoint]) -> list[str]:
    return [encoded(point) for point in points if point.measurement not in COUNTERS]


def requests(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("requests,") and " count=" in line]


def test_a_second_is_told_once_its_ledger_line_is_there(tmp_path: Path) -> None:
    export = Export(tmp_path, MANIFEST)
    assert export.read() == []
    add_samples(tmp_path, "w0", 0.2, 0.7)
    assert export.read() == []
    add_line(tmp_path, "ledger-w0.jsonl", t=1.01, sent=2)
    lines = lines_of(export.read())
    assert len(requests(lines)) == 1
    assert [line for line in lines if line.startswith("arrivals,") and " sent=2i " in line]
    assert export.finish() == []


def test_finish_tells_what_no_ledger_line_vouched_for(tmp_path: Path) -> None:
    add_samples(tmp_path, "w0", 0.2)
    add_samples(tmp_path, "w1", 5.2)
    lines = requests(lines_of(Export(tmp_path, MANIFEST).finish()))
    assert len(lines) == 2


def test_the_same_folder_gives_the_same_lines_however_it_was_read(tmp_path: Path) -> None:
    live = Export(tmp_path, MANIFEST)
    lines: list[str] = []
    for second in range(5):
        add_samples(tmp_path, "w0", second + 0.1, second + 0.9)
        add_line(tmp_path, "ledger-w0.jsonl", t=second + 1.0, sent=2 * second + 2)
        add_line(tmp_path, "events.jsonl", t=second + 0.5, kind="fault", name="x", detail={})
        lines += map(str, live.read())
    lines += map(str, live.finish())
    assert sorted(lines) == sorted(map(str, Export(tmp_path, MANIFEST).finish()))


MADE: dict[Any, Any] = {int: 7, int | UnsetType: 7, bool: True, str: "forge.py:3 in make"}


def test_every_field_of_a_ledger_line_has_a_place(tmp_path: Path) -> None:
    """As the engine may write it: all its fields at once, each with a value of its own kind."""
    entry = {field.name: MADE.get(field.type, 0.5) for field in structs.fields(LedgerLine)}
    entry |= {
        "t": 1.0,
        "sessions": {"opened": 3},
        "addresses": {"127.0.0.1": {"sent": 5, "ok": 4}},
        "late_answers": {"read": 2},
    }
    add_line(tmp_path, "ledger-w0.jsonl", **msgspec.to_builtins(msgspec.convert(entry, LedgerLine)))
    arrivals, addresses = lines_of(Export(tmp_path, MANIFEST).read())
    figures = arrivals.split(" ", 1)[1]
    missing = [field.name for field in structs.fields(LedgerLine) if f",{field.name}=" not in f",{figures}"]
    assert missing == ["t", "sessions", "addresses", "late_answers"]
    assert "sessions_opened=3i" in arrivals
    assert "late_answers_read=2i" in arrivals
    assert addresses.startswith("addresses,address=127.0.0.1,")
    assert " sent=5i,ok=4i " in addresses


def test_torn_records_and_lines_wait_for_their_rest(tmp_path: Path) -> None:
    samples, lines = SampleTail(tmp_path / "s"), LineTail(tmp_path / "l", dict[str, Any])
    whole = np.zeros(1, dtype=SAMPLE).tobytes()
    (tmp_path / "s").write_bytes(whole + whole[:50])
    (tmp_path / "l").write_bytes(b'{"a": 1}\n{"a"')
    assert samples.read().size == 1
    assert lines.read() == [{"a": 1}]
    with (tmp_path / "s").open("ab") as file:
        file.write(whole[50:])
    with (tmp_path / "l").open("ab") as file:
        file.write(b": 2}\n")
    assert samples.read().size == 1
    assert lines.read() == [{"a": 2}]
    assert samples.read().size == 0


def test_a_line_that_is_longer_than_a_read_holds_up_no_other(tmp_path: Path) -> None:
    tail = LineTail(tmp_path / "l", dict[str, Any], chunk=1000)
    long = "x" * 3000
    (tmp_path / "l").write_text(f'{{"a": "{long}"}}\n{{"a": 2}}\n{{"a": "{long}')
    found: list[dict[str, Any]] = []
    while new := tail.read():
        found += new
    assert found == [{"a": long}, {"a": 2}]
    with (tmp_path / "l").open("a") as file:
        file.write('"}\n')
    assert tail.read() == [{"a": long}]


def test_a_broken_line_is_passed_over(tmp_path: Path) -> None:
    tail = LineTail(tmp_path / "l", dict[str, Any])
    (tmp_path / "l").write_bytes(b'nonsense\n[1]\n{"a": 1}\n')
    assert tail.read() == [{"a": 1}]
    assert tail.bad == 2


def scrape(values: dict[str, float], *, up: bool = True) -> list[str]:
    return lines_of(TargetPoints(POINTS).of(Scrape(t=2.0, source="edge", up=up, values=values)))


def test_only_known_metrics_and_labels_become_points() -> None:
    lines = scrape({
        'mcpist_requests_total{method="POST",path="/a",status="200"}': 3,
        'mcpist_requests_total{method="GET",path="/b",status="200"}': 4,
        'mcpist_requests_total{method="GET",path="/health",status="200"}': 5,
        'somebody_elses{user="u1"}': 1,
    })  # fmt: skip
    assert len(lines) == 2
    assert " up=1i 102000000000" in lines[0]
    assert "status=200" in lines[1]
    assert " mcpist_requests_total=7.0,health_requests_total=5.0 " in lines[1]


def test_a_label_with_too_many_values_says_other() -> None:
    values = {f'mcpist_refused_total{{reason="r{n}"}}': 1.0 for n in range(MOST + 10)}
    lines = scrape(values)
    assert len(lines) == 1 + MOST + 1
    assert " mcpist_refused_total=10.0 " in lines[-1]
    assert "reason=other" in lines[-1]


def test_a_source_that_is_down_says_so() -> None:
    assert [line.split(" ")[1] for line in scrape({}, up=False)] == ["up=0i"]


def test_events_of_one_instant_are_two_points() -> None:
    event = Event(1.0, "fault", "stall", {"target": "notion", "n": 2})
    one, two = lines_of([event_point(POINTS, event, 1), event_point(POINTS, event, 2)])
    assert one.startswith("faults,kind=fault,")
    assert 'text="target notion, n 2"' in one
    assert one.split()[-1] != two.split()[-1]


def test_a_verdict_and_its_points() -> None:
    answers = [
        {"id": "P1", "question": "q", "value": 2, "unit": "s", "basis": "measured", "status": "pass"},
        {"id": "P2", "question": "q", "value": "word", "unit": "", "basis": "measured", "status": "info"},
        {"id": "P3", "question": "q", "value": None, "unit": "", "basis": "measured", "status": "info"},
    ]
    told = {
        "verdict": "pass",
        "duration_s": 60,
        "points": answers,
        "scenario": "s",
        "started": "",
        "target": "t",
    }
    told |= {"protections": [], "stop_reason": "completed", "arrivals": {}}
    run, one, two, three = lines_of(verdict_points(POINTS, msgspec.convert(told, VerdictFile)))
    assert 'verdict="pass"' in run
    assert "1 of 3 points passed" in run
    assert " value=2.0," in one
    assert 'said="word"' in two
    assert "value=" not in two.replace("said", "")
    assert 'said=""' in three


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (0, "refused", WriteResult.LATER),
        (401, '{"message":"unauthorized access"}', WriteResult.LATER),
        (404, '{"message":"bucket not found"}', WriteResult.LATER),
        (429, "", WriteResult.LATER),
        (503, "", WriteResult.LATER),
        (413, "", WriteResult.TOO_LARGE),
        (400, '{"error":"partial write: field type conflict: input field"}', WriteResult.BAD_POINTS),
        (422, '{"message":"unable to parse \'x\'"}', WriteResult.BAD_POINTS),
        (400, '{"error":"partial write: max-series-per-database limit exceeded"}', WriteResult.LATER),
        (400, "<html>a proxy's page</html>", WriteResult.LATER),
    ],
)
def test_what_an_answer_means(status: int, body: str, answer: WriteResult) -> None:
    assert _meaning(status, body, {}).answer is answer


@pytest.mark.parametrize(("header", "wait"), [("7", 7.0), ("999", 30.0), ("soon", 0.0), ("", 0.0)])
def test_what_the_server_asks_to_wait(header: str, wait: float) -> None:
    assert _meaning(429, "", {"Retry-After": header}).wait == wait


def test_telemetry_is_off_without_a_url() -> None:
    assert Settings.read({}) is None
    with pytest.raises(ConfigError, match=r"^environment: INFLUXDB_V2_URL: missing, allowed: "):
        Settings.needed({})


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"INFLUXDB_V2_TOKEN": ""}, "INFLUXDB_V2_TOKEN"),
        ({"INFLUXDB_V2_ORG": ""}, "INFLUXDB_V2_ORG"),
        ({"INFLUXDB_V2_BUCKET": ""}, "INFLUXDB_V2_BUCKET"),
        ({"INFLUXDB_V2_URL": "db:8086"}, "INFLUXDB_V2_URL"),
        ({"INFLUXDB_V2_URL": "ftp://db"}, "INFLUXDB_V2_URL"),
        ({"INFLUXDB_V2_TIMEOUT": "soon"}, "INFLUXDB_V2_TIMEOUT"),
        ({"INFLUXDB_V2_TIMEOUT": "0"}, "INFLUXDB_V2_TIMEOUT"),
    ],
)
def test_variables_that_cannot_work(change: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigError, match=f"^environment: {name}: .*allowed: "):
        Settings.read({**ENV, **change})


def test_the_token_is_told_nowhere() -> None:
    settings = Settings.needed(ENV)
    assert "secret" not in repr(settings)
    assert "secret" not in settings.place


def test_another_destination_is_another_queue() -> None:
    places = {Settings.needed({**ENV, name: f"http://{name}"}).place for name in list(ENV)[2:]}
    assert len({Settings.needed(ENV).place, *places}) == 3
    assert Settings.needed({**ENV, "INFLUXDB_V2_TOKEN": "new"}).place == Settings.needed(ENV).place
