"""What is certain of a limiter beside its promise."""

from __future__ import annotations

from typing import NamedTuple


class Held(NamedTuple):
    """Of fixed windows, those over and under the promise; of others, calls admitted beyond it, refused below.

    `ahead`: seconds by which its clock is before ours, with `told` in words; `doubt`: why nothing is certain.
    """

    over: int
    under: int
    ahead: float = 0.0
    told: str = ""
    doubt: str = ""

    @property
    def wrong(self) -> int:
        """How often it was found wanting."""
        return self.over + self.under

    def __add__(self, other: object) -> Held:
        assert isinstance(other, Held)
        return self._replace(over=self.over + other.over, under=self.under + other.under)
