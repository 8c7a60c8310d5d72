"""What an assistant may read as resources: the reports of stored runs, the pages of docs/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from cli.assistant import stored
from common.paths import RESULTS, ROOT
from telemetry.run_folder import verdict_file

DOCS: Final = ROOT / "docs"
PAGES: Final = ("*.md", "scenarios/*.md", "adr/*.md")
REPORT: Final = "report.html"


class Page(NamedTuple):
    """A page of docs/; `uri` names it, `title` is its first heading."""

    uri: str
    title: str
    file: Path


def pages(docs: Path = DOCS) -> Iterator[Page]:
    """All of them, README first."""
    readme = docs.parent / "README.md"
    for file in [readme, *(file for pattern in PAGES for file in sorted(docs.glob(pattern)))]:
        name = file.relative_to(docs if file != readme else docs.parent).as_posix()
        heading = file.read_text("utf-8").partition("\n")[0].lstrip("# ").strip()
        yield Page(f"resilience://docs/{name}", heading, file)


def report(run: str, results: Path = RESULTS) -> str:
    """A run's report.html. Raises ConfigError."""
    return (stored.folder(run, REPORT, results) / REPORT).read_text("utf-8")


def verdicts(run: str, results: Path = RESULTS) -> str:
    """A run's verdicts.json. Raises ConfigError."""
    return (stored.folder(run, results=results) / verdict_file.FILE).read_text("utf-8")
