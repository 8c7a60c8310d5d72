"""What the target says, from a file that grows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from webui import tabs
from webui.live.target_rows import TITLES, TargetRows


def read(run: Path) -> list[dict[str, Any]]:
    rows = TargetRows(run, 1.0)
    rows.read()
    return rows.rows()


def scrape(t: float, source: str, **values: float) -> str:
    named = {f"mcpist_{key}": value for key, value in values.items()}
    return json.dumps({"t": t, "source": source, "up": True, "values": named}) + "\n"


def test_the_target_tab_shows_what_each_source_said_last(tmp_path: Path) -> None:
    lines = scrape(1, "edge", requests_total=5) + scrape(2, "edge", requests_total=9, in_flight=3)
    lines += scrape(2, "origin-a", memory_bytes=42e6) + scrape(2, "stack", other=1)
    lines += (
        json.dumps({"t": 3, "source": "origin-b", "up": False, "error": "refused"}) + "\n" + '{"t": 4, "so'
    )
    (tmp_path / "target.jsonl").write_text(lines)
    rows = {row["source"]: row for row in read(tmp_path)}
    assert set(rows) == {"edge", "origin-a", "origin-b"}
    assert (rows["edge"]["requests"], rows["edge"]["in_flight"], rows["edge"]["refused"]) == (9, 3, None)
    assert rows["origin-a"]["memory_mb"] == 42.0
    assert not rows["origin-b"]["up"]
    assert read(tmp_path / "nowhere") == []


def test_what_is_modelled_is_told_of_the_source_that_computes_it(tmp_path: Path) -> None:
    model = {"mcpist_memory_bytes": 42e6, 'mcpist_nano_state{state="running"}': 1}
    measured = {"mcpist_memory_bytes": 21e6, "mcpist_goroutines": 9, "go_goroutines": 9}
    lines = [
        json.dumps({"t": 1, "source": source, "up": True, "values": values}) + "\n"
        for source, values in (("origin-a", model), ("target-0", measured))
    ]
    (tmp_path / "target.jsonl").write_text("".join(lines))
    rows = read(tmp_path)
    assert [row["modelled"] for row in rows] == [("memory_mb", "goroutines"), ()]
    assert [row["memory_mb"] for row in tabs.target(rows)] == ["42 (modelled)", "21"]
    assert "modelled" not in "".join(TITLES.values())


def test_labels_are_added_up(tmp_path: Path) -> None:
    values = {'mcpist_requests_total{status="200"}': 4, 'mcpist_requests_total{status="429"}': 2}
    line = json.dumps({"t": 1, "source": "edge", "up": True, "values": values}) + "\n"
    (tmp_path / "target.jsonl").write_text(line)
    [row] = read(tmp_path)
    assert (row["requests"], row["requests_rate"]) == (6, None)


def test_rates_are_of_the_last_two_scrapes_and_survive_a_restart(tmp_path: Path) -> None:
    lines = [scrape(1, "edge", requests_total=5), scrape(3, "edge", requests_total=25)]
    lines += [scrape(4, "origin-a", requests_total=100), scrape(5, "origin-a", requests_total=7)]
    (tmp_path / "target.jsonl").write_text("".join(lines))
    assert [row["requests_rate"] for row in read(tmp_path)] == [10, 7]


def test_rows_grow_with_the_file(tmp_path: Path) -> None:
    rows = TargetRows(tmp_path, 1.0)
    for t in range(3):
        with (tmp_path / "target.jsonl").open("a") as file:
            file.write(scrape(t, "edge", requests_total=t * t))
        rows.read()
        assert [row["requests"] for row in rows.rows()] == [t * t]
    assert rows.rows()[0]["requests_rate"] == 3
