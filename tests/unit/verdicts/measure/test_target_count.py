"""The target's own count of calls beside the ledger: which calls it is of, and when the two disagree."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from telemetry.recording.sample import Flag
from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.measure.arrivals import ledger, target_count
from verdicts.measure.arrivals.target_count import COUNTER, Count
from verdicts.run.reading import Run, load

CALM = Spec(duration=4.0, accounts=10, extra=5, chances={})  # 205 calls


def count(run: Run) -> Count | None:
    return target_count.of(run, ledger.of(run))


def told(run: Run) -> str:
    return target_count.disagreement(run, ledger.of(run))


def counted(run_dir: Path, said: int, instead: int) -> Run:
    """The run with another last count of answers with a status of 200."""
    log, key = run_dir / "target.jsonl", '"200\\"}'
    log.write_text(log.read_text().replace(f'{key}": {said}.0', f'{key}": {instead}.0'))
    return load(run_dir)


def scraped(run_dir: Path, change: Callable[[dict[str, Any]], None]) -> Run:
    """The run with other scrapes."""
    log = run_dir / "target.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        change(line)
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return load(run_dir)


def test_the_edge_counts_where_there_is_one_else_the_target_itself(tmp_path: Path) -> None:
    bundled = load(write(tmp_path / "bundled", CALM))
    own = load(write(tmp_path / "own", replace(CALM, bundled=False)))
    assert [count(run) for run in (bundled, own)] == [
        Count("edge", 205, 205, 205),
        Count("target-0", 205, 205, 205),
    ]


def test_a_target_without_the_counter_is_not_asked(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", replace(CALM, probes=False)))
    assert (count(run), told(run)) == (None, "")


def test_other_methods_and_other_paths_are_not_our_calls(tmp_path: Path) -> None:
    def guests(line: dict[str, Any]) -> None:
        for labels in ('method="GET",path="/v1/mcp"', 'method="POST",path="/health"'):
            line["values"][f"{COUNTER}{{{labels}}}"] = 10.0 + line["t"]

    run = scraped(write(tmp_path / "run", CALM), guests)
    assert count(run) == Count("edge", 205, 205, 205)


@pytest.mark.parametrize(
    ("method", "protocol", "posts"),
    [
        ("close session", "2025-11-25", 200),
        ("standing stream", "2025-11-25", 200),
        ("standing stream", "2026-07-28", 205),
    ],
)
def test_what_is_no_post_is_not_missed(tmp_path: Path, method: str, protocol: str, posts: int) -> None:
    def called(samples: Samples) -> Samples:
        samples["tool"][samples["flags"] & Flag.EXTRA != 0] = 1
        return samples

    run_dir = write(tmp_path / "run", replace(CALM, change=called, manifest={"tools": ["fast.echo", method]}))
    about = json.loads((run_dir / "run.json").read_text())
    about["scenario"]["groups"][0]["protocol"] = protocol
    (run_dir / "run.json").write_text(json.dumps(about))
    assert count(load(run_dir)) == Count("edge", 205, posts, posts)


def test_without_groups_in_the_manifest_every_call_is_one(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", CALM))
    bare = replace(run, manifest=structs.replace(run.manifest, scenario={}))
    assert count(bare) == Count("edge", 205, 205, 205)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (200, "edge counted 200 calls, the ledger says 201 to 205 (sent + extra)"),
        (201, ""),
        (205, ""),
        (206, "edge counted 206 calls, the ledger says 201 to 205 (sent + extra)"),
    ],
)
def test_calls_without_an_answer_may_or_may_not_be_counted(tmp_path: Path, said: int, says: str) -> None:
    def refuse(samples: Samples) -> Samples:
        fail(samples, (samples["index"] >= 0) & (samples["index"] < 4), "connect")
        return samples

    run_dir = write(tmp_path / "run", replace(CALM, change=refuse))
    assert told(counted(run_dir, 201, said)) == says


def test_only_the_bundled_stack_with_every_worker_to_its_end_has_to_agree(tmp_path: Path) -> None:
    says = "edge counted 190 calls, the ledger says 205 (sent + extra)"
    for name, spec, expected in (
        ("whole", CALM, says),
        ("lost", replace(CALM, lost=("local",)), ""),
        ("killed", replace(CALM, killed=True), ""),
        ("own", replace(CALM, bundled=False), ""),
    ):
        run = counted(write(tmp_path / name, spec), 205, 190)
        found = count(run)
        assert found is not None
        assert (found.counted, told(run)) == (190, expected)
