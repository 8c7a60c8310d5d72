"""Files that grow by whole records: what is added is there as a whole or not at all."""

from __future__ import annotations

from pathlib import Path


class AppendOnly:
    """Such a file, open from its beginning to `close`; nobody else writes to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._size = self._file.tell()

    def add(self, records: bytes) -> None:
        """Append whole records at once. OSError where they do not fit: the file is as it was before.

        A full disk takes a part of them first, and says so at the next write.
        """
        view = memoryview(records)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError:
            self._file.truncate(self._size)
            raise
        self._size += len(records)

    def close(self) -> None:
        """Close the file; safe to repeat."""
        self._file.close()
