"""Reads on from where the last read ended, in files that another process appends to.

What is read is whole: a record or line of which only a part is there is left for the next time. A file
that does not exist yet has nothing new.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import SAMPLE

CHUNK: Final = 8 * 1024 * 1024  # the most that one read takes, so that memory stays bounded


class Tail:
    """The bytes of one file that have not been read; whole units, as `_whole` tells."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def _read(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(CHUNK)
        except FileNotFoundError:
            return b""
        data = data[: self._whole(data)]
        self._offset += len(data)
        return data

    def _whole(self, data: bytes) -> int:
        raise NotImplementedError


class SampleTail(Tail):
    """New records of a `samples-<worker>.bin`."""

    def _whole(self, data: bytes) -> int:
        return len(data) - len(data) % SAMPLE.itemsize

    def read(self) -> NDArray[np.void]:
        """The next records, at most `CHUNK` bytes of them; empty when there are none."""
        return np.frombuffer(self._read(), dtype=SAMPLE)


class LineTail(Tail):
    """New objects of a `.jsonl` file. A line that is no JSON object is passed over and counted."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.bad = 0

    def _whole(self, data: bytes) -> int:
        return data.rfind(b"\n") + 1

    def read(self) -> list[dict[str, Any]]:
        """The next objects; [] when there are none."""
        return [found for text in self._read().splitlines() if (found := self._object(text)) is not None]

    def _object(self, text: bytes) -> dict[str, Any] | None:
        try:
            return msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.DecodeError:
            self.bad += 1
            return None
