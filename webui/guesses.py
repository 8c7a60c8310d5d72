"""Wrong passwords, of all clients together: one at a time, and each is answered later than the one before.

There is one slot for the whole process. Who comes while a wrong password waits for its answer is refused at
once and learns nothing, so that many connections guess no faster than one: after n wrong passwords in a row
the next attempt is possible `wait(n)` seconds later. The right one sets n back to 0.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

FIRST_WAIT: Final = 1.0  # seconds
LONGEST_WAIT: Final = 60.0


class Guess(Enum):
    """What an attempt came to."""

    RIGHT = auto()
    WRONG = auto()
    NOT_NOW = auto()  # another one is under way: this one was not looked at


def wait(wrong: int) -> float:
    """Seconds until the n-th wrong password in a row is answered: doubled each time, up to a minute."""
    return float(min(FIRST_WAIT * 2.0 ** min(wrong - 1, 60), LONGEST_WAIT))


class Guesses:
    """The slot. `sleep` gives way to other greenlets."""

    def __init__(self, password: str, sleep: Callable[[float], None]) -> None:
        self._password, self._sleep = password.encode(), sleep
        self._wrong = 0
        self._taken = False

    def attempt(self, given: str) -> Guess:
        """Look at a password, or refuse to; a wrong one takes its time."""
        if self._taken:
            return Guess.NOT_NOW
        if hmac.compare_digest(given.encode(errors="replace"), self._password):
            self._wrong = 0
            return Guess.RIGHT
        self._wrong += 1
        self._taken = True
        try:
            self._sleep(wait(self._wrong))
        finally:
            self._taken = False
        return Guess.WRONG
