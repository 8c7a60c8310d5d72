"""What can be read without sending anything: scenarios, verdicts of stored runs, the answers of a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from cli.assistant.answers import (
    AnsweredQuestion,
    AskedPoint,
    BreakpointAnswer,
    PlanAnswers,
    PointExplanation,
    PointShort,
    RunVerdict,
    ScenarioDescription,
    ScenarioLine,
    ScenarioList,
)
from common.errors import ConfigError, one_line, unknown
from common.paths import RESULTS
from run.checks import calls_sent
from scenarios import load as scenarios
from scenarios.schema import Scenario
from telemetry.run_folder import verdict_file
from telemetry.run_folder.verdict_file import VerdictFile
from verdicts.breakpoint import table
from verdicts.language.words import Say
from verdicts.plan import answers, plan_file, stored_search
from verdicts.plan.answers import JudgedRun, PlanAnswer
from verdicts.plan.summary import PlanSummary
from verdicts.points.registry import ASKED
from webui import runs

TOOL: Final = "argument"  # whom a complaint names: what the assistant gave
LATEST: Final = "latest"


def scenario_list() -> ScenarioList:
    """Every scenario."""
    return ScenarioList(scenarios=[_line(scenarios.load(name)) for name in scenarios.names()])


def _line(one: Scenario) -> ScenarioLine:
    return ScenarioLine(
        name=one.name,
        title=one.title.en,
        priority=one.priority,
        variant_of=one.variant_of,
        duration_s=one.duration,
        points=list(one.points),
    )


def scenario(name: str) -> ScenarioDescription:
    """One of the list. Raises ConfigError."""
    if name not in scenarios.names():
        raise ConfigError(TOOL, "scenario", unknown(name, scenarios.names()))
    one = scenarios.load(name)
    sent = calls_sent.of(one)
    return ScenarioDescription(
        **{key: value for key, value in _line(one).model_dump().items() if key != "points"},
        description=one.description,
        variants=[other for other in scenarios.names() if scenarios.load(other).variant_of == name],
        accounts=sum(group.accounts.count for group in one.groups),
        requests=sent.calls,
        most_in_a_second=sent.in_a_second,
        protections=one.protections,
        points=[
            AskedPoint(id=id, question=ASKED[id].en, bound=one.thresholds.get(id, "")) for id in one.points
        ],
        expects=list(one.expects),
    )


def folder(name: str, file: str = verdict_file.FILE, results: Path = RESULTS) -> Path:
    """A run of the results by its name, or `latest`. Raises ConfigError."""
    wanted = (results / LATEST).resolve().name if name == LATEST else name
    found = runs.page(results, wanted, file)
    if found is None:
        allowed = ", ".join(known(results)[:10]) or "none is there yet"
        raise ConfigError(TOOL, "run", f"{one_line(name)!r:.80} has no {file}, allowed: latest, or {allowed}")
    return found.parent


def known(results: Path = RESULTS) -> list[str]:
    """The runs that were judged, the newest first."""
    return [one.name for one in runs.listed(results) if one.verdict]


def verdict(name: str, exit_code: int | None = None, results: Path = RESULTS) -> RunVerdict:
    """What a stored run came to. Raises ConfigError or RunFolderError."""
    found = folder(name, results=results)
    told = verdict_file.read(found)
    return RunVerdict(
        run=found.name,
        report=f"resilience://runs/{found.name}/report.html",
        points=_points(told),
        exit_code=exit_code,
        **{
            key: msgspec.to_builtins(getattr(told, key))
            for key in RunVerdict.model_fields
            if key not in ("run", "report", "points", "exit_code")
        },
    )


def _points(told: VerdictFile) -> list[PointShort]:
    return [PointShort.model_validate(one, from_attributes=True) for one in told.points]


def point(id: str, run: str | None = None, results: Path = RESULTS) -> PointExplanation:
    """A question, and what a run found. Raises ConfigError or RunFolderError."""
    if id not in ASKED:
        raise ConfigError(TOOL, "point", unknown(id, ASKED))
    question = ASKED[id]
    found = None if run is None else folder(run, results=results)
    told = () if found is None else verdict_file.read(found).points
    asked = (scenarios.load(name) for name in scenarios.names())
    return PointExplanation(
        id=id,
        question=question.en,
        answered_by=question.scenario or "every run",
        wanted=question.when,
        bounds={one.name: one.thresholds[id] for one in asked if id in one.thresholds and not one.variant_of},
        run=None if found is None else found.name,
        findings=[msgspec.to_builtins(one) for one in told if one.id == id or one.id.startswith(f"{id}.")],
    )


def breakpoint_search(name: str, exit_code: int, results: Path = RESULTS) -> BreakpointAnswer:
    """What a search found, so far as it came. Raises ConfigError."""
    found = folder(name, table.FILE, results)
    _, rows = table.read(found)
    return BreakpointAnswer(
        breakpoint=found.name,
        sentence=table.sentence(rows),
        rows=[dict(zip(table.HEAD, row.cells(rows), strict=True)) for row in rows],
        exit_code=exit_code,
    )


def plan(name: str | None = None, results: Path = RESULTS) -> PlanAnswers:
    """A plan's answers, of the newest where none is named. Raises ConfigError or RunFolderError."""
    if name is None:
        files = sorted(results.glob(f"*/{plan_file.FILE}"), key=lambda file: file.stat().st_mtime)
        if not files:
            raise ConfigError(TOOL, "plan", "no plan was run yet, allowed: run_plan first")
        name = files[-1].parent.name
    found = folder(name, plan_file.FILE, results)
    told = plan_file.read(found)
    judged = [JudgedRun.of(found, run) for run in told.runs]
    search = stored_search.newest(results, answers.first_found(judged), told.nano)
    summary, say = PlanSummary(answers.of(told, judged, search), judged), Say("en")
    return PlanAnswers(
        plan=found.name,
        mode=told.mode,
        headline=summary.headline(say),
        sentence=summary.sentence(say),
        exit_code=summary.exit_code,
        questions=[_question(one) for one in summary.answers],
    )


def _question(one: PlanAnswer) -> AnsweredQuestion:
    said = [f"{each['value']} {each['unit']}".strip() for each in one.said if each["value"] is not None]
    return AnsweredQuestion(
        id=one.question.id,
        question=one.question.en,
        state=one.state,
        status=one.status,
        values=said if one.state == "answered" else [],
        reason=one.reason,
        run=one.lead.run.folder if one.lead else None,
        advice=[step.text for step in one.advice("en")],
    )
