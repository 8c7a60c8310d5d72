"""What each address of a target got, where it has several: accounts take them in turn."""

from __future__ import annotations

from collections.abc import Sequence

from telemetry.recording.sample import Outcome
from users.transport.call import Call
from users.transport.endpoint import Endpoint

COUNTED = {Outcome.OK: "ok", Outcome.FAILED: "failed", Outcome.ABORTED: "aborted"}


class AddressShares:
    """Counts calls, extra ones among them, by the address that their account calls."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._counts = [dict.fromkeys(("sent", *COUNTED.values()), 0) for _ in endpoints]
        self._names = [str(one.address[0]) for one in endpoints] if len(endpoints) > 1 else []

    @property
    def several(self) -> bool:
        """There is something to tell apart."""
        return bool(self._names)

    def over(self, call: Call) -> None:
        """A call ended."""
        if call.outcome in COUNTED:
            counts = self._counts[call.account % len(self._counts)]
            counts["sent"] += 1
            counts[COUNTED[call.outcome]] += 1

    def line(self) -> dict[str, dict[str, int]]:
        """As a line of the ledger has them; nothing for one address alone."""
        return {name: dict(counts) for name, counts in zip(self._names, self._counts, strict=False)}
