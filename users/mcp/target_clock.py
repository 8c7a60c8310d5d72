"""What the target's clock says, by the `Date` of its answers: bounds that every answer makes narrower.

`Date` is in whole seconds and was written between sending and the answer's end. So the target's clock was
at `Date` at least when the answer ended, and before `Date` + 1 when the request left; a server that writes
one text for a second or a little longer is allowed another. Bounds are those at `start`, in Unix seconds.
"""

from __future__ import annotations

import math
from typing import Final

from users.mcp.limit_headers import date
from users.transport.call import Call

RESOLUTION: Final = 2.0  # seconds from the time that a `Date` names to the latest at which it may be sent


class TargetClock:
    """Hears every answered call of a process; `start` in monotonic seconds."""

    def __init__(self) -> None:
        self.least, self.most = -math.inf, math.inf
        self._text: bytes | None = None
        self._date = math.nan

    def hear(self, call: Call, start: float) -> None:
        """Note what an answer's `Date` says."""
        text = call.headers.get(b"date")
        if text is None:
            return
        if text != self._text:  # one a second
            self._text, self._date = text, date(text)
        least, most = self._date - (call.done - start), self._date + RESOLUTION - (call.sent - start)
        if least > self.least or most < self.most:  # never of NaN, which stands for a text that is no date
            self.least, self.most = max(self.least, least), min(self.most, most)

    def line(self) -> dict[str, float]:
        """For a ledger's line; nothing where no answer had a date."""
        if math.isinf(self.least) or self.least > self.most:  # several clocks answer, or one that is none
            return {}
        return {"target_least": round(self.least, 3), "target_most": round(self.most, 3)}
