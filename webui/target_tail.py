"""What the target's own metrics said last: one row a source, from the end of `target.jsonl`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from telemetry.run_folder.lines import Scrape

TAIL: Final = 512 * 1024  # bytes; a scrape of every source is a small part of it
COLUMNS: Final = {
    "requests": ("mcpist_requests_total", "mcpist_upstream_requests_total"),
    "in_flight": ("mcpist_in_flight", "mcpist_upstream_in_flight"),
    "refused": ("mcpist_refused_total",),
    "memory_mb": ("mcpist_memory_bytes",),
    "goroutines": ("mcpist_goroutines",),
    "db_used": ('mcpist_db_connections{state="used"}', 'stack_db_connections{state="used"}'),
    "cpu_s": ("process_cpu_seconds_total",),
}
TITLES: Final = {
    "requests": "Requests",
    "in_flight": "In flight",
    "refused": "Refused",
    "memory_mb": "Memory MB (modelled)",
    "goroutines": "Goroutines (modelled)",
    "db_used": "DB connections",
    "cpu_s": "CPU s",
}
MEGABYTE: Final = 1e6


def rows(run_dir: Path) -> list[dict[str, Any]]:
    """`source`, `up`, `t` and every column, by source; None where a source has no such metric.

    A source that answers and has none of them is left out.
    """
    last: dict[str, Scrape] = {}
    for line in _lines(run_dir / "target.jsonl"):
        last[line.source] = line
    found = [_row(last[source]) for source in sorted(last)]
    return [row for row in found if not row["up"] or any(row[column] is not None for column in COLUMNS)]


def _row(line: Scrape) -> dict[str, Any]:
    found = {column: _sum(line.values, names) for column, names in COLUMNS.items()}
    memory = found["memory_mb"]
    found["memory_mb"] = None if memory is None else memory / MEGABYTE
    return {"source": line.source, "up": line.up, "t": line.t, **found}


def _sum(values: Mapping[str, float], names: tuple[str, ...]) -> float | None:
    """The sum of the series of the first name that there is; a name with labels is one series."""
    for name in names:
        found = [value for key, value in values.items() if key == name or key.partition("{")[0] == name]
        if found:
            return sum(found)
    return None


def _lines(file: Path) -> list[Scrape]:
    if not file.exists():
        return []
    with file.open("rb") as stream:
        before = max(file.stat().st_size - TAIL, 0)
        stream.seek(before)
        lines = stream.read(TAIL).split(b"\n")
    whole = lines[1 if before else 0 : -1]  # the first may be cut, the last is being written
    return [found for line in whole if (found := _scrape(line)) is not None]


def _scrape(line: bytes) -> Scrape | None:
    try:
        return msgspec.json.decode(line, type=Scrape)
    except msgspec.DecodeError:
        return None
