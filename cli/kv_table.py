"""The table of `kv-exhaustion`: every variant attacked in turn, one line each, as Markdown.

    bin/resilience kv-table                        # runs them all (about ten minutes), into results/kv-table/
    bin/resilience kv-table --only isolates memory # those whose names contain one of the words
    bin/resilience kv-table --read results/kv-table/*   # only the table, from runs that are there

A run is one of `bin/attack`, so its whole report is in its folder. Runs as `cli.launch.run_table` has them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cli.launch.parser import refusing
from cli.launch.run_table import RunTable
from common.paths import ROOT
from scenarios import load as scenarios

BASE: Final = "kv-exhaustion"
RESULTS: Final = ROOT / "results" / "kv-table"
HEAD: Final = (
    *("scenario", "offered req/s", "origin before", "origin after", "% served after", "% kv_error after"),
    *("order in a window after", "most per user and s: before", "after", "mean after", "books", "verdict"),
)


def variants(words: Sequence[str]) -> list[str]:
    """The scenario and its variants, those that contain one of the words (all, if there are none)."""
    known = [name for name in scenarios.names() if name.startswith(BASE)]
    return [name for name in known if not words or any(word in name for word in words)]


def scenario(name: str, out: Path) -> str:
    """The variant of that name; nothing is made in `out`."""
    return name


def line(folder: Path) -> list[str]:
    """A run's cells. Raises OSError or ValueError for a folder without verdicts."""
    found: dict[str, Any] = json.loads((folder / "verdicts.json").read_text())
    points = {point["id"]: point for point in found["points"]}
    loads = {row["quota"]: row for row in points["P1.2"].get("rows", ())}
    after = loads.get("after", loads.get("before", {}))
    counted = {row["quota"]: row for row in points["P1.4"].get("rows", ())}
    before, past = counted.get("before", counted.get("all", {})), counted.get("after", {})
    orders = [row["order in a window"] for row in points["P1.3"].get("rows", ()) if row["quota"] == "after"]
    cells = (
        *(found["scenario"], after.get("offered req/s"), loads.get("before", {}).get("origin req/s")),
        *(loads.get("after", {}).get("origin req/s"), _share(points, "ok"), _share(points, "kv_error")),
        *(f"`{orders[0]}`" if orders else None, before.get("max"), past.get("max")),
        *(past.get("admitted (mean)"), points.get("P1.1.books", {}).get("status"), found["verdict"]),
    )
    return ["–" if cell is None else str(cell) for cell in cells]


def _share(points: dict[str, Any], became: str) -> float | None:
    after = [row for row in points["P1.1"].get("rows", ()) if row["quota"] == "after"]
    return next((row["% of sent"] for row in after if row["became"] == became), 0.0 if after else None)


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; see above."""
    table = RunTable("kv-table", "The table of kv-exhaustion.", RESULTS, HEAD, variants, scenario, line)
    return table.main(arguments)
