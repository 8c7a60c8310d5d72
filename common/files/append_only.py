"""Files that grow by whole records: what is added is there as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


class AppendOnly:
    """Such a file, open from its beginning to `close`; nobody else writes to it."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._size = os.fstat(self._fd).st_size

    def add(self, records: bytes) -> None:
        """Append whole records at once. OSError where they do not fit: the file is as it was before.

        A full disk takes a part of them first, and says so at the next write.
        """
        view = memoryview(records)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(records)

    def close(self) -> None:
        """Close the file; safe to repeat."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
