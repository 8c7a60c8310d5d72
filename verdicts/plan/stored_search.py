"""P0.3 from a stored breakpoint search: what a nano bears before and after each protection.

`make breakpoint` leaves `breakpoint.json` in a folder of its own under `results/`; the newest beside the
plan's folder answers, of the plan's scenario, target and `STACK=` alone. A single run cannot: it shows one
load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from verdicts.breakpoint import table
from verdicts.breakpoint.table import BreakpointRow
from verdicts.run import real_parts
from verdicts.run.run import BUNDLED, TARGET

QUESTION: Final = "P0.3"
SCENARIO: Final = "slow-api-breakpoint"
OF_THE_STACK: Final = "bundled"  # the target's name
UNIT: Final = "req/s of slow calls borne without protection"


def asked_of(id: str) -> bool:
    """Whether only a search answers this question."""
    return id == QUESTION


@dataclass(frozen=True)
class StoredSearch:
    """The rows of a search, the folder that holds them, and whose figures they are."""

    folder: Path
    rows: tuple[BreakpointRow, ...]
    basis: str
    subject: str

    def figures(self) -> dict[str, float]:
        """`borne_<protections>`: req/s of attackers, the most at which innocent users were served."""
        return {
            f"borne_{row.protect}".replace("-", "_"): row.lower for row in self.rows if row.lower is not None
        }

    def result(self, id: str) -> Mapping[str, Any]:
        """The search as a finding of verdicts.json."""
        base = next((row for row in self.rows if row.protect == table.BASE), None)
        known = base is not None and base.answered
        return {
            "id": f"{id}.breakpoint",
            "value": base.answer if base is not None and known else None,
            "unit": UNIT if known else "",
            "basis": self.basis,
            "subject": self.subject,
            "threshold": "",
            "status": "info",
            "evidence": f"{self.folder.name}: {'; '.join(map(_said, self.rows))}.",
            "figures": self.figures(),
        }


def _said(row: BreakpointRow) -> str:
    limit = f" ({row.limit} comes first)" if row.limit else ""
    return f"{row.protect} {row.answer}{limit}"


def newest(results: Path, attacked: Mapping[str, Any]) -> StoredSearch | None:
    """The newest search of the plan's scenario at the same `target` and `stack` in a folder of results.

    None without one that can be read.
    """
    target, stack = (attacked.get(key, "") for key in ("target", "stack"))
    wanted = (SCENARIO, target, stack)
    files = sorted(results.glob(f"*/{table.FILE}"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files:
        try:
            found, rows = table.read(file.parent)
        except (OSError, ValueError):
            continue
        asked = (found.get("scenario"), found.get("target"), found.get("stack", ""))
        if asked == wanted and any(row.answered for row in rows):
            return StoredSearch(file.parent, tuple(rows), *_whose(target, stack))
    return None


def _whose(target: str, stack: str) -> tuple[str, str]:
    """(basis, subject): the nano of the fakes is a model."""
    if target != OF_THE_STACK:
        return "measured", TARGET
    basis = "measured" if real_parts.is_told(stack) else "modelled"
    return basis, real_parts.REAL if stack == "real" else BUNDLED
