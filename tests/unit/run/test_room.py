"""Room on the disk is looked at before a run: an estimate from the schedule, and a line where it is short."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import pytest

from run.checks import room
from telemetry.recording.sample import SAMPLE

Usage = namedtuple("Usage", "total used free")


def test_every_arrival_has_room_for_its_record() -> None:
    one = room.bytes_of(1_000_000, 60.0, 1, 7) - room.bytes_of(0, 60.0, 1, 7)
    assert one >= 1_000_000 * SAMPLE.itemsize
    assert room.bytes_of(0, 60.0, 4, 7) > room.bytes_of(0, 60.0, 1, 7) > room.bytes_of(0, 60.0, 1, 0)


@pytest.mark.parametrize(("free", "warned"), [(12_000_000, False), (11_999_999, True), (0, True)])
def test_a_disk_that_is_too_small_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, warned: bool
) -> None:
    asked: list[Path] = []

    def usage(path: Path) -> Usage:
        asked.append(path)
        return Usage(1, 1, free)

    monkeypatch.setattr(room, "disk_usage", usage)
    line = room.warning(tmp_path / "new" / "run", 12_000_000)
    assert asked == [tmp_path]
    assert bool(line) == warned
    assert not warned or line.startswith("the run may write 12 MB, and ")
