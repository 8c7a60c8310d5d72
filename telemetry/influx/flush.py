"""Sends what earlier runs could not: `python -m telemetry.influx.flush [--results results] [--seconds 60]`.

First the runs whose exporter was killed are read again, whole: a point that had arrived replaces itself.
Then every queue of this destination is sent, oldest first. Says in one line what was sent and what is left.
Exit codes: 0 nothing is left; 1 something is; 2 for bad variables.
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

from common import exit_codes
from common.errors import ConfigError
from common.files.atomic_write import write_whole
from common.paths import RESULTS
from telemetry.influx.client import Settings, Sink, WriteResult, check
from telemetry.influx.export import Export
from telemetry.influx.exporter import COUNTS, spool_root
from telemetry.influx.sender import deliver
from telemetry.influx.spool import BusyError, Spool, abandoned
from telemetry.run_folder import manifest


def main(argv: list[str] | None = None) -> int:
    """Flush; give the exit code."""
    options = _options(argv)
    try:
        settings = Settings.needed(os.environ)
        warning = check(os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return exit_codes.USAGE
    place = spool_root(os.environ) / settings.place
    recovered = list(_recover(options.results, settings, place))
    sent = 0 if warning else _send(Sink(settings), place, time.monotonic() + options.seconds)
    left = sum(_left(place))
    print(
        f"telemetry: {sent} points sent, {left} left, {len(recovered)} cut-off runs read again",
        *_because(warning),
    )
    return exit_codes.FAIL if left else exit_codes.PASS


def _because(warning: str | None) -> list[str]:
    return [f"({warning})"] if warning else []


def _recover(results: Path, settings: Settings, place: Path) -> Iterator[str]:
    """Spool the whole of each run whose exporter did not end, and whose queue nobody holds."""
    for path in sorted(results.glob(f"*/{COUNTS}")):
        counts = json.loads(path.read_text())
        ours = counts.get("url") == settings.url and counts.get("bucket") == settings.bucket
        if counts.get("finished") or not ours or path.parent.is_symlink():
            continue
        with contextlib.suppress(BusyError, OSError):
            spool = Spool(place / Path(counts["queue"]).name)
            spool.append(Export(path.parent, manifest.read(path.parent)).finish())
            spool.close()
            write_whole(path, json.dumps({**counts, "finished": True}, indent=1))
            yield path.parent.name


def _send(sink: Sink, place: Path, deadline: float) -> int:
    sent = 0
    for spool in abandoned(place):
        while time.monotonic() < deadline:
            reply, taken = deliver(sink, spool)
            sent += taken
            if reply is None or reply.answer is not WriteResult.TAKEN:
                break
        spool.close()
    sink.close()
    return sent


def _left(place: Path) -> Iterator[int]:
    for spool in abandoned(place):
        yield spool.points
        spool.close()


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m telemetry.influx.flush")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--seconds", type=float, default=60.0)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
