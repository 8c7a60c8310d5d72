"""A line that says how a run is going and how long it will: over itself at a terminal, else now and then."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import Any, Final, TextIO

from common.ending import say

CI_INTERVAL: Final = 5.0  # seconds between lines where there is no terminal
CLEAR: Final = "\r\x1b[K"


def total(lines: list[dict[str, Any]]) -> dict[str, float]:
    """The sum of the workers' last ledger lines."""
    keys = ("planned", "sent", "ok", "failed", "dropped", "late", "in_flight", "extra")
    return {key: sum(line.get(key, 0) for line in lines) for key in keys}


def describe(t: float, duration: float, sums: dict[str, float]) -> str:
    """`  12 s of 60 s, 48 s left  planned 6,000  sent 6,000  …` in plain words."""
    left = f"{duration - t:.0f} s left" if t < duration else "the last answers"
    parts = [f"{min(max(t, 0), duration):4.0f} s of {duration:.0f} s, {left}"]
    for key in ("planned", "sent", "in_flight", "ok", "failed", "late", "dropped"):
        parts.append(f"{key.replace('_', ' ')} {sums[key]:,.0f}")
    return "  ".join(parts)


class Progress:
    """Writes the line: over itself at a terminal, else every CI_INTERVAL seconds.

    `unheard` is called once, when nobody reads any more.
    """

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self.unheard: Callable[[], None] = lambda: None
        self._stream = stream
        self._live = stream.isatty()
        self._last = float("-inf")

    def say(self, text: str) -> None:
        """A message of its own line; at a terminal in the place of the line that stands there."""
        self._write(f"{CLEAR if self._live else ''}{text}\n")

    def show(self, t: float, duration: float, lines: list[dict[str, Any]]) -> None:
        """The state at `t` seconds of the run."""
        if not self._live and t - self._last < CI_INTERVAL:
            return
        self._last = t
        text = describe(t, duration, total(lines))
        if self._live:  # what does not fit would stay behind on the next line
            text = f"{CLEAR}{text[: shutil.get_terminal_size().columns - 1]}"
        self._write(text if self._live else f"{text}\n")

    def end(self) -> None:
        """Leave the last line standing."""
        if self._live:
            self._write("\n")

    def _write(self, text: str) -> None:
        if not say(text, self._stream):
            self.unheard()
