"""Memory of judging: a few bytes a sample, the masks, and no column of times."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Final

import pytest

from bench.judging import make
from verdicts.measure.calls import selection, series
from verdicts.output.files import derive
from verdicts.run import samples

MOST: Final = 17  # bytes a sample: of times alone a whole column would be 8, their difference 8 more
SIZES = (20_000, 220_000)


def peak(folder: Path) -> int:
    """Bytes that were held at once while a run was judged and its report written."""
    tracemalloc.start()
    derive(folder, quiet=True)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_memory_grows_by_masks_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "PIECE", 2048)
    for module in (selection, series):
        monkeypatch.setattr(module, "FIT", 10_000)
    small, large = (make(tmp_path / str(size), size) for size in SIZES)
    derive(small, quiet=True)  # what is made once: templates, modules
    grown = peak(large) - peak(small)
    assert grown / (SIZES[1] - SIZES[0]) < MOST
