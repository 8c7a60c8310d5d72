"""One line that says how a run is going: for a person at a terminal each second, for CI now and then."""

from __future__ import annotations

import sys
from typing import Any, Final, TextIO

CI_INTERVAL: Final = 5.0  # seconds between lines where there is no terminal


def total(lines: list[dict[str, Any]]) -> dict[str, float]:
    """The sum of the workers' last ledger lines."""
    keys = ("planned", "sent", "ok", "failed", "dropped", "late", "in_flight", "extra")
    return {key: sum(line.get(key, 0) for line in lines) for key in keys}


def describe(t: float, duration: float, sums: dict[str, float]) -> str:
    """`  12 s of 60 s  planned 6,000  sent 6,000  …` in plain words."""
    parts = [f"{max(t, 0):4.0f} s of {duration:.0f} s"]
    for key in ("planned", "sent", "in_flight", "ok", "failed", "late", "dropped"):
        parts.append(f"{key.replace('_', ' ')} {sums[key]:,.0f}")
    return "  ".join(parts)


class Progress:
    """Writes the line: over itself at a terminal, else every CI_INTERVAL seconds."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._last = float("-inf")

    def say(self, text: str) -> None:
        """A message of its own line."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def show(self, t: float, duration: float, lines: list[dict[str, Any]]) -> None:
        """The state at `t` seconds of the run."""
        if not self._live and t - self._last < CI_INTERVAL:
            return
        self._last = t
        text = describe(t, duration, total(lines))
        self._stream.write(f"\r\x1b[K{text}" if self._live else f"{text}\n")
        self._stream.flush()

    def end(self) -> None:
        """Leave the last line standing."""
        if self._live:
            self._stream.write("\n")
            self._stream.flush()
