"""Suites, plans, comparisons and searches in the results folder, and the pages of results."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scenarios.options import SEVERAL
from webui.series.process import read

MOST: Final = 30
REPORT: Final = "report.html"
HISTORY: Final = "history.html"
PAGES: Final = {f"{command}.html": command for command in SEVERAL}
PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,+=-]{0,199}")
DEEPEST: Final = 5  # parts of a page's path below the results


@dataclass(frozen=True)
class PastSeries:
    """One of them; `took_s` is the time of its runs, None where it was not kept."""

    folder: str
    page: str
    command: str
    title: str = ""
    started: float | None = None
    runs: int | None = None
    took_s: float | None = None
    exit_code: int | None = None


def listed(results: Path) -> list[PastSeries]:
    """The newest first."""
    if not results.is_dir():
        return []
    found = [
        (file.stat().st_mtime, folder, page)
        for folder in results.iterdir()
        if PART.fullmatch(folder.name) and not folder.is_symlink()
        for page in PAGES
        if (file := folder / page).is_file()
    ]
    return [_past(folder, page) for _, folder, page in sorted(found, reverse=True)[:MOST]]


def _past(folder: Path, page: str) -> PastSeries:
    told = read(folder)
    if told is None:
        return PastSeries(folder.name, page, PAGES[page])
    over = [step for step in told.steps if step.took_s is not None]
    return PastSeries(
        folder.name, page, told.command, told.title, told.started, len(over),
        sum(step.took_s or 0.0 for step in over), told.exit_code,
    )  # fmt: skip


def page(results: Path, path: str) -> Path | None:
    """A report or a series' page at that path below `results`; None if there is none, or it is elsewhere."""
    parts = path.split("/")
    if not 2 <= len(parts) <= DEEPEST or not all(PART.fullmatch(part) for part in parts):
        return None
    if parts[-1] not in (*PAGES, REPORT, HISTORY):
        return None
    root = results.resolve()
    found = root.joinpath(*parts).resolve()
    return found if found.is_file() and root in found.parents else None
