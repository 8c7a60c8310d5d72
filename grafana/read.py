"""Reads the dashboard files back: panels and what they ask, for the tests and the pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

BOARDS: Final = Path(__file__).resolve().parent / "dashboards"
PROM_BOARDS: Final = BOARDS.parent / "prometheus" / "dashboards"


@dataclass(frozen=True)
class Asked:
    """One panel of one dashboard, as its file says."""

    board: str
    panel: dict[str, Any]

    @property
    def name(self) -> str:
        """Names it in a test's output."""
        return f"{self.board}: {self.panel['title']}"

    @property
    def queries(self) -> list[str]:
        """Its queries, variables and all."""
        return [target.get("query") or target["expr"] for target in self.panel["targets"]]


def boards(folder: Path = BOARDS) -> dict[str, dict[str, Any]]:
    """Every dashboard by its uid: those for InfluxDB, or `PROM_BOARDS`."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def panels(folder: Path = BOARDS) -> Iterator[Asked]:
    """Every panel that asks something."""
    for uid, board in boards(folder).items():
        for panel in board["panels"]:
            if panel["type"] != "row":
                yield Asked(uid, panel)
