"""What came to calls that had timed out, and what came that nobody had asked for: counts of one process.

Each late answer was judged (`users.mcp.isolation`): what was another's is foreign here as well. Its call is
a timeout in the samples, whatever came of it: these counts stand beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from telemetry.recording.sample import REASON_CODE
from users.mcp.isolation import Foreign
from users.mcp.nonce import Nonces
from users.transport.call import Call

FOREIGN = REASON_CODE["foreign_answer"]
WRONG = REASON_CODE["wrong_answer"]


@dataclass
class LateLine:
    """Cumulative. `checked`: answers that were held against their calls, of all that were `read`.

    `unasked`: marks of calls in what came on connections without a call; they are foreign, too.
    """

    read: int = 0
    checked: int = 0
    foreign: int = 0
    wrong: int = 0
    lost: int = 0
    unasked: int = 0


class LateCounts:
    """Implements `users.transport.late_answers.Late`."""

    def __init__(self, nonces: Nonces, found: Callable[[Call, Foreign], None]) -> None:
        """`found` is told of what came unasked; late foreign answers are told by who judged them."""
        self._counts = LateLine()
        self._nonces = nonces
        self._found = found

    def answered(self, call: Call) -> None:
        """See `Late`."""
        counts = self._counts
        counts.read += 1
        counts.checked += bool(call.nonce) or call.expect is not None
        counts.foreign += call.reason == FOREIGN
        counts.wrong += call.reason == WRONG

    def broken(self, call: Call) -> None:
        """See `Late`."""
        self._counts.lost += 1

    def unasked(self, pool: int, data: bytes) -> None:
        """See `Late`. It belongs to no call; `pool` is its account where accounts have their own."""
        for whose in self._nonces.others(data, b""):
            self._counts.unasked += 1
            self._found(Call(-1, 0.0, pool, 0, 0), Foreign("unasked", whose))

    def line(self) -> dict[str, int]:
        """As a line of the ledger has them."""
        return asdict(self._counts)
