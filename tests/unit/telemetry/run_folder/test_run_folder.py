"""The structs of a run folder: what is written is what is read, what is torn is said in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest

from telemetry.recording.event_log import EventLog
from telemetry.recording.sample import REASONS
from telemetry.run_folder import end, instances, manifest, reading, schemas, verdict_file
from telemetry.run_folder.lines import ErrorText, Event, LedgerLine
from tests.support.manifest import manifest as made
from tests.support.synthetic_run import Spec, write
from users.engine.ledger import Ledger
from verdicts.output.files import derive


def checked(schema: str, found: Any) -> None:
    """`found` is what the schema in docs/ says, and has no key beside it."""
    told = json.loads((schemas.FOLDER / f"{schema}.json").read_text())
    jsonschema.validate(found, told)
    if isinstance(found, dict):
        assert set(found) <= set(schemas.FILES[schema].__struct_fields__)


@pytest.mark.parametrize("name", schemas.FILES)
def test_docs_hold_the_schema_that_the_structs_make(name: str) -> None:
    assert (schemas.FOLDER / f"{name}.json").read_text() == schemas.text(name), "run: make schemas"


def test_no_other_schema_is_there() -> None:
    assert {file.stem for file in schemas.FOLDER.iterdir()} == set(schemas.FILES)


def test_a_runs_files_are_what_their_schemas_say(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", Spec(duration=3.0, fault=(1.0, 2.0, "db_error")))
    derive(folder, quiet=True)
    for name in ("run", "end", "verdicts"):
        found = json.loads((folder / f"{name}.json").read_text())
        checked(name, found if name != "run" else {k: v for k, v in found.items() if k != "instances"})
    for name in ("ledger-local", "events", "target", "instances-local"):
        for line in (folder / f"{name}.jsonl").read_text().splitlines():
            checked(name.partition("-")[0], json.loads(line))


def test_the_keys_of_verdicts_stand_in_the_structs_order(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", Spec(duration=3.0))
    derive(folder, quiet=True)
    found = json.loads((folder / "verdicts.json").read_text())
    assert list(found) == list(verdict_file.VerdictFile.__struct_fields__)
    assert json.loads(msgspec.json.encode(verdict_file.read(folder))) == found


def test_what_the_engine_counts_is_a_ledger_line() -> None:
    line = Ledger(cpu=lambda: 0.0).line(1.0, 2, 3)
    checked("ledger", line)
    assert list(line) == list(LedgerLine.__struct_fields__)[: len(line)]


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    about = made(time_scale=6, accounts=[{"id": "a", "ip": "10.0.0.1", "tier": "starter", "group": "users"}])
    manifest.write(tmp_path, about)
    assert manifest.read(tmp_path) == about
    keys = list(json.loads((tmp_path / "run.json").read_text()))
    assert keys[:5] == ["schema_version", "run", "reasons", "machine", "version"]


def test_an_end_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert end.read(tmp_path) is None
    workers = (end.WorkerEnd(name="w1", lost=True),)
    told = end.RunEnd(t_end=3.5, stop_reason="SIGINT", stopped_at=2.0, workers=workers)
    end.write(tmp_path, told)
    assert end.read(tmp_path) == told


def test_events_and_instances_are_read_as_they_were_written(tmp_path: Path) -> None:
    log = EventLog(tmp_path, failed=lambda error: pytest.fail(str(error)))
    log.add(1.0, "fault", "stall", target="notion")
    log.close()
    assert list(reading.lines(tmp_path / "events.jsonl", Event)) == [
        Event(1.0, "fault", "stall", {"target": "notion"})
    ]
    assert instances.read(tmp_path, "w0") == ("",)
    table = instances.Table(tmp_path, "w0")
    for names in (["", "origin-é"], ["", "origin-é", 'b"\n'], ["", "origin-é", 'b"\n']):
        table.grow(names)
        assert instances.read(tmp_path, "w0") == tuple(names)
    table.close()


def test_the_instances_of_a_run_of_before_are_one_list(tmp_path: Path) -> None:
    (tmp_path / "instances-w0.json").write_text('["", "origin-a"]')
    assert instances.read(tmp_path, "w0") == ("", "origin-a")


def test_keys_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    about = made()
    manifest.write(tmp_path, about)
    file = tmp_path / "run.json"
    later = {**json.loads(file.read_text()), "new": 1}
    file.write_text(json.dumps({**later, "machine": {**later["machine"], "gpu": "none"}}))
    assert manifest.read(tmp_path) == about


def test_a_run_of_before_reads_without_what_it_could_not_tell(tmp_path: Path) -> None:
    manifest.write(tmp_path, made(reasons=list(REASONS)))
    file = tmp_path / "run.json"
    old = json.loads(file.read_text())
    for key in ("preset", "time_scale", "stack", "workers", "accounts", "start_monotonic"):
        del old[key]
    file.write_text(json.dumps(old))
    found = manifest.read(tmp_path)
    assert (found.preset, found.time_scale, found.stack, dict(found.settings("edge"))) == (None, 1, None, {})
    (tmp_path / "end.json").write_text('{"t_end": 1, "stop_reason": "completed"}')
    assert end.read(tmp_path) == end.RunEnd(t_end=1.0, stop_reason="completed")


def test_a_torn_line_is_left_out_and_one_of_another_shape_is_said(tmp_path: Path) -> None:
    file = tmp_path / "errors-w0.jsonl"
    file.write_text('{"t": 1, "reason": "db_error"}\n{"t": 2, "rea')
    assert [text.reason for text in reading.lines(file, ErrorText)] == ["db_error"]
    file.write_bytes(b'{"t": 1, "rea\n\0\0\0\n\xff\n{"t": 2, "reason": "timeout"}\n')
    assert [text.reason for text in reading.lines(file, ErrorText)] == ["timeout"]
    file.write_text('{"t": 1, "reason": "db_error"}\n{"t": "soon", "reason": "x"}\n')
    with pytest.raises(reading.RunFolderError, match=r"errors-w0.jsonl:2: .*allowed: a JSON object a line$"):
        list(reading.lines(file, ErrorText))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "list, allowed: a JSON object"),
        ('{"t_end": "late"}', r"\$.t_end"),
        ("{}", "t_end"),
    ],
)
def test_a_file_that_is_no_such_thing_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "end.json").write_text(text)
    with pytest.raises(reading.RunFolderError, match=said) as raised:
        end.read(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["", "{", '{"t_end": 3.5, "stop_rea', "\0\0\0\0", "[" * 100_000], ids=lambda text: text[:9]
)
def test_a_torn_file_counts_as_absent(tmp_path: Path, text: str) -> None:
    for name in ("end.json", "consistency.json", "instances-w0.json"):
        (tmp_path / name).write_text(text)
        assert reading.object_whole(tmp_path / name) is None
    assert end.read(tmp_path) is None
    assert instances.read(tmp_path, "w0") == ("",)
