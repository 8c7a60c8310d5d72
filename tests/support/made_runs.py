"""Runs of a search for limits without a stack, on a clock of the test's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cli.tuning.budget import cost
from cli.tuning.wanted import Wanted
from verdicts.tuning.outcome import TuningRun
from verdicts.tuning.tuning_file import AsideRun


class MadeRuns:
    """Runs by `make`, as long as a budget counts them; `bad` attacks prove nothing; stopped after so many."""

    def __init__(
        self,
        make: Callable[[Wanted, int], TuningRun],
        clock: list[float],
        bad: Sequence[str] = (),
        stop_after: int = 10_000,
    ) -> None:
        self.aside: list[AsideRun] = []
        self.made: list[Wanted] = []
        self._make, self._clock, self._bad, self._stop_after = make, clock, bad, stop_after

    @property
    def stopped(self) -> bool:
        return len(self.made) >= self._stop_after

    def __call__(self, wanted: Wanted) -> TuningRun | None:
        self.made.append(wanted)
        self._clock[0] += cost(wanted.attack, wanted.length)
        if wanted.attack.name in self._bad:
            self.aside.append(AsideRun(folder=f"{wanted.attack.name}-t001", why="invalid: 5 % late"))
            return None
        return self._make(wanted, len(self.made))
