"""What the recorder keeps of one request: one row of a numpy table.

Times are `time.monotonic()` of this machine, so they compare with a run's `start_monotonic`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

PENDING, ANSWERED, GONE = 0, 1, 2

# arrived: when the request's last byte was read. ended: answer written, or client found gone; NaN if neither.
# token, ip, method: places in the tables of `Recording`; an ip is the header's or, without one, the peer's.
# rpc_id: −1 if absent or no integer.
# in_flight: requests without an answer just after this one arrived, itself included.
ROW: Final = np.dtype(
    [
        ("arrived", "<f8"),
        ("ended", "<f8"),
        ("rpc_id", "<i8"),
        ("connection", "<u4"),
        ("token", "<u4"),
        ("ip", "<u4"),
        ("method", "<u2"),
        ("in_flight", "<u4"),
        ("end", "u1"),
    ]
)


@dataclass(frozen=True)
class Recording:
    """All rows in order of arrival, and the tables that their codes index."""

    rows: NDArray[np.void]
    tokens: list[str]  # the token's `sub` claim, or its SHA-256 when it has none
    ips: list[str]
    methods: list[str]

    def save(self, folder: Path) -> None:
        """Write `requests.npy` and `tables.json`."""
        np.save(folder / "requests.npy", self.rows)
        tables = {"tokens": self.tokens, "ips": self.ips, "methods": self.methods}
        (folder / "tables.json").write_text(json.dumps(tables))

    @classmethod
    def load(cls, folder: Path) -> Recording:
        """Read back what `save` wrote. FileNotFoundError if the recorder never ended."""
        tables = json.loads((folder / "tables.json").read_text())
        return cls(np.load(folder / "requests.npy"), **tables)

    def only(self, *methods: str) -> Recording:
        """The rows of these methods alone."""
        codes = [code for code, name in enumerate(self.methods) if name in methods]
        keep = np.isin(self.rows["method"], codes)
        return Recording(self.rows[keep], self.tokens, self.ips, self.methods)
