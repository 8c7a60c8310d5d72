"""Kill −9 at seeded instants: a report can be made of every run that began, and its ledger balances.

    python -m bench.kills [--instants 20] [--seed 1] [--only engine,worker] [--folder DIR]

Whom it kills: the engine (a single process), a worker and the master (of two workers), Postgres, an origin,
the exporter (with an InfluxDB that is not there). Each run is a short one on the bundled stack, killed once,
at any instant from the moment that `run.json` is there (before, no run began, and there is nothing to report)
to after its end. Prints a line a run and a table; exit code 1 where a report was missing, a ledger did not
balance, or something of a run was left over.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from common.paths import ROOT

ATTACK: Final = ("burst", "--duration=3s", "--accounts=20", "--rate=4")
LONGEST: Final = 8.0  # seconds from `run.json` until after the end of such a run: lead, load, verdict
STARTS_WITHIN: Final = 120.0
ENDS_WITHIN: Final = 90.0
GONE_WITHIN: Final = 30.0
KINDS: Final = {
    "engine": "locustfile.py",
    "worker": "--worker",
    "master": "--master",
    "postgres": "postgres",
    "origin": "origin-a ",
    "exporter": "telemetry.exporter",
}
NO_INFLUX: Final = {
    "INFLUXDB_V2_URL": "http://127.0.0.1:9",
    "INFLUXDB_V2_TOKEN": "none",
    "INFLUXDB_V2_ORG": "none",
    "INFLUXDB_V2_BUCKET": "none",
}


@dataclass(frozen=True)
class Killed:
    """What one killed run left. `wrong`: "" where it is as it should be."""

    kind: str
    at: float
    met: bool  # there was somebody to kill
    began: bool
    verdict: str
    wrong: str


def kill_one(kind: str, at: float, folder: Path) -> Killed:
    """Start a run into `folder`, kill one of its processes `at` seconds after it began, make its report."""
    workers = ["--workers=2"] if kind in ("worker", "master") else []
    environment = {**os.environ, **(NO_INFLUX if kind == "exporter" else {})}
    environment.pop("LOCUST_SKIP_MONKEY_PATCH", None)
    with folder.with_suffix(".console").open("wb") as console:
        run = subprocess.Popen(
            [str(ROOT / "bin" / "attack"), *ATTACK, *workers, f"--out={folder}"], cwd=ROOT, env=environment,
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
        )  # fmt: skip
    family = {run.pid: psutil.Process(run.pid)}
    until = time.monotonic() + STARTS_WITHIN
    while not (folder / "run.json").exists() and run.poll() is None and time.monotonic() < until:
        family |= _below(family)
        time.sleep(0.05)
    until = time.monotonic() + at
    while (left := until - time.monotonic()) > 0:
        family |= _below(family)
        time.sleep(min(left, 0.1))
    family |= _below(family)
    victim = next(iter(_called(family, kind)), None)
    if victim is not None:
        with contextlib.suppress(psutil.Error):
            victim.kill()
    wrong = _ended(run, family)
    if not (folder / "run.json").exists():
        return Killed(kind, at, victim is not None, False, "", wrong)
    verdict, unbalanced = _reported(folder)
    return Killed(kind, at, victim is not None, True, verdict, wrong or unbalanced)


def _below(family: dict[int, psutil.Process]) -> dict[int, psutil.Process]:
    """Children of the family, and theirs, by one look at all processes, which takes no time."""
    every = {one.pid: one for one in psutil.process_iter(["ppid"])}
    found: dict[int, psutil.Process] = {}
    newest = {pid for pid, one in family.items() if one.is_running()}
    while newest:
        newest = {pid for pid, one in every.items() if one.info["ppid"] in newest and pid not in found}
        found |= {pid: every[pid] for pid in newest}
    return found


def _called(family: dict[int, psutil.Process], kind: str) -> Iterator[psutil.Process]:
    for process in family.values():
        with contextlib.suppress(psutil.Error):
            words = " ".join((process.name(), *process.cmdline()))
            own = kind != "postgres" or process.name() == "postgres"
            if KINDS[kind] in words and own and process.is_running():
                yield process


def _ended(run: subprocess.Popen[bytes], family: dict[int, psutil.Process]) -> str:
    try:
        run.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        run.kill()
        run.wait()
        return f"the run did not end within {ENDS_WITHIN:g} s"
    _, alive = psutil.wait_procs([one for pid, one in family.items() if pid != run.pid], GONE_WITHIN)
    names = []
    for process in alive:
        with contextlib.suppress(psutil.Error):
            names.append(" ".join(process.cmdline())[:80])
            process.kill()
    return f"left over: {'; '.join(names)}" if names else ""


def _reported(folder: Path) -> tuple[str, str]:
    """(its verdict, what is wrong with its report)."""
    command = [str(ROOT / "bin" / "resilience"), "report", str(folder)]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in (0, 1, 3) or "Traceback" in done.stderr:
        return "", f"no report, exit code {done.returncode}: {done.stderr[-300:]}"
    told = json.loads((folder / "verdicts.json").read_text())
    return told["verdict"], unbalanced(told["arrivals"])


def unbalanced(arrivals: dict[str, Any]) -> str:
    """What of the two equations does not hold; "" where both do."""
    planned, sent = arrivals["planned"], arrivals["sent"]
    rest = sent + arrivals["dropped"] + arrivals["unknown"]
    ends = arrivals["ok"] + arrivals["failed"] + arrivals["aborted"]
    holds = planned == rest and sent == ends and min(arrivals["unknown"], planned) >= 0
    return "" if holds else f"the ledger does not balance: {arrivals}"


def instants(seed: int, kind: str, count: int) -> list[float]:
    """When to kill, in seconds from its begin: one in each of `count` equal parts of a run's life."""
    chance = random.Random(f"{seed} {kind}")
    return [LONGEST * (number + chance.random()) / count for number in range(count)]


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.kills")
    parser.add_argument("--instants", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default=",".join(KINDS))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    place = options.folder or Path(tempfile.mkdtemp(prefix="resilience-kills-"))
    place.mkdir(parents=True, exist_ok=True)
    found = []
    for kind in options.only.split(","):
        for number, at in enumerate(instants(options.seed, kind, options.instants), 1):
            one = kill_one(kind, at, place / f"{kind}-{number:02d}")
            found.append(one)
            what = one.verdict if one.began else "no run began"
            print(
                f"{kind} at {at:5.2f} s: {what}{'' if one.met else ', nobody to kill'} {one.wrong}",
                flush=True,
            )
    print("\n| killed | runs | met | began | verdicts | wrong |\n| --- | --- | --- | --- | --- | --- |")
    for kind in dict.fromkeys(one.kind for one in found):
        mine = [one for one in found if one.kind == kind]
        verdicts = Counter(one.verdict for one in mine if one.began)
        told = ", ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common())
        met, began, wrong = (
            sum(map(bool, (getattr(one, k) for one in mine))) for k in ("met", "began", "wrong")
        )
        print(f"| {kind} | {len(mine)} | {met} | {began} | {told} | {wrong} |")
    return int(any(one.wrong for one in found))


if __name__ == "__main__":
    sys.exit(main())
