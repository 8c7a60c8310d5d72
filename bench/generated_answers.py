"""`python -m bench.generated_answers [--calls 20000] [--rate 400] [--seed 1]`: answers of a seeded generator.

Two runs at the same rate against the same server: good answers alone, the control, a quarter as long; then
generated ones: valid, broken, endless. Prints the figures that the project promises, each with its bound, and
ends with 1 if one does not hold. The server is Python and takes about a millisecond of CPU a call.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.recorder.attack import Plan, Run, attack
from tests.support.recorder.handle import nasty
from tests.support.recorder.tally import check_tally

ACCOUNTS: Final = 40
TIMEOUT: Final = 4.0
APART: Final = 3.0  # ms that the start delays' p99 may lie above the control's
Figure = tuple[str, str, str, bool]
"""(what, its value, its bound, whether it holds)"""


def played(plan: Plan) -> tuple[Run, Any, str]:
    """A run, what the server counted, and what the run said."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, nasty() as server:
        with attack(plan, server.base_url, Path(folder), end_within=plan.seconds + 120) as running:
            run = running.wait()
        said = run.log + running.console
        _ = run.verdicts, run.samples, run.ledger  # while the folder is there
        return run, server.stats(), said


def figures(control: Run, run: Run, told: Any, said: str) -> Iterator[Figure]:
    """Every figure of the two."""
    try:
        kinds, tally = dict(check_tally(run, told)), ""
    except AssertionError as error:
        kinds, tally = {}, str(error).splitlines()[0] if str(error) else "no"
    a, counted = run.arrivals, sum(told["received"].values())
    total = a["sent"] + a["extra"]
    yield "server's count", f"{counted:,}", f"sent + extra = {total:,}", counted == total
    yield "ledger and outcomes", tally or "agree", "agree", not tally
    yield "kinds", ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items())), "", True
    yield "outcomes", ", ".join(f"{n:,} {name}" for name, n in run.outcomes().most_common()), "", True
    yield "tracebacks", str(said.count("Traceback")), "0", "Traceback" not in said
    yield "dropped", str(a["dropped"]), "0", not a["dropped"]
    p99, usual = a["start_delay_ms"]["p99"], control.arrivals["start_delay_ms"]["p99"]
    yield "start delay p99 ms", f"{p99:.2f}", f"{usual:.2f} (control) + {APART:g}", p99 <= usual + APART
    for name, one in (("control", control), ("generated", run)):
        delay = one.arrivals["start_delay_ms"]
        yield (
            f"start delay ms, {name}",
            f"{delay['p50']:.2f} / {delay['p99']:.2f} / {delay['max']:.1f}",
            "",
            True,
        )
        last = one.ledger[-1]
        spent = (
            f"{last['cpu_s'] / one.arrivals['sent'] * 1000:.3f} CPU s per 1,000, {last['stall_s']} s stall"
        )
        yield f"loading process, {name}", spent, "", True


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.generated_answers", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=400.0, help="calls a second")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    each, seconds = options.rate / ACCOUNTS, options.calls / options.rate
    control, _, _ = played(Plan(ACCOUNTS, each, seconds / 4, TIMEOUT, path="/good"))
    generated = Plan(ACCOUNTS, each, seconds, TIMEOUT, path=f"/generated-{options.seed}")
    rows = list(figures(control, *played(generated)))
    for what, value, bound, holds in rows:
        print(f"{'ok  ' if holds else 'FAIL'} {what:26} {value}   {bound and f'bound: {bound}'}")
    return 0 if all(row[-1] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
