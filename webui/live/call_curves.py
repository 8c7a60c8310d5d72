"""What became of the calls, bin by bin, from samples that are still being added.

Response times are of calls that succeeded, by the bin in which they ended; failures likewise; start delays
by the bin in which the call was due. Extra calls and arrivals that were never sent are no part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.requests import counted
from telemetry.recording.sample import REASONS, SAMPLE, Outcome
from telemetry.recording.tail import SampleTail
from webui.live.spread import Spread

PIECE: Final = 10_000 * SAMPLE.itemsize  # bytes between two turns of everybody else: some 3 ms
MS: Final = 1000.0


class CallCurves:
    """All workers of a run folder."""

    def __init__(self, run_dir: Path, width: float, give_way: Callable[[], object]) -> None:
        """`width` of a bin in seconds; `give_way` lets others have their turn."""
        self.response, self.delay = Spread(), Spread()
        self.failures: dict[str, Counter[int]] = {}
        self._dir = run_dir
        self._width = width
        self._give_way = give_way
        self._tails: dict[Path, SampleTail] = {}

    def read(self) -> None:
        """Take in the samples that are new."""
        for path in self._dir.glob("samples-*.bin"):
            tail = self._tails.setdefault(path, SampleTail(path, PIECE))
            while (samples := tail.read()).size:
                self._add(counted(samples))
                self._give_way()

    def _add(self, sent: NDArray[Any]) -> None:
        ok = sent[sent["outcome"] == Outcome.OK]
        failed = sent[sent["outcome"] == Outcome.FAILED]
        self.delay.add(self._bins(sent["planned"]), (sent["sent"] - sent["planned"]) * MS)
        self.response.add(self._bins(ok["done"]), (ok["done"] - ok["planned"]) * MS)
        for reason in np.flatnonzero(np.bincount(failed["reason"])):
            bins = np.bincount(self._bins(failed["done"][failed["reason"] == reason]))
            counts = self.failures.setdefault(REASONS[reason], Counter())
            counts.update({int(number): int(bins[number]) for number in np.flatnonzero(bins)})

    def _bins(self, t: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.maximum(t / self._width, 0).astype(np.int64)
