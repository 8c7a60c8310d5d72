"""Several runs of `failover` side by side: the rate limit's error against the interval of the database sync.

    python -m verdicts.suite.sync_sweep RUN RUN… [--out sync-sweep.html]

prints a table and writes one page with a plot that needs no network. The error begins to fall at the longest
interval whose mean error is at least FALLS below that of the longest interval of all. An invalid run stands
in the table, and proves nothing: sentence and plot are of the others. Exit codes: 0, 2 for a folder that is
no run, has no split window, or gives no interval, 3 where no run counts or the page cannot be written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from common import exit_codes
from common.errors import failure
from common.files.atomic_write import write_whole
from verdicts.judge.judge import judge
from verdicts.measure.limits import limit_error
from verdicts.points.split_limit import sync_interval
from verdicts.run.reading import Run, RunFolderError, load
from verdicts.suite.sweep_page import page

FALLS: Final = 0.10  # of the limit
HEAD: Final = ("sync every s", "window s", "windows", "mean error %", "least %", "worst %", "faster", "load")


class SweepRow(NamedTuple):
    """One run; seconds as the scenario has them (uncompressed), errors as shares of the limit."""

    interval: float
    window: float
    windows: int
    mean: float
    least: float
    worst: float
    scale: float
    valid: bool

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, in the order of HEAD."""
        errors = (f"{100 * error:.1f}" for error in (self.mean, self.least, self.worst))
        counts = (f"{self.interval:g}", f"{self.window:g}", str(self.windows))
        return (*counts, *errors, f"{self.scale:g} x", "valid" if self.valid else "INVALID")


def row(run: Run) -> SweepRow:
    """The row of a run. Raises RunFolderError."""
    found = [window for window in limit_error.windows(run) if window.split]
    interval = sync_interval(run)
    if not found or interval is None:
        raise RunFolderError(f"{run.folder}: no window was split throughout, allowed: runs of failover")
    errors = [window.error for window in found]
    scale = float(run.manifest.time_scale)
    return SweepRow(
        interval, found[0].promise.width * scale, len(found), float(np.mean(errors)), min(errors),
        max(errors), scale, judge(run).validity.valid,
    )  # fmt: skip


def begins_to_fall(rows: Sequence[SweepRow]) -> float | None:
    """The valid run's interval, seconds; None where it never does. `rows` by interval, longest first."""
    sure = [one for one in rows if one.valid]
    return next((one.interval for one in sure if one.mean <= sure[0].mean - FALLS), None)


def sentence(rows: Sequence[SweepRow]) -> str:
    """What the table's valid runs show, in words."""
    longest = next((one for one in rows if one.valid), None)
    if longest is None:
        return "No run of these counts, so nothing is said of the error."
    falls = begins_to_fall(rows)
    begin = f"At a sync every {longest.interval:g} s the mean error is {100 * longest.mean:.1f} %"
    if falls is None:
        return f"{begin}; no interval of these brings it down by {100 * FALLS:g} points."
    return f"{begin}; it begins to fall at {falls:g} s (window {longest.window:g} s)."


def table(rows: Sequence[SweepRow]) -> str:
    """The rows as text, right-aligned."""
    lines = [HEAD, *(one.cells for one in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m verdicts.suite.sync_sweep", description=__doc__.split("\n")[0]
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="results/<run> of failover")
    parser.add_argument("--out", type=Path, default=Path("sync-sweep.html"), help="the page to write")
    options = parser.parse_args(argv)
    try:
        rows = sorted((row(load(folder)) for folder in options.runs), key=lambda one: -one.interval)
    except RunFolderError as error:
        print(error, file=sys.stderr)
        return exit_codes.USAGE
    print(table(rows), sentence(rows), sep="\n")
    lines = [(one.interval, one.mean, one.least, one.worst) for one in rows if one.valid]
    html = page(HEAD, [one.cells for one in rows], lines, rows[0].window, sentence(rows))
    try:
        write_whole(options.out, html)
    except OSError as error:
        print(failure(error), file=sys.stderr)
        return exit_codes.OURS
    return exit_codes.PASS if lines else exit_codes.OURS


if __name__ == "__main__":
    sys.exit(main())
