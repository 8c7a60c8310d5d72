"""Outbox and journal: over a wire that loses, repeats and reorders, all is applied once and in order."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.recording.journal import FINAL, INSTANCES, LEDGER, SAMPLES, WorkerJournal
from telemetry.recording.sample import SAMPLE, read_samples
from telemetry.run_folder import instances
from users.cluster.outbox import Outbox


def records(*indices: int) -> bytes:
    import numpy as np

    rows = np.zeros(len(indices), SAMPLE)
    rows["index"] = indices
    return rows.tobytes()


def test_entries_reach_their_files(tmp_path: Path) -> None:
    heard: list[str] = []
    journal = WorkerJournal(tmp_path, "w0", lambda kind, data: heard.append(kind))
    assert journal.take(1, SAMPLES, records(4, 5)) == 1
    assert journal.take(2, LEDGER, {"t": 1.0, "sent": 2}) == 2
    assert journal.take(3, INSTANCES, ["", "origin-a"]) == 3
    assert journal.take(4, FINAL, {"t": 2.0, "sent": 2}) == 4
    journal.close()
    assert read_samples(tmp_path / "samples-w0.bin")["index"].tolist() == [4, 5]
    lines = (tmp_path / "ledger-w0.jsonl").read_text().splitlines()
    assert [json.loads(line)["t"] for line in lines] == [1.0, 2.0]
    assert instances.read(tmp_path, "w0") == ("", "origin-a")
    assert journal.final
    assert heard == [SAMPLES, LEDGER, INSTANCES, FINAL]


def test_a_repeat_and_a_gap_change_nothing(tmp_path: Path) -> None:
    journal = WorkerJournal(tmp_path, "w0")
    journal.take(1, SAMPLES, records(1))
    assert journal.take(1, SAMPLES, records(1)) == 1
    assert journal.take(3, SAMPLES, records(3)) == 1
    journal.close()
    assert read_samples(tmp_path / "samples-w0.bin")["index"].tolist() == [1]


@settings(max_examples=60, deadline=None)
@given(count=st.integers(0, 30), seed=st.integers(0, 2**32))
def test_a_bad_wire_costs_time_never_data(
    tmp_path_factory: pytest.TempPathFactory, count: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("run")
    chance = random.Random(seed)
    journal = WorkerJournal(folder, "w0")
    on_the_wire: list[dict[str, Any]] = []
    outbox = Outbox(on_the_wire.append)
    for index in range(count):
        outbox.put(SAMPLES, records(index))
    outbox.put(FINAL, {})
    rounds = 0
    while not outbox.done:
        rounds += 1
        arriving, on_the_wire[:] = list(on_the_wire), []
        chance.shuffle(arriving)
        for entry in arriving:
            if chance.random() < 0.3:
                continue
            applied = journal.take(entry["number"], entry["kind"], entry["data"])
            if chance.random() < 0.7:
                outbox.acknowledged(applied)
        outbox.resend()
        assert rounds < 10_000
    journal.close()
    assert read_samples(folder / "samples-w0.bin")["index"].tolist() == list(range(count))


def test_a_torn_record_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "samples-w0.bin"
    file.write_bytes(records(1, 2)[:-7])
    assert read_samples(file)["index"].tolist() == [1]


def test_entries_have_numbers_and_what_is_not_acknowledged_is_sent_again_as_it_was() -> None:
    sent: list[dict[str, Any]] = []
    outbox = Outbox(sent.append)
    done = [outbox.done]
    for kind, data in ((SAMPLES, b"x"), (LEDGER, {"t": 1.0}), (FINAL, {})):
        outbox.put(kind, data)
    entries = [
        {"number": 1, "kind": SAMPLES, "data": b"x"},
        {"number": 2, "kind": LEDGER, "data": {"t": 1.0}},
        {"number": 3, "kind": FINAL, "data": {}},
    ]
    assert sent == entries
    outbox.acknowledged(1)
    done.append(outbox.done)
    outbox.resend()
    assert sent == [*entries, *entries[1:]]
    outbox.acknowledged(3)
    done.append(outbox.done)
    outbox.resend()
    assert len(sent) == 5
    assert done == [False, False, True]


def test_heard_is_when_the_newest_acknowledged_entry_was_put() -> None:
    now = 10.0
    outbox = Outbox(lambda entry: None, lambda: now)
    assert outbox.heard == float("-inf")
    for now in (11.0, 12.0, 13.0):  # noqa: B007 - the clock reads it
        outbox.put(LEDGER, {})
    now = 20.0
    outbox.resend()
    outbox.acknowledged(2)
    assert outbox.heard == 12.0
    outbox.acknowledged(1)
    assert outbox.heard == 12.0
