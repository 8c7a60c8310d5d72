"""What another tool's file says of its run, whichever tool it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Starts = npt.NDArray[np.float64]
"""When each request, or iteration, left: seconds on the tool's own clock, ascending."""
NOBODY: Final[Starts] = np.empty(0)


@dataclass(frozen=True)
class OtherRun:
    """One file. Requests are counted as the tool counts them."""

    tool: str  # and which of its files
    sent: int  # requests
    unproved: int = 0  # of them, those that the file does not show an answer for
    started: int | None = None  # what its rate is a rate of, where that is not a request: k6's iterations
    dropped: int = 0  # of what the rate is of: never started, says the tool itself
    length_s: float | None = None  # from the first to the last that left
    starts: Starts | None = None
    closed: str = ""  # how the tool comes to send less than it was told

    @property
    def begun(self) -> int:
        """How many of what the rate is of were begun."""
        return self.sent if self.started is None else self.started

    @property
    def unit(self) -> str:
        """What the rate is of."""
        return "requests" if self.started is None else "iterations"
