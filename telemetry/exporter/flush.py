"""Sends what earlier runs could not: `python -m telemetry.exporter.flush [--results results] [--seconds 60]`.

First the runs whose exporter was killed are read again, whole: a point that had arrived counts once. They lie
in `results`, or below it: those of a suite, say. One that finds no room in the spool is read again next time.
Then every queue of each database that is switched on is sent, oldest first. Says in a line for each what was
sent and what is left.
A run whose files are of another shape is passed over, and named.
Exit codes: 0 nothing is left; 1 something is; 2 for bad variables; 3 for a failure of ours.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import exit_codes
from common.errors import ConfigError, failure, one_line
from common.files.atomic_write import write_whole
from common.paths import RESULTS, real
from telemetry.delivery.sender import deliver
from telemetry.delivery.sink import Sink, WriteResult
from telemetry.delivery.spool import BusyError, Spool, abandoned
from telemetry.exporter.exporter import COUNTS
from telemetry.exporter.process import DEPTH
from telemetry.exporter.sinks import check, opened
from telemetry.exporter.spool_settings import spool_root
from telemetry.points.export import Export
from telemetry.run_folder import manifest
from telemetry.run_folder.reading import RunFolderError, object_whole


def main(argv: list[str] | None = None) -> int:
    """Flush; give the exit code."""
    options = _options(argv)
    try:
        sinks = opened(os.environ)
        for warning in check(os.environ):
            print(f"telemetry: {warning}", file=sys.stderr)
        deadline = time.monotonic() + options.seconds
        left = [_flush(sink, options.results, deadline) for sink in sinks]
    except ConfigError as error:
        print(error, file=sys.stderr)
        return exit_codes.USAGE
    except Exception as error:  # ours: Python's own 1 would say that points are left
        print(failure(error), file=sys.stderr)
        return exit_codes.OURS
    return exit_codes.FAIL if any(left) else exit_codes.PASS


def _flush(sink: Sink, results: Path, deadline: float) -> int:
    """Send all that waits for this sink; how many points are left."""
    place = spool_root(os.environ) / sink.place
    read = list(_recover(results, sink, place))
    sent = _send(sink, place, deadline)
    sink.close()
    left = sum(_left(place))
    print(f"telemetry: {sink.name}: {sent} points sent, {left} left, {sum(read)} cut-off runs read again")
    return left + read.count(False)


def _recover(results: Path, sink: Sink, place: Path) -> Iterator[bool]:
    """Spool each run whose exporter did not end, and whose queue nobody holds; whether all of it had room."""
    found = (results.glob("*/" * depth + COUNTS) for depth in range(1, DEPTH + 1))
    for path in sorted({real(path) for paths in found for path in paths}):  # a link is no second one
        try:
            if (whole := _read_run(path, sink, place)) is not None:
                yield whole
        except (RunFolderError, LookupError, TypeError, AttributeError) as error:
            text = one_line(f"telemetry: {path.parent} cannot be read again: {type(error).__name__}: {error}")
            print(text, file=sys.stderr)


def _read_run(path: Path, sink: Sink, place: Path) -> bool | None:
    """Whether all of the run was spooled now; None where there was no need, or no way.

    Raises RunFolderError, or what a file of another shape does.
    """
    counts: Any = object_whole(path) or {}
    for one in [] if counts.get("finished") else counts.get("sinks", []):
        if one["place"] == sink.place and not one.get("read_again"):
            with contextlib.suppress(BusyError, OSError):
                if dropped := _read_again(path.parent, sink, place / Path(one["queue"]).name):
                    text = f"telemetry: {path.parent}: no room in the spool for {dropped} points of it"
                    print(one_line(text), file=sys.stderr)
                    return False
                one["read_again"] = True
                write_whole(path, json.dumps(counts, indent=1))
                return True
    return None


def _read_again(run_dir: Path, sink: Sink, queue: Path) -> int:
    """Spool a run; how many points found no room."""
    about = manifest.read(run_dir)
    spool = Spool(queue)
    for batch in sink.encode(Export(run_dir, about).finish()):
        spool.append(batch)
    spool.close()
    return spool.dropped


def _send(sink: Sink, place: Path, deadline: float) -> int:
    """Send until nothing waits, the time is over or the database says no; how many points it took."""
    sent, reply = 0, None
    for spool in abandoned(place):
        while time.monotonic() < deadline:
            reply, taken = deliver(sink, spool)
            sent += taken
            if reply is None or reply.answer is not WriteResult.TAKEN:
                break
        spool.close()
        if reply is not None and reply.answer is not WriteResult.TAKEN:
            break
    return sent


def _left(place: Path) -> Iterator[int]:
    for spool in abandoned(place):
        yield spool.points
        spool.close()


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m telemetry.exporter.flush")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--seconds", type=float, default=60.0)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
