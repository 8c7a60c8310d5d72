"""The curves of a run folder that grows: what is in them, once, and never too much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios.parts import Phase
from telemetry.recording.sample import REASON_CODE, SAMPLE, Flag, Outcome
from webui.live import call_curves
from webui.live.curves import MOST, Curves, bin_width
from webui.live.target_rows import TargetRows


def samples(*calls: dict[str, Any]) -> bytes:
    found = np.zeros(len(calls), SAMPLE)
    for at, call in enumerate(calls):
        for name, value in {"done": call["planned"], "sent": call["planned"], **call}.items():
            found[name][at] = value
    return found.tobytes()


def ledger(*lines: tuple[float, int]) -> str:
    return "".join(
        json.dumps({"t": t, "planned": n, "sent": n, "done": n, "dropped": 0}) + "\n" for t, n in lines
    )


def curves(run: Path, duration: float = 10.0) -> Curves:
    phases = [Phase(name="calm", start=0.0, end=4.0)]
    return Curves(run, duration, phases, TargetRows(run, bin_width(duration)))


def lines(found: dict[str, Any], chart: str) -> dict[str, list[Any]]:
    [one] = [one for one in found["charts"] if one["id"] == chart]
    return {line["name"]: line["y"] for line in one["lines"]}


FAILED = {"outcome": Outcome.FAILED, "reason": REASON_CODE["burst_exceeded"]}


def test_each_call_is_in_the_second_in_which_it_ended(tmp_path: Path) -> None:
    (tmp_path / "ledger-a.jsonl").write_text(ledger((1.0, 2), (2.0, 4), (3.0, 4)))
    (tmp_path / "samples-a.bin").write_bytes(
        samples(
            {"planned": 0.1, "sent": 0.102, "done": 1.1},
            {"planned": 0.2, "sent": 0.204, "done": 1.2, **FAILED},
            {"planned": 0.3, "flags": Flag.EXTRA, "done": 9.0},
            {"planned": 0.4, "sent": np.nan, "done": np.nan, "outcome": Outcome.DROPPED},
        )
        + b"torn"
    )
    made = curves(tmp_path)
    made.read()
    found = made.shown(over=False)
    assert lines(found, "arrivals") == {"planned": [2, 2, 0], "sent": [2, 2, 0], "done": [2, 2, 0]}
    assert lines(found, "response")["p50"] == [None, pytest.approx(1000), None]
    assert lines(found, "failures") == {"burst_exceeded": [0, 1, 0]}
    assert lines(found, "start-delay")["p99"] == [pytest.approx(4, rel=0.01), None, None]
    assert (found["width"], found["end"]) == (1.0, 10.0)


def test_what_was_read_is_not_read_again(tmp_path: Path) -> None:
    made = curves(tmp_path)
    for t in range(1, 4):
        with (tmp_path / "ledger-a.jsonl").open("a") as file:
            file.write(ledger((float(t), t)))
        with (tmp_path / "samples-a.bin").open("ab") as file:
            file.write(samples({"planned": t - 0.5, **FAILED}))
        made.read()
        made.read()
    assert lines(made.shown(over=False), "failures") == {"burst_exceeded": [1, 1, 1]}


def test_others_have_their_turn_between_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_curves, "PIECE", 2 * SAMPLE.itemsize)
    (tmp_path / "samples-a.bin").write_bytes(samples(*({"planned": 0.5, **FAILED} for _ in range(7))))
    turns: list[None] = []
    calls = call_curves.CallCurves(tmp_path, 1.0, lambda: turns.append(None))
    calls.read()
    assert len(turns) == 4
    assert calls.failures["burst_exceeded"][0] == 7


def test_the_key_changes_with_what_is_shown(tmp_path: Path) -> None:
    made = curves(tmp_path)
    keys = [made.key(over=False)]
    for t in (1.0, 2.0):
        with (tmp_path / "ledger-a.jsonl").open("a") as file:
            file.write(ledger((t, 1)))
        made.read()
        keys += [made.key(over=False)]
    made.read()
    assert made.shown(over=False)["key"] == keys[-1]
    assert len({*keys, made.key(over=True)}) == 4


def test_phases_and_faults_are_bands_and_a_fault_ends_when_its_own_end_is_told(tmp_path: Path) -> None:
    def event(t: float, state: str, number: int) -> str:
        detail = {"state": state, "number": number, "target": "notion"}
        return json.dumps({"t": t, "kind": "fault", "name": "upstream-stall", "detail": detail}) + "\n"

    (tmp_path / "events.jsonl").write_text(
        event(1, "begins", 0) + event(2, "begins", 1) + event(3, "ends", 0)
    )
    made = curves(tmp_path)
    made.read()
    stall = "upstream-stall (notion)"
    assert [tuple(band.values()) for band in made.shown(over=False)["bands"]] == [
        ("phase", "calm", 0.0, 4.0), ("fault", stall, 1.0, 3.0), ("fault", stall, 2.0, None),
    ]  # fmt: skip


def test_many_reasons_are_a_few_lines_that_add_up(tmp_path: Path) -> None:
    (tmp_path / "ledger-a.jsonl").write_text(ledger((1.0, 20)))
    codes = [code for name, code in REASON_CODE.items() if name][:20]
    calls = [{"planned": 0.5, "outcome": Outcome.FAILED, "reason": code} for code in codes]
    (tmp_path / "samples-a.bin").write_bytes(samples(*calls))
    made = curves(tmp_path)
    made.read()
    found = lines(made.shown(over=False), "failures")
    assert len(found) == 7
    assert sum(sum(y) for y in found.values()) == 20


def test_a_long_run_has_wider_bins_so_that_there_are_never_many() -> None:
    assert [bin_width(duration) for duration in (0.5, 60, MOST, MOST + 1, 3600)] == [1, 1, 1, 2, 6]
    for duration in (1, 599.5, 601, 86_400):
        assert duration / bin_width(duration) <= MOST


def test_the_origins_calls_in_flight_stand_beside_the_callers(tmp_path: Path) -> None:
    def scrape(t: float, source: str, level: float) -> str:
        return (
            json.dumps({"t": t, "source": source, "up": True, "values": {"mcpist_in_flight": level}}) + "\n"
        )

    (tmp_path / "ledger-a.jsonl").write_text(ledger((3.0, 3)))
    told = scrape(-1, "origin-a", 9) + scrape(0.1, "origin-a", 3) + scrape(0.9, "origin-a", 4)
    (tmp_path / "target.jsonl").write_text(told + scrape(2.0, "origin-a", 5) + scrape(1.0, "edge", 7))
    rows = TargetRows(tmp_path, 1.0)
    rows.read()
    made = Curves(tmp_path, 10.0, [], rows)
    made.read()
    found = lines(made.shown(over=False), "in-flight")
    assert found == {"callers": [0, 0, 0], "origin-a": [4, None, 5]}
