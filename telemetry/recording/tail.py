"""Reads on from where the last read ended, in files that another process appends to.

What is read is whole: a record or line of which only a part is there is left for the next time. A file
that does not exist yet has nothing new.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import SAMPLE

T = TypeVar("T")
CHUNK: Final = 8 * 1024 * 1024  # bytes of one read, unless told, so that memory stays bounded


class Tail:
    """The bytes of one file that have not been read; whole units, as `_whole` tells."""

    def __init__(self, path: Path, chunk: int = CHUNK) -> None:
        """`chunk`: bytes that one read takes at most, but for a unit that is larger by itself."""
        self.path = path
        self._offset = 0
        self._chunk = chunk

    def _read(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = more = file.read(self._chunk)
                while not self._whole(data) and len(more) == self._chunk:
                    more = file.read(self._chunk)
                    data += more
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
        """The next records, at most a chunk of them; empty when there are none."""
        return np.frombuffer(self._read(), dtype=SAMPLE)


class LineTail(Tail, Generic[T]):
    """New objects of a `.jsonl` file, as a `kind`. A line that is none is passed over and counted."""

    def __init__(self, path: Path, kind: type[T], chunk: int = CHUNK) -> None:
        super().__init__(path, chunk)
        self._decode = msgspec.json.Decoder(kind).decode
        self.bad = 0

    def _whole(self, data: bytes) -> int:
        return data.rfind(b"\n") + 1

    def read(self) -> list[T]:
        """The next objects; [] when there are none."""
        return [found for text in self._read().splitlines() if (found := self._object(text)) is not None]

    def _object(self, text: bytes) -> T | None:
        try:
            return self._decode(text)
        except msgspec.DecodeError:
            self.bad += 1
            return None
