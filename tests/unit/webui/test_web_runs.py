"""Past runs, reports that are served, and the live figures, from files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from common.paths import ROOT
from telemetry.recording.sample import SAMPLE, Outcome
from webui import live, runs, tabs, target_tail, words

GOLDEN = ROOT / "tests" / "golden" / "fail-verdicts.json"


def judged(results: Path, name: str) -> Path:
    folder = results / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (folder / "verdicts.json").write_bytes(GOLDEN.read_bytes())
    (folder / "report.html").write_text("<p>the report")
    return folder


def test_runs_are_listed_with_their_verdicts(tmp_path: Path) -> None:
    judged(tmp_path, "a-run")
    (tmp_path / "no-run").mkdir()
    (tmp_path / "latest").symlink_to(tmp_path / "a-run")
    [run] = runs.listed(tmp_path)
    assert (run.name, run.verdict, run.has_report) == ("a-run", "fail", True)
    assert run.points[0]["id"] == "arrival"


def test_an_unjudged_or_torn_run_is_still_named(tmp_path: Path) -> None:
    folder = judged(tmp_path, "torn")
    (folder / "verdicts.json").write_text('{"scenario": "bu')
    (judged(tmp_path, "unjudged") / "verdicts.json").unlink()
    assert {(run.name, run.verdict) for run in runs.listed(tmp_path)} == {("torn", ""), ("unjudged", "")}
    assert runs.listed(tmp_path / "nowhere") == []


def test_a_verdict_written_anew_is_read_anew(tmp_path: Path) -> None:
    folder = judged(tmp_path, "run")
    assert runs.read(folder).verdict == "fail"
    told = json.loads(GOLDEN.read_text())
    (folder / "verdicts.json").write_text(json.dumps({**told, "verdict": "pass"}))
    assert runs.read(folder).verdict == "pass"


def test_a_report_is_served_from_the_results_alone(tmp_path: Path) -> None:
    results = tmp_path / "results"
    folder = judged(results, "run")
    assert runs.report(results, "run") == folder / "report.html"
    outside = judged(tmp_path, "outside")
    (results / "link").symlink_to(outside)
    (results / "file").mkdir()
    (results / "file" / "report.html").symlink_to(outside / "report.html")
    for name in (
        "link",
        "file",
        "nothing",
        "..",
        ".",
        "",
        "../outside",
        "run/../../outside",
        "run\0",
        "/etc",
    ):
        assert runs.report(results, name) is None, name


def test_the_start_delay_is_of_the_last_calls(tmp_path: Path) -> None:
    samples = np.zeros(5, SAMPLE)
    samples["planned"] = np.arange(5)
    samples["sent"] = samples["planned"] + [0.001, 0.002, 0.003, 0.004, np.nan]
    samples["outcome"][4] = Outcome.DROPPED
    (tmp_path / "samples-local.bin").write_bytes(samples.tobytes() + b"torn")
    delay = live.start_delay(tmp_path)
    assert delay["p50"] == pytest.approx(2.5)
    assert delay["max"] == pytest.approx(4.0)
    assert live.start_delay(tmp_path / "nowhere") == {}


def test_a_huge_file_is_read_from_its_end(tmp_path: Path) -> None:
    samples = np.zeros(live.LAST + 10, SAMPLE)
    samples["sent"][:10] = 9.0
    (tmp_path / "samples-local.bin").write_bytes(samples.tobytes())
    assert live.start_delay(tmp_path)["max"] == 0.0


def test_no_run_is_shown_as_none() -> None:
    now = live.snapshot(None)
    assert (now.state, now.going, now.share) == ("idle", False, 0.0)
    assert tabs.arrivals(now)[0]["figure"] == "No run yet"


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
    rows = {row["source"]: row for row in target_tail.rows(tmp_path)}
    assert set(rows) == {"edge", "origin-a", "origin-b"}
    assert (rows["edge"]["requests"], rows["edge"]["in_flight"], rows["edge"]["refused"]) == (9, 3, None)
    assert rows["origin-a"]["memory_mb"] == 42.0
    assert not rows["origin-b"]["up"]
    assert target_tail.rows(tmp_path / "nowhere") == []


def test_labels_are_added_up_and_long_logs_are_read_from_the_end(tmp_path: Path) -> None:
    values = {'mcpist_requests_total{status="200"}': 4, 'mcpist_requests_total{status="429"}': 2}
    line = json.dumps({"t": 1, "source": "edge", "up": True, "values": values}) + "\n"
    (tmp_path / "target.jsonl").write_text(line * (target_tail.TAIL // len(line) * 2))
    [row] = target_tail.rows(tmp_path)
    assert row["requests"] == 6


def test_the_verdict_tab_has_every_point(tmp_path: Path) -> None:
    rows = tabs.verdict(runs.read(judged(tmp_path, "run")))
    assert (rows[0]["point"], rows[0]["value"]) == ("verdict", "fail")
    assert rows[1]["value"] == "100 % of planned sent"
    assert tabs.verdict(runs.PastRun("none")) == []


def test_every_row_has_every_column(tmp_path: Path) -> None:
    run = runs.read(judged(tmp_path, "run"))
    for key, rows in (
        ("arrivals", tabs.arrivals(live.Live())),
        ("verdict", tabs.verdict(run)),
        ("runs", tabs.runs([run], "")),
    ):
        assert all(set(row) == set(tabs.STRUCTURE[key]) for row in rows), key


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        ("", "–"),
        (0, "0"),
        (12345.6, "12,346"),
        (0.00412, "0.00412"),
        ("HTTP 503", "HTTP 503"),
        (True, "True"),
    ],
)
def test_figures_read_well(value: object, shown: str) -> None:
    assert words.figure(value) == shown
