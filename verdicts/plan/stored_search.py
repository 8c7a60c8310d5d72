"""P0.3 from a stored breakpoint search: what a nano bears before and after each protection.

`make breakpoint` leaves `breakpoint.json` in a folder of its own under `results/`. The newest beside the
plan's folder that knows what is borne without protection answers: of the plan's target, `STACK=` and `NANO=`,
and of the scenario as it is, in tier and duration. A single run cannot: it shows one load.
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
DURATION: Final = 35.0  # seconds: the scenario's own
OF_THE_STACK: Final = "bundled"  # the target's name
UNIT: Final = "req/s of slow calls borne without protection"


def asked_of(id: str) -> bool:
    """Whether only a search answers this question."""
    return id == QUESTION


@dataclass(frozen=True)
class StoredSearch:
    """The rows of a search, one of them `known` without protection; its folder, whose figures they are."""

    folder: Path
    rows: tuple[BreakpointRow, ...]
    basis: str
    subject: str

    def figures(self) -> dict[str, float]:
        """`borne_<protections>`: req/s of attackers, the most at which innocent users were served."""
        return {
            f"borne_{row.protect}".replace("-", "_"): row.borne for row in self.rows if row.borne is not None
        }

    def result(self, id: str) -> Mapping[str, Any]:
        """The search as a finding of verdicts.json."""
        base = next(row for row in self.rows if _known(row))
        return {
            "id": f"{id}.breakpoint",
            "value": base.answer,
            "unit": UNIT,
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


def _known(row: BreakpointRow) -> bool:
    return row.protect == table.BASE and row.answered


def newest(results: Path, attacked: Mapping[str, Any], nano: str = "") -> StoredSearch | None:
    """The newest search in a folder of results that answers a plan of the same `target`, `stack` and NANO=.

    None without one that can be read.
    """
    target, stack = (attacked.get(key, "") for key in ("target", "stack"))
    wanted = {
        "scenario": SCENARIO, "target": target, "stack": stack, "nano_kind": nano, "tier": "",
        "duration_s": DURATION,
    }  # fmt: skip
    files = sorted(results.glob(f"*/{table.FILE}"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files:
        try:
            found, rows = table.read(file.parent)
        except (OSError, ValueError):
            continue
        asked = {key: found.get(key) or "" for key in wanted}
        if asked == wanted and any(map(_known, rows)):
            return StoredSearch(file.parent, tuple(rows), *_whose(target, stack))
    return None


def _whose(target: str, stack: str) -> tuple[str, str]:
    """(basis, subject): the nano of the fakes is a model."""
    if target != OF_THE_STACK:
        return "measured", TARGET
    basis = "measured" if real_parts.is_told(stack) else "modelled"
    return basis, real_parts.REAL if stack == "real" else BUNDLED
