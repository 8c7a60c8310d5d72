"""The suite as an MCP server by the official SDK: tools, resources, and who may attack what.

This file alone knows the SDK, which is no part of what runs need (`make assistant`). What a tool refuses is
one line, as on a command line.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Final

import uvicorn
from mcp.server.mcpserver import (  # type: ignore[import-not-found]
    Context,
    Elicit,
    MCPServer,
    Resolve,
)
from mcp.server.mcpserver.exceptions import ToolError  # type: ignore[import-not-found]
from mcp.shared.exceptions import MCPError  # type: ignore[import-not-found]
from mcp_types import (  # type: ignore[import-not-found]
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ToolAnnotations,
)

from cli.assistant import documents, load, stored, target_check
from cli.assistant.answers import (
    BreakpointAnswer,
    ComparisonAnswer,
    PlanAnswers,
    PointExplanation,
    RunVerdict,
    ScenarioDescription,
    ScenarioList,
    TargetCheck,
)
from cli.assistant.consent import (
    CANNOT_ASK,
    Consent,
    plan_question,
    question,
    require,
    search_question,
)
from cli.launch.locust import launch_command
from common.errors import ConfigError, RefusedInputError
from common.paths import RESULTS, ROOT
from run.folders import new_dir
from run.request import CheckedRun, RunRequest
from scenarios.options import BUNDLED
from scenarios.plan_runs import MODES
from targets import guard
from targets import load as targets
from targets.schema import Target
from telemetry.run_folder import verdict_file
from verdicts.breakpoint import table as breakpoints
from verdicts.output import compare_files
from verdicts.plan import plan_file
from webui.comparing import CannotCompareError, Comparing

INSTRUCTIONS: Final = (
    "A load-resilience test suite for an MCP gateway. list_scenarios, describe_scenario, then run; verdict "
    "and explain_point read what a run came to, plan_answers what the plan's questions came to. A verdict "
    "`invalid` says that the attack did not arrive: nothing of such a run may be used."
)
RUNS: Final = "resilience://runs/{run}"
BUDGET: Final = "40m"  # of a search
READS: Final = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
ASKS: Final = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)
WRITES: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
ATTACKS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
)
LOADS: Final[load.Loads] = load.Loads(beside=lambda: COMPARING.busy())  # noqa: PLW0108 - it is made below
COMPARING: Final[Comparing] = Comparing(RESULTS, lambda: LOADS.busy)


def told(tool: Callable[..., Any]) -> Callable[..., Any]:
    """The tool, whose refusals are its answer and no crash."""

    @functools.wraps(tool)
    async def refusing(*args: Any, **given: Any) -> Any:
        try:
            found = tool(*args, **given)
            return await found if isinstance(found, Awaitable) else found
        except (RefusedInputError, CannotCompareError) as error:
            raise ToolError(str(error)) from None

    return refusing


def list_scenarios() -> ScenarioList:
    """Every scenario: its priority, how long its load takes, the points that it answers."""
    return stored.scenario_list()


def describe_scenario(scenario: str) -> ScenarioDescription:
    """One scenario: what it sends, the questions that it asks and their bounds."""
    return stored.scenario(scenario)


def verdict(run: str = stored.LATEST) -> RunVerdict:
    """What a stored run came to: did the attack arrive, did the target hold, what broke first?"""
    return stored.verdict(run)


def explain_point(point: str, run: str | None = None) -> PointExplanation:
    """A verification point (P1.7): its question and bounds, and with `run` what was found, with evidence."""
    return stored.point(point, run)


def plan_answers(plan: str | None = None) -> PlanAnswers:
    """The answers to the resilience plan's questions, by the newest plan that was run, or the one named."""
    return stored.plan(plan)


async def check_target(target: str, scenario: str = "burst") -> TargetCheck:
    """A few requests to a target file (targets/x.yaml): what works, what can be seen, what would be sent."""
    return await asyncio.to_thread(target_check.check, target, scenario)


async def compare(run_a: str, run_b: str) -> ComparisonAnswer:
    """Is stored run B better than A? Figure by figure; runs of different attacks are refused."""
    name = await asyncio.to_thread(COMPARING.make, run_a, run_b)
    found = compare_files.stored_document(RESULTS / name)
    return ComparisonAnswer(
        comparison=name,
        verdict=found["verdict"],
        sentence=found["sentence"],
        figures=[{**one["words"], "id": one["id"], "call": one["call"]} for one in found["figures"]],
        notes=found["notes"],
    )


def asked(
    scenario: str,
    target: str = BUNDLED,
    duration: str | None = None,
    protect: str | None = None,
    accounts: int | None = None,
    rate: float | None = None,
    seed: int | None = None,
    duration_scale: float | None = None,
) -> CheckedRun:
    """The run that the arguments ask for, checked as on a command line. ConfigError, GuardError."""
    given = {
        "duration": duration, "protect": protect, "accounts": accounts, "rate": rate, "seed": seed,
        "duration_scale": duration_scale,
    }  # fmt: skip
    texts = {name: None if value is None else str(value) for name, value in given.items()}
    run = RunRequest.of(None, scenario=scenario, target=target, given_by=stored.TOOL, **texts).check()
    if not run.target.bundled:
        guard.check(run.target)
    return run


def _ask(ctx: Any, text: str) -> Any:
    """The question for a person. Raises MCPError, as the protocol says, where the client cannot ask one."""
    capable = ctx.client_capabilities
    if capable is None or capable.elicitation is None:
        needed: dict[str, Any] = {"requiredCapabilities": {"elicitation": {"form": {}}}}
        raise MCPError(code=MISSING_REQUIRED_CLIENT_CAPABILITY, message=CANNOT_ASK, data=needed)
    return Elicit(text, Consent)


def consent_to_run(
    ctx: Context,
    scenario: str,
    target: str = BUNDLED,
    duration: str | None = None,
    protect: str | None = None,
    accounts: int | None = None,
    rate: float | None = None,
    seed: int | None = None,
    duration_scale: float | None = None,
) -> Consent | Elicit[Consent]:
    """Yes for the bundled stack; else what a person says."""
    try:
        checked = asked(scenario, target, duration, protect, accounts, rate, seed, duration_scale)
    except RefusedInputError as error:
        raise ToolError(str(error)) from None
    return Consent(yes=True) if checked.target.bundled else _ask(ctx, question(checked))


def consent_to_plan(ctx: Context, target: str = BUNDLED, mode: str = MODES[0]) -> Consent | Elicit[Consent]:
    """Yes for the bundled stack; else what a person says."""
    return _series_consent(ctx, target, lambda found: plan_question(found, mode))


def consent_to_search(ctx: Context, target: str = BUNDLED, budget: str = BUDGET) -> Consent | Elicit[Consent]:
    """Yes for the bundled stack; else what a person says."""
    return _series_consent(ctx, target, lambda found: search_question(found, budget))


def _series_consent(ctx: Any, target: str, asking: Callable[[Target], str]) -> Any:
    try:
        found = targets.load(target)
        if found.bundled:
            return Consent(yes=True)
        guard.check(found)
        text = asking(found)
    except RefusedInputError as error:
        raise ToolError(str(error)) from None
    return _ask(ctx, text)


async def run(
    ctx: Context,
    consent: Annotated[Consent, Resolve(consent_to_run)],
    scenario: str,
    target: str = BUNDLED,
    duration: str | None = None,
    protect: str | None = None,
    accounts: int | None = None,
    rate: float | None = None,
    seed: int | None = None,
    duration_scale: float | None = None,
) -> RunVerdict:
    """Attack the bundled stack, or a target of one's own, with a scenario. Cancelling it ends the load.

    `duration`: 20s, 2m; `protect`: none, today, phase1, phase2, all, or names; `rate`: req/s of an account.
    """
    require(consent)
    checked = asked(scenario, target, duration, protect, accounts, rate, seed, duration_scale)
    folder = new_dir(RESULTS, checked.scenario.name)
    command = launch_command(checked.into(folder).request)
    ended = await LOADS.follow(checked.scenario.name, command, lambda: load.of_run(folder), _teller(ctx))
    if not (folder / verdict_file.FILE).is_file():
        raise ToolError(f"no verdict, exit code {ended.code}: {ended.last}")
    return stored.verdict(folder.name, ended.code)


async def run_plan(
    ctx: Context,
    consent: Annotated[Consent, Resolve(consent_to_plan)],
    mode: str = MODES[0],
    target: str = BUNDLED,
) -> PlanAnswers:
    """Run the whole resilience plan (quick: about 15 minutes; smoke: a few) and answer its questions."""
    require(consent)
    if mode not in MODES:
        raise ConfigError(stored.TOOL, "mode", f"{mode!r:.40}, allowed: {', '.join(MODES)}")
    name, _ = await _series(ctx, "plan", [f"--mode={mode}", f"--target={target}"], plan_file.FILE)
    return stored.plan(name)


async def run_breakpoint(
    ctx: Context,
    consent: Annotated[Consent, Resolve(consent_to_search)],
    protect: str = "none",
    target: str = BUNDLED,
    budget: str = BUDGET,
) -> BreakpointAnswer:
    """Search the highest rate of slow calls that is borne, by runs of rising load (three minutes and more).

    `protect`: none, today, phase1, phase2, all, or names; the plan's answers take it up (P0.3).
    """
    require(consent)
    given = [f"--protect={protect}", f"--target={target}", f"--budget={budget}"]
    return stored.breakpoint_search(*await _series(ctx, "breakpoint", given, breakpoints.FILE))


async def _series(ctx: Any, command: str, given: list[str], file: str) -> tuple[str, int]:
    """Several runs in a row by a command of the suite: its folder's name, and its exit code."""
    folder = new_dir(RESULTS, command)
    words = [str(ROOT / "bin" / "resilience"), command, *given, f"--out={folder}"]
    ended = await LOADS.follow(f"a {command}", words, lambda: load.of_series(folder), _teller(ctx))
    if not (folder / file).is_file():
        raise ToolError(f"no answer, exit code {ended.code}: {ended.last}")
    return folder.name, ended.code


def _teller(ctx: Any) -> load.Tell:
    async def tell(now: load.LoadProgress) -> None:
        await ctx.report_progress(now.done, now.of, now.text)

    return tell


def make(version: str) -> Any:
    """The server with all that it offers."""
    server = MCPServer(
        "resilience", version=version, instructions=INSTRUCTIONS, log_level="ERROR", subscriptions=False
    )
    for tool, title, hints in (
        (list_scenarios, "List the scenarios", READS),
        (describe_scenario, "Describe a scenario", READS),
        (check_target, "Check a target", ASKS),
        (run, "Run a scenario", ATTACKS),
        (run_plan, "Run the plan", ATTACKS),
        (run_breakpoint, "Search the breakpoint", ATTACKS),
        (verdict, "A run's verdict", READS),
        (explain_point, "Explain a point", READS),
        (compare, "Compare two runs", WRITES),
        (plan_answers, "The plan's answers", READS),
    ):
        server.add_tool(told(tool), title=title, annotations=hints)
    for page in documents.pages():
        server.resource(page.uri, name=page.title, mime_type="text/markdown")(_reader(page.file))
    server.resource(f"{RUNS}/report.html", name="A run's report", mime_type="text/html")(report)
    server.resource(f"{RUNS}/verdicts.json", name="A run's figures", mime_type="application/json")(figures)
    return server


def serve_http(server: Any, host: str, port: int) -> None:
    """Streamable HTTP on host:port/mcp until a signal ends it.

    By h11, which takes the blanks at both ends of a header's value for no part of it, as RFC 9110 (5.5) does:
    the other parser leaves those at its end, and a header that repeats a name does not match it then.
    """
    app = server.streamable_http_app(host=host)
    config = uvicorn.Config(app, host=host, port=port, log_level="error", http="h11")
    asyncio.run(uvicorn.Server(config).serve())


def report(run: str) -> str:
    """A run's report, one page."""
    return documents.report(run)


def figures(run: str) -> str:
    """A run's verdicts.json."""
    return documents.verdicts(run)


def _reader(file: Path) -> Callable[[], str]:
    return lambda: file.read_text("utf-8")
