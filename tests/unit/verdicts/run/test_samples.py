"""Columns of samples in pieces: the same values as of the arrays themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from telemetry.recording.sample import SAMPLE, Outcome
from verdicts.run import samples as stored
from verdicts.run.samples import Samples

COUNT = 1000


def made(seed: int, count: int = COUNT) -> NDArray[np.void]:
    random = np.random.default_rng(seed)
    records = np.zeros(count, SAMPLE)
    records["planned"] = np.sort(random.random(count) * 10)
    records["sent"] = records["planned"] + random.random(count) * 0.01
    records["done"] = records["sent"] + random.random(count)
    records["upstream_s"] = np.where(random.random(count) < 0.1, np.nan, 0.5)
    records["status"] = random.choice([200, 429, 500], count)
    records["outcome"] = random.choice(list(Outcome), count)
    return records


@pytest.fixture(params=["arrays", "files"])
def both(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Samples, NDArray[np.void]]:
    """Samples in two files, one of them with a torn tail, and all their records in one array."""
    monkeypatch.setattr(stored, "PIECE", 64)
    parts = [made(1), made(2, 70), np.empty(0, SAMPLE)]
    files = [tmp_path / str(number) for number in range(len(parts))]
    for file, part in zip(files, parts, strict=True):
        file.write_bytes(part.tobytes() + b"torn")
    return Samples(files if request.param == "files" else parts), np.concatenate(parts)


Both = tuple[Samples, NDArray[np.void]]


def test_arithmetic_comparisons_and_masks(both: Both) -> None:
    samples, whole = both
    assert len(samples) == len(whole)
    ok = samples["outcome"] == Outcome.OK
    assert ok.dtype == np.bool_
    assert (ok == (whole["outcome"] == Outcome.OK)).all()
    slow = ok & (samples["done"] - samples["sent"] > 0.5) & ~np.isnan(samples["upstream_s"])
    expected = (whole["outcome"] == Outcome.OK) & (whole["done"] - whole["sent"] > 0.5)
    expected &= ~np.isnan(whole["upstream_s"])
    assert (slow == expected).all()
    assert (samples[slow] == whole[expected]).all()
    took = samples["done"] - samples["planned"] - samples["upstream_s"]
    assert (took[slow] == (whole["done"] - whole["planned"] - whole["upstream_s"])[expected]).all()
    assert (np.floor(samples["planned"]) == 3).sum() == (np.floor(whole["planned"]) == 3).sum()
    assert (samples["status"].isin([429, 500]) == np.isin(whole["status"], [429, 500])).all()


def test_values_come_piece_by_piece(both: Both) -> None:
    samples, whole = both
    mask = whole["status"] == 429
    values = samples["outcome"].of(mask)
    pieces = list(values.pieces())
    assert max(map(len, pieces)) <= 64
    assert (np.concatenate(pieces) == whole["outcome"][mask]).all()
    found, counts = values.counts()
    expected = np.unique(whole["outcome"][mask], return_counts=True)
    assert (found.tolist(), counts.tolist()) == (expected[0].tolist(), expected[1].tolist())
    assert values.size == mask.sum()


def test_only_the_pieces_of_a_time_are_read(both: Both) -> None:
    samples, whole = both
    pieces = list(samples.between("planned", 2.0, 3.0))
    assert 0 < len(pieces) < 6
    held = np.concatenate([records["planned"] for _, records in pieces])
    within = (held >= 2.0) & (held < 3.0)
    assert within.sum() == ((whole["planned"] >= 2.0) & (whole["planned"] < 3.0)).sum()


def test_no_records_at_all() -> None:
    none = Samples(())
    assert len(none["planned"][none["outcome"] == Outcome.OK]) == 0
    assert none["status"].of(np.empty(0, np.bool_)).counts()[0].size == 0
