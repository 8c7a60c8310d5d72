"""`python -m bench.judging [--samples 500000 2000000 20000000]`: what it costs to judge a long run.

Makes the folder of a run with so many samples, by arithmetic and in pieces, and has a process of its own
judge it: every file that `make report` writes. Prints seconds, CPU seconds, the largest resident memory, in
which every page of the samples that it held at once is counted, and the size of the report.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from bench.processes import Finished, run
from common.paths import ROOT
from telemetry.recording.sample import REASON_CODE, SAMPLE, Outcome
from tests.support import synthetic_run
from tests.support.synthetic_run import Spec

SIZES: Final = (500_000, 2_000_000, 20_000_000)
ACCOUNTS: Final = 1000
EACH: Final = 5  # calls a second
PIECE: Final = 200_000
REFUSED: Final = 0.004
SLOWEST: Final = 600.0  # seconds


def make(folder: Path, count: int) -> Path:
    """A run of `burst` against a target of one's own, with `count` samples in one file."""
    duration = count / (ACCOUNTS * EACH)
    spec = Spec(duration=1.0, rate=EACH, accounts=ACCOUNTS, bundled=False, probes=False)
    synthetic_run.write(folder, spec)
    manifest = _json(folder / "run.json")
    manifest["duration_s"] = manifest["scenario"]["duration"] = duration
    (folder / "run.json").write_text(json.dumps(manifest))
    end = _json(folder / "end.json")
    (folder / "end.json").write_text(json.dumps({**end, "t_end": duration + 0.5}))
    with (folder / "samples-local.bin").open("wb") as file:
        failed = sum(_write(file, first, min(PIECE, count - first)) for first in range(0, count, PIECE))
    line = {"t": duration + 0.3, "planned": count, "sent": count, "done": count, "ok": count - failed}
    rest = {"failed": failed, "dropped": 0, "aborted": 0, "extra": 0, "late": 0, "in_flight": 0, "cpu_s": 1.0}
    (folder / "ledger-local.jsonl").write_text(json.dumps({**line, **rest}) + "\n")
    return folder


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _write(file: BinaryIO, first: int, count: int) -> int:
    """Write some samples in the order in which they ended; how many failed."""
    random, samples = np.random.default_rng(first), np.zeros(count, SAMPLE)
    samples["index"] = np.arange(first, first + count)
    samples["planned"] = samples["index"] / (ACCOUNTS * EACH)
    samples["account"] = samples["index"] % ACCOUNTS
    samples["sent"] = samples["planned"] + np.minimum(random.exponential(0.0008, count), 0.04)
    service = 0.025 * random.lognormal(0.0, 0.25, count)
    samples["done"], samples["upstream_s"] = samples["sent"] + service, service * 0.8
    samples["limit"] = samples["remaining"] = -1
    samples["reset"] = samples["retry_after"] = np.nan
    samples["status"], samples["instance"], samples["bytes"] = 200, 1, 180
    failed = random.random(count) < REFUSED
    samples["outcome"][failed], samples["status"][failed] = Outcome.FAILED, 429
    samples["reason"][failed] = REASON_CODE["burst_exceeded"]
    samples["upstream_s"][failed], samples["retry_after"][failed] = np.nan, 1.0
    file.write(samples[np.argsort(samples["done"], kind="stable")].tobytes())
    return int(failed.sum())


def judged(folder: Path) -> Finished:
    """Judge it in a process of its own."""
    return run([sys.executable, "-m", "verdicts", str(folder), "--quiet"], SLOWEST, ROOT)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.judging", description=__doc__)
    parser.add_argument("--samples", type=int, nargs="+", default=SIZES)
    parser.add_argument("--folder", type=Path, help="keep the runs here")
    options = parser.parse_args()
    print("|    samples |   wall s |    CPU s | memory MB | report.html MB | verdict |")
    print("|-----------:|---------:|---------:|----------:|---------------:|---------|")
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        for count in options.samples:
            folder = (options.folder or Path(made)) / f"run-{count}"
            if not (folder / "ledger-local.jsonl").exists():
                make(folder, count)
            began = time.monotonic()
            done = judged(folder)
            wall, page = time.monotonic() - began, (folder / "report.html").stat().st_size
            verdict = _json(folder / "verdicts.json")["verdict"]
            sizes = f"{done.memory / 1e6:9.0f} | {page / 1e6:14.2f}"
            print(f"| {count:10,} | {wall:8.1f} | {done.cpu_s:8.1f} | {sizes} | {verdict:7} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
