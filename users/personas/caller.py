"""`caller`: calls one of its group's tools at each arrival, whatever became of the call before.

The plainest open-model user: it opens no session of its own (its group's `protocol` may) and repeats nothing.
Tools are chosen by weight from the arrival's own draw, so the choice is the same on any worker.
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate

from users.mcp.operations import Operation
from users.personas.persona import AccountClient, NoOptions, persona

DRAWS = 2**32


def thresholds(operations: tuple[Operation, ...]) -> list[float]:
    """Upper ends of each operation's share of the draws 0..2^32−1; the last one is left open."""
    weights = [operation.weight for operation in operations]
    total = sum(weights)
    return [DRAWS * part / total for part in accumulate(weights)][:-1]


@persona("caller", NoOptions)
class Caller:
    """One call an arrival."""

    def __init__(self, client: AccountClient, operations: tuple[Operation, ...], options: NoOptions) -> None:
        self._client = client
        self._operations = operations
        self._ends = thresholds(operations)

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Call the tool that the draw names."""
        operation = self._operations[bisect(self._ends, draw)]
        self._client.call(operation.message, operation.code, index=index, planned=planned)
