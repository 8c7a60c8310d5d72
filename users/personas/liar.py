"""`liar`: calls as `caller` does, but `Mcp-Name` says another name than the body, each time the next of some.

Option: `names`, how many false names it takes in turn (1 to 1,000, default 10). Only the modern era has the
header: in any other a liar has nothing to lie about, and says what `caller` says.
"""

from __future__ import annotations

from bisect import bisect
from itertools import cycle
from typing import Annotated

import msgspec
from msgspec import Meta

from users.mcp.dialect import misnamed
from users.mcp.operations import Operation
from users.personas.caller import thresholds
from users.personas.persona import AccountClient, persona


class LiarOptions(msgspec.Struct, frozen=True):
    """See above."""

    names: Annotated[int, Meta(ge=1, le=1000, description="1 to 1,000")] = 10


@persona("liar", LiarOptions)
class Liar:
    """One user whose headers say another tool."""

    def __init__(
        self, client: AccountClient, operations: tuple[Operation, ...], options: LiarOptions
    ) -> None:
        self._client = client
        self._operations = operations
        self._ends = thresholds(operations)
        names = [f"decoy-{number}" for number in range(options.names)]
        self._lies = [cycle([misnamed(tool.message, name) for name in names]) for tool in operations]

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Call the tool that the draw names, under the next false name."""
        place = bisect(self._ends, draw)
        code = self._operations[place].code
        self._client.call(next(self._lies[place]), code, index=index, planned=planned)
