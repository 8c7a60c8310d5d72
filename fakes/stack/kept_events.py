"""What processes noted before a command of ours ended them: with a process its events go.

Kept until the next reset. One that does not answer within `ANSWER` keeps no kill waiting, and is not heard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, Protocol

from fakes.http.hop import HopError

ANSWER: Final = 0.3  # seconds


class _Peer(Protocol):
    """Who is asked (`fakes.stack.control_plane.ProcessClient`)."""

    async def ask(
        self, command: str, body: Mapping[str, Any] | None = None, timeout_s: float = ANSWER
    ) -> dict[str, Any]:
        """Its state, for the command `state`. Raises HopError."""
        ...


class KeptEvents:
    """By process: {"t", "kind", "name", "detail"}, in the order in which they were told."""

    def __init__(self, peers: Mapping[str, _Peer]) -> None:
        self._peers = peers
        self.of: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    async def keep(self, *names: str) -> None:
        """Ask these for theirs; to be called before they are ended."""
        for name in names:
            if name not in self._peers:
                continue
            try:
                said = await self._peers[name].ask("state", timeout_s=ANSWER)
            except HopError:
                continue
            self.of[name].extend(said.get("events", ()))

    def forget(self) -> None:
        """A new run begins."""
        self.of.clear()
