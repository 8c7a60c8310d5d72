"""The summary at the terminal: verdict, ledger, points, where the report is.

A table in colour at a terminal, or with FORCE_COLOR set; plain lines in a file or a CI log.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from common import ending
from verdicts.explain import headline
from verdicts.judge.judge import Judgement
from verdicts.measure.arrivals import connections, own_limits
from verdicts.measure.arrivals.ledger import equation
from verdicts.measure.calls import failure_kinds
from verdicts.measure.target import fault_ledger
from verdicts.points.point import PointResult
from verdicts.run.facts import lost_workers

MAX_FAILURES: Final = 8  # kinds that are shown; verdicts.json has them all
MAX_TEXT: Final = 200  # characters
STYLES: Final = {
    "pass": "green",
    "fail": "bold red",
    "info": "dim",
    "invalid": "bold yellow",
    "inconclusive": "bold yellow",
}


def show(judged: Judgement, folder: Path, out: TextIO | None = None) -> None:
    """Print the summary."""
    out = out or sys.stdout
    if out.isatty() or os.environ.get("FORCE_COLOR"):
        _rich(judged, folder, out)
    else:
        out.write("\n".join(plain(judged, folder)) + "\n")


def plain(judged: Judgement, folder: Path) -> Iterator[str]:
    """The summary as lines of text."""
    if early := stopped(judged):
        yield early
    yield f"{judged.verdict.upper()}: {headline.sentence(judged)}"
    yield f"  ledger: {equation(judged.ledger.total)}"
    yield f"  start delay: {_delay(judged)}"
    if lost := lost_workers(judged.run):
        yield f"  workers lost: {', '.join(lost)}"
    if fast := _fast(judged):
        yield f"  time: {fast}"
    if judged.validity.starved:
        yield f"  cpu: {judged.validity.starved}"
    yield f"  first to break: {headline.broke_first(judged)}"
    for name, text in _told(judged):
        yield f"  {name}: {text}"
    for result in judged.points[1:]:
        bound = f" (allowed: {result.threshold})" if result.threshold else ""
        asked = f"  {result.status:7} {result.id} {result.question.text()}"
        yield f"{asked} {_answer(result)}{bound}, {result.basis}, {result.subject}"
    yield f"  report: {folder / 'report.html'}"


def stopped(judged: Judgement) -> str:
    """How far the run came, and who ended it; "" where it came to its end."""
    end = judged.run.end
    if end is None or end.completed:
        return ""
    after = -1.0 if end.stopped_at is None else end.stopped_at
    return ending.told(end.stop_reason, after, judged.run.duration)


def _rich(judged: Judgement, folder: Path, out: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=out, highlight=False)
    style = STYLES[judged.verdict]
    if early := stopped(judged):
        console.print(Text(early, "bold yellow"))
    console.print(
        Text.assemble((f" {judged.verdict.upper()} ", f"reverse {style}"), " ", headline.sentence(judged))
    )
    console.print(Text(f"ledger  {equation(judged.ledger.total)}", "dim"))
    console.print(Text(f"start delay  {_delay(judged)}", "dim"))
    if lost := lost_workers(judged.run):
        console.print(Text(f"workers lost  {', '.join(lost)}", "yellow"))
    if fast := _fast(judged):
        console.print(Text(f"time  {fast}", "yellow"))
    if judged.validity.starved:
        console.print(Text(f"cpu  {judged.validity.starved}", "yellow"))
    console.print(Text(f"first to break  {headline.broke_first(judged)}"))
    for name, text in _told(judged):
        console.print(Text(f"{name}  {text}", "yellow"))
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "point", "question", "answer", "allowed", "basis", "subject"):
        table.add_column(column, overflow="fold")
    for result in judged.points[1:]:
        asked = (result.id, result.question.text(), _answer(result))
        row = (*asked, result.threshold or "–", result.basis, result.subject)
        table.add_row(Text(result.status, STYLES[result.status]), *map(Text, row))
    console.print(table)
    console.print(Text(f"report  {folder / 'report.html'}"))


def _told(judged: Judgement) -> Iterator[tuple[str, str]]:
    """Faults, sessions, addresses, our own limits, and what failed calls were told."""
    faults = fault_ledger.of(judged.run).counts()
    if faults["planned"]:
        yield "faults", ", ".join(f"{name} {count}" for name, count in faults.items())
    if sessions := connections.sessions(judged.run):
        yield "sessions", ", ".join(f"{name} {count:,}" for name, count in sessions.items())
    for address, counts in connections.addresses(judged.run).items():
        yield "address", f"{address}: {', '.join(f'{name} {count:,}' for name, count in counts.items())}"
    for name, count in own_limits.of(judged.run).items():
        yield "own limit", f"{name}, {count:,} times: {own_limits.MEANING[name]}"
    for kind in failure_kinds.of(judged.run)[:MAX_FAILURES]:
        status = f"status {kind.status}" if kind.status else "no answer"
        text = f": {kind.text[:MAX_TEXT]}" if kind.text else ""
        yield "failed", f"{kind.calls:,} × {kind.reason}, {status}, first at {kind.first:.1f} s{text}"


def _answer(result: PointResult) -> str:
    """The value, or why there is none."""
    if result.value is not None or not result.evidence:
        return result.answer
    said = result.evidence.casefold().startswith(result.answer)
    return result.evidence if said else f"{result.answer}: {result.evidence}"


def _fast(judged: Judgement) -> str:
    """That time ran faster for the stack; "" where it did not."""
    scale = judged.run.manifest.time_scale
    return f"× {scale:g}, windows and intervals were scaled" if scale != 1 else ""


def _delay(judged: Judgement) -> str:
    return f"{judged.ledger.delay_told}; late {judged.ledger.total.late:,}"
