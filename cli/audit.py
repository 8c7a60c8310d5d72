"""`bin/resilience audit FILE…`: did the attack of another load generator arrive?

    bin/resilience audit summary.json --rate 500 --duration 60s --target-count 30000

Reads k6's summary or --out json, vegeta's JSON report or its results by `vegeta encode`, Locust's
NAME_stats.csv and oha's JSON. None of them holds the rate that was asked for, so the plan is told here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import msgspec

from cli.launch.parser import Parser, refusing
from common import exit_codes
from common.durations import ALLOWED, seconds
from common.errors import ConfigError, short
from scenarios.option import SOURCE
from verdicts.audit.arrival import AttackPlan, Audit, audit
from verdicts.audit.read import read

DIGITS: Final = 15  # what a count may have
MOST: Final = 1e9  # requests per second
EPILOG: Final = """\
exit code: 0 every file is valid; 2 bad usage, or a file that no known tool wrote; 3 one is invalid or
inconclusive. There is no 1: nothing is said of the target.
"""


def parser() -> Parser:
    """All options, with their help."""
    made = Parser(
        prog="bin/resilience audit", description="Did that attack arrive?", epilog=EPILOG, allow_abbrev=False
    )
    made.add_argument(
        "files", nargs="+", metavar="FILE", type=Path, help="what the tool wrote; each is judged for itself"
    )
    made.add_argument("--target-count", metavar="N", help="how many requests the target itself counted")
    made.add_argument("--planned", metavar="N", help="how many requests the tool was to send")
    made.add_argument(
        "--rate", metavar="R", help="per second; of k6: iterations. In place of --planned, with --duration"
    )
    made.add_argument("--duration", metavar="TIME", help="how long it was to send: 60s, 2m")
    made.add_argument("--json", action="store_true", help="print the judgements as JSON, and nothing else")
    return made


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Judge and print; the exit code."""
    options = parser().parse_args(arguments)
    plan = AttackPlan(
        _given("planned", options.planned, _whole),
        _given("rate", options.rate, _positive),
        _given("duration", options.duration, _seconds),
    )
    if plan.count is not None and plan.rate is not None and plan.duration_s is not None:
        raise ConfigError(SOURCE, "--planned", "stands beside --rate and --duration, allowed: one of the two")
    counted = _given("target-count", options.target_count, _whole)
    if counted is not None and len(options.files) > 1:
        raise ConfigError(
            SOURCE, "--target-count", f"{len(options.files)} files, allowed: one FILE, whose count it is"
        )
    found = [(file, audit(read(file), plan, counted)) for file in options.files]
    if options.json:
        print(msgspec.json.format(msgspec.json.encode([document(*one) for one in found]), indent=2).decode())
    else:
        print("\n\n".join("\n".join(told(*one)) for one in found))
    return exit_codes.PASS if all(one.verdict == "valid" for _, one in found) else exit_codes.OURS


def _given(name: str, text: str | None, read_value: Callable[[str], Any]) -> Any:
    if text is None:
        return None
    try:
        return read_value(text)
    except ValueError as error:
        raise ConfigError(SOURCE, f"--{name}", f"{short(text)}, allowed: {error}") from None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise ValueError(f"a whole number of at most {DIGITS} digits")
    return int(text)


def _positive(text: str) -> float:
    allowed = f"a number over 0, at most {MOST:g}"
    try:
        value = float(text)
    except ValueError:
        raise ValueError(allowed) from None
    if not 0 < value <= MOST:
        raise ValueError(allowed)
    return value


def _seconds(text: str) -> float:
    try:
        value = seconds(text)
    except ValueError:
        raise ValueError(ALLOWED) from None
    if value <= 0:
        raise ValueError("longer than 0 s")
    return value


def told(file: Path, one: Audit) -> Iterator[str]:
    """The judgement in words, a line each."""
    run, late = one.run, one.lateness
    yield f"{one.verdict.upper()}: {file} ({run.tool})"
    least = "at least " if one.plan.total is None else ""
    planned = "not told" if one.planned is None else f"{least}{one.planned:,} {one.unit}"
    iterations = "" if run.started is None else f" in {run.begun:,} iterations"
    yield (
        f"  planned: {planned}; sent {run.sent:,} requests{iterations}, dropped {run.dropped:,}, "
        f"without an answer {run.unproved:,}; the target counted "
        + ("not told" if one.counted is None else f"{one.counted:,}")
    )
    if late is not None:
        yield (
            f"  start delay, at least: p50 {late.p50_ms:.3f} ms, p99 {late.p99_ms:.3f} ms, "
            f"max {late.max_ms:.3f} ms; late {late.late:,}"
        )
    yield from (f"  - {reason}" for reason in one.reasons)
    yield from (f"  ? {unknown}" for unknown in one.unknown)
    yield from (f"  note: {note}" for note in one.notes)


def document(file: Path, one: Audit) -> dict[str, Any]:
    """The judgement as JSON."""
    run = one.run
    return {
        "file": str(file),
        "tool": run.tool,
        "verdict": one.verdict,
        "planned": one.planned,
        "of": one.unit,
        "begun": run.begun,
        "sent": run.sent,
        "dropped": run.dropped,
        "unproved": run.unproved,
        "target_count": one.counted,
        "length_s": run.length_s,
        "lateness": None if one.lateness is None else asdict(one.lateness),
        "reasons": one.reasons,
        "unknown": one.unknown,
        "notes": one.notes,
    }
