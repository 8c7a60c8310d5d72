"""The files of a plan's folder: plan.html, plan.md and junit.xml, from its runs alone.

`again` derives each run's own report anew before (`make report RUN=results/<plan>`); otherwise only those of
runs that were killed before they could.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from common.files.atomic_write import write_whole
from verdicts.language.words import Say, chosen
from verdicts.output import files
from verdicts.plan import answers, page, plan_file, stored_search
from verdicts.plan.answers import JudgedRun
from verdicts.plan.plan_file import PlanFile
from verdicts.plan.summary import PlanSummary
from verdicts.run.reading import RunFolderError
from verdicts.suite import suite


def derive(folder: Path, *, again: bool = True, quiet: bool = False) -> int:
    """Write the files, print the summary; the exit code. Raises RunFolderError where there is no plan."""
    told = plan_file.read(folder)
    for run in told.runs:
        _derive_run(folder / run.folder, again=again)
    judged_runs = [JudgedRun.of(folder, run) for run in told.runs]
    search = stored_search.newest(folder.resolve().parent, answers.first_found(judged_runs), told.nano)
    plan = PlanSummary(answers.of(told, judged_runs, search), judged_runs)
    write_whole(folder / "plan.html", page.html(told, plan, chosen()))
    write_whole(folder / "plan.md", page.markdown(told, plan, chosen()))
    _junit(folder, told, judged_runs)
    if not quiet:
        print("\n".join(summary(folder, plan)), flush=True)
    return plan.exit_code


def _derive_run(folder: Path, *, again: bool) -> None:
    """The run's own report, where it is asked for or was never written."""
    if not (folder / "run.json").exists() or (not again and (folder / "verdicts.json").exists()):
        return
    try:
        files.derive(folder, quiet=True)
    except RunFolderError as error:
        print(error, file=sys.stderr)


def _junit(folder: Path, told: PlanFile, judged_runs: list[JudgedRun]) -> None:
    entries = [
        suite.SuiteRun(one.run.name, one.run.folder, one.exit_code, one.found)
        for one in judged_runs
        if one.found or one.run.exit_code is not None
    ]
    written = {entry.scenario for entry in entries}
    suite.junit(folder, entries, [run.name for run in told.runs if run.name not in written])


def summary(folder: Path, plan: PlanSummary) -> Iterator[str]:
    """The lines at the terminal's end."""
    say = Say("en")
    yield f"{plan.headline(say)}, exit code {plan.exit_code}"
    yield f"  {plan.sentence(say)}"
    for answer in plan.asked:
        known = answer.said if answer.state == "answered" else []
        value = "; ".join(f"{one['value']} {one['unit']}".strip() for one in known)
        yield f"  {answer.status:7} {answer.question.id:5} {value or f'not known: {answer.reason}'}"
    for todo in plan.todo("en"):
        yield f"  {todo.by}:"
        yield from (f"    {id}: {step.text}" for id, step in todo.steps)
    yield f"  report: {folder / 'plan.html'}"
