"""The highest memory of a version 2 cgroup since the last reset, as far as the kernel tells it.

`memory.peak` is of the cgroup's whole life. From Linux 6.12 on a write to it starts it anew for the file that
was written to, as long as that stays open. Elsewhere it counts once it is above what it was at the reset;
until then the highest of what was seen in use does.
"""

from __future__ import annotations

from contextlib import suppress
from io import FileIO
from pathlib import Path


class MemoryPeak:
    """Of one cgroup."""

    def __init__(self) -> None:
        self._own: FileIO | None = None  # the file that was started anew
        self._stale = self._seen = 0.0

    def read(self, folder: Path, used: float) -> float:
        """Bytes; `used`: bytes in use now. Raises OSError and ValueError."""
        self._seen = max(self._seen, used)
        peak = self._kernels(folder)
        return peak if peak > self._stale else self._seen

    def forget(self, folder: Path) -> None:
        """Start anew."""
        self._seen = self._stale = 0.0
        try:
            file = self._own or FileIO(folder / "memory.peak", "r+")
            file.write(b"reset\n")
            self._own = file
        except OSError:
            with suppress(OSError, ValueError):
                self._stale = self._kernels(folder)

    def _kernels(self, folder: Path) -> float:
        if self._own is not None:
            self._own.seek(0)
            return float(self._own.read())
        peak = folder / "memory.peak"
        return float(peak.read_text()) if peak.exists() else 0.0
