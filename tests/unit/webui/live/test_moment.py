"""The figures of now, from the ends of files that grow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from telemetry.recording.sample import SAMPLE, Outcome
from webui.live import moment


def test_the_start_delay_is_of_the_last_calls(tmp_path: Path) -> None:
    samples = np.zeros(5, SAMPLE)
    samples["planned"] = np.arange(5)
    samples["sent"] = samples["planned"] + [0.001, 0.002, 0.003, 0.004, np.nan]
    samples["outcome"][4] = Outcome.DROPPED
    (tmp_path / "samples-local.bin").write_bytes(samples.tobytes() + b"torn")
    delay = moment.start_delay(tmp_path)
    assert delay["p50"] == pytest.approx(2.5)
    assert delay["max"] == pytest.approx(4.0)
    assert moment.start_delay(tmp_path / "nowhere") == {}


def test_a_huge_file_is_read_from_its_end(tmp_path: Path) -> None:
    samples = np.zeros(moment.LAST + 10, SAMPLE)
    samples["sent"][:10] = 9.0
    (tmp_path / "samples-local.bin").write_bytes(samples.tobytes())
    assert moment.start_delay(tmp_path)["max"] == 0.0
