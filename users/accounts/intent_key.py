"""An intent's key: what an arrival and all its repeats say, so that its effects can be told and counted.

    rzintent-1f09ab77c2d1-12-340-z         run, account, arrival

It is of letters, digits and hyphens alone, as a nonce is; but a nonce is a call's own, and a key is the same
in every attempt. A call beyond the schedule has a key of its own, which names no arrival.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from telemetry.recording.sample import of_intent
from users.transport.call import Call

PREFIX: Final = "rzintent-"


class IntentKeys:
    """Makes those of one run, and reads them wherever they stand."""

    def __init__(self, run: str) -> None:
        """`run`: letters and digits that no other run has, its own with the same name among them."""
        self._begin = f"{PREFIX}{run}"
        self._key = re.compile(rf"{self._begin}-\d+-(\d+)-z")

    def of(self, call: Call) -> bytes:
        """The key of a call that has its request id."""
        index = call.index
        if index == -1:
            return f"{self._begin}-{call.account}-x{call.request_id}-z".encode()
        return f"{self._begin}-{call.account}-{index if index >= 0 else of_intent(index)}-z".encode()

    def count(self, text: str) -> Counter[int]:
        """Arrival → how often its key stands in a text."""
        return Counter(map(int, self._key.findall(text)))
