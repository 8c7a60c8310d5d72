"""`bin/plan`: every question of the resilience plan, on one stack, into one page.

    bin/plan --mode quick    # each question by a shortened run (the default); says what it leaves to full
    bin/plan --mode full     # at their own durations, and further runs
    bin/plan --mode smoke    # phase 1 and one scenario of each priority

Everything is checked before the first run starts. A run is one of `bin/attack`; Ctrl-C or SIGTERM ends the
one under way, which still writes its report, and the plan with it: what is answered by then is in the page.
A run that is not valid (its load came late, a process was lost) says nothing of the target: once more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cli.launch import series
from cli.launch.attacks import Attacks, new_folder, say_for
from cli.launch.parser import Parser, command_parser, refusing
from common.paths import ROOT
from run.request import CheckedRun, RunRequest
from scenarios import plan_runs
from scenarios.load import load
from scenarios.plan_runs import Changes, PlanRun
from verdicts.plan import files
from verdicts.plan.plan_file import PlanFile, PlannedRun

INVALID: Final = 3
EPILOG: Final = """\
exit code: 0 every question answered, every verdict passed; 1 a verdict failed; 2 bad usage or configuration;
3 a question of the mode has no answer: a run was invalid, could not start, or the plan was stopped.
"""
say: Final = say_for("plan")


def parser() -> Parser:
    """All options, with their help."""
    text = "Answer the resilience plan; plan.html and plan.md are in results/<time>-plan-<mode>/."
    return command_parser("plan", text, EPILOG)


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    options = parser().parse_args(arguments)
    chosen = plan_runs.runs(options.mode)
    folder = new_folder(options.out, f"plan-{options.mode}")
    runs = [
        request(options, run, changes, folder / f"{number:02d}-{run.name}").check()
        for number, (run, changes) in enumerate(chosen, 1)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    entries = tuple(planned(run, checked.request) for (run, _), checked in zip(chosen, runs, strict=True))
    return attack_all(folder, runs, _book(options, entries))


def request(options: Any, run: PlanRun, changes: Changes, out: Path) -> RunRequest:
    """What one run asks for; a run's own protections outweigh the plan's."""
    own = {**changes, **({"protect": run.protect} if run.protect else {})}
    return RunRequest.passed_on("plan", options, scenario=run.scenario, out=str(out), **own)


def planned(run: PlanRun, asked: RunRequest) -> PlannedRun:
    """The run's entry in the book."""
    scenario = load(run.scenario)
    out, said = Path(asked.out or "").name, " ".join(["bin/attack", *replace(asked, out=None).words()])
    return PlannedRun(
        run.scenario, run.label, run.name, out, scenario.points, run.leads, scenario.duration, said
    )


def _book(options: Any, runs: tuple[PlannedRun, ...]) -> PlanFile:
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    version, left = (ROOT / "VERSION").read_text().strip(), plan_runs.LEFT.get(options.mode, ())
    return PlanFile(options.mode, now, version, runs, left=left, nano=options.nano or "")


def attack_all(folder: Path, runs: Sequence[CheckedRun], book: PlanFile) -> int:
    """Every run in turn, then the page; the exit code. One that is not valid is tried once more."""
    book.write(folder)
    steps = [series.step(one.name, run, folder) for one, run in zip(book.runs, runs, strict=True)]
    progress = series.begin(folder, "plan", book.mode, "plan.html", steps)
    say(series.told(progress.series))
    with Attacks(folder, say) as attacks:
        for number, run in enumerate(runs):
            if attacks.stopped:
                break
            began = time.monotonic()
            say(progress.begins(number))
            code, out = attacks.run(run), book.runs[number].folder
            if code == INVALID and not attacks.stopped:
                say(f"{progress.label(number)}: does not count, once more")
                out = f"{out}-again"
                code = attacks.run(run.into(folder / out))
            book = book.ended(number, code, time.monotonic() - began, out)
            book.write(folder)
            say(progress.ended(number, code, out))
        code = files.derive(folder, again=False)
        progress.over(code)
        return code
