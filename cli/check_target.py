"""`make check-target TARGET=…`: a few requests to a target of your own, and what can be known before load.

Tells what works, what the suite will be able to see and which points that answers, what Cloudflare would do
to the attack, and what would be sent at most. Exit code: 0 all of it works; 1 something does not; 2 the
target file or the command line is bad (one line); 3 a failure of our own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from cli.launch.parser import Parser, command_parser, refusing
from common import exit_codes
from common.addresses import ranges
from common.addresses.url import shown_path
from common.errors import ConfigError, RefusedInputError, printable, short
from common.mcp_versions import AUTO, NONE
from run.checks import calls_sent, dry_run
from run.checks.answerability import answers
from run.checks.dry_run import Findings
from run.checks.preflight import check_points, check_tls
from run.checks.talk import RequestResult
from run.checks.tool_list import ListedTool
from run.request import RunRequest
from scenarios import load as scenarios
from scenarios.schema import Scenario
from shapes.schedule import peak
from targets import sources
from targets.guard import GuardError, is_loopback, refuse_excess
from targets.schema import Target
from users.engine import job

UNAUTHORIZED: Final = (401, 403)
SHOWN: Final = 20  # tools
CLOUDFLARE: Final = "cf-connecting-ip"


class TableLine(NamedTuple):
    """One line of the table; `state`: ok, NO, info, WARN or a dash."""

    what: str
    state: str
    detail: str


def parser() -> Parser:
    """All options, with their help."""
    return command_parser("check-target", __doc__ or "")


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Check and print; the exit code."""
    options = parser().parse_args(arguments)
    scenario, target = read(RunRequest.of(options))
    try:
        found = dry_run.look(scenario, target)
    except RefusedInputError:
        raise
    except OSError as error:
        print(f"the check broke: {error}", file=sys.stderr)
        return exit_codes.OURS
    rows = [*works(target, found), *seen(scenario, target, found), *warnings(scenario, target, found),
            *load(scenario, target)]  # fmt: skip
    print("\n".join([*table(rows), *to_paste(target, found)]))
    return 1 if any(row.state == "NO" for row in rows) else 0


def read(request: RunRequest) -> tuple[Scenario, Target]:
    """Both, checked by themselves. Raises ConfigError."""
    scenario, target = request.load()
    if target.bundled:
        name = short(request.target)
        text = f"{name} is started with each run, allowed: a target with a base_url of its own"
        raise ConfigError("command line", "target", text)
    check_points(scenario, scenarios.find(request.scenario))
    check_tls(target)
    return scenario, target


def works(target: Target, found: Findings) -> Iterator[TableLine]:
    """What of the target works."""
    pinned, results = found.pinned, found.answers
    where = "loopback" if all(map(is_loopback, pinned.addresses)) else "yours, says the file"
    yield TableLine(
        "target",
        "ok",
        f"{target.name}: {target.base_url}{shown_path(target.path)}, {', '.join(pinned.addresses)} ({where})",
    )
    if found.broken:
        yield TableLine("connect", "NO", found.broken)
    else:
        yield TableLine(
            "connect",
            "ok",
            f"{len(results)} requests were sent, {sum(a.status > 0 for a in results)} answered",
        )
    if pinned.scheme == "https" and not found.broken:
        yield TableLine("TLS", "ok" if target.tls.verify else "WARN", _certificate(target))
    yield _auth(target, found)
    yield from _sources(target, found)
    yield _protocol(target, found)
    yield from (_request(answer) for answer in results if answer not in found.era.asked)
    if found.listed:
        yield TableLine("tools", "info", f"{len(found.listed)} listed: {_named(found.listed)}")
    if target.health is None:
        yield TableLine("health", "–", "the file names no `health`")


def _named(tools: Sequence[ListedTool]) -> str:
    """Each with the arguments that it must be given."""
    told = [f"{one.name}({', '.join(one.required)})" for one in tools[:SHOWN]]
    return ", ".join(told) + (f", … {len(tools) - SHOWN} more" if len(tools) > SHOWN else "")


def to_paste(target: Target, found: Findings) -> Iterator[str]:
    """Lines for the target file: what was found out, and how each listed tool would be called."""
    if found.broken or not found.listed:
        return
    yield "\nto paste into the target file (one `tool` for its own, or `tools` with a fast and a slow one):"
    yield f"protocol: {found.era.version}"
    yield from (f"tool: {one.line}" for one in found.listed[:SHOWN])


def _protocol(target: Target, found: Findings) -> TableLine:
    """What it speaks, held against what the runs would speak with it."""
    if found.broken:
        return TableLine("protocol", "–", str(found.era))
    if target.protocol in (AUTO, found.era.version):
        return TableLine("protocol", "ok", str(found.era))
    would = "plain JSON-RPC" if target.protocol == NONE else target.protocol
    paste = f'put "protocol: {found.era.version}" or "protocol: auto" into the file'
    return TableLine("protocol", "NO", f"{found.era}; by the file runs would speak {would}: {paste}")


def _sources(target: Target, found: Findings) -> Iterator[TableLine]:
    """Whether accounts can connect from the addresses that the file names."""
    if target.sources:
        named = f"{', '.join(target.sources)}: {len(ranges.addresses(target.sources)):,} addresses"
        try:
            sources.check(target, found.pinned.addresses)
        except ConfigError as error:
            yield TableLine("sources", "NO", str(error))
        else:
            yield TableLine("sources", "ok", f"{named} that accounts connect from, in turn")


def _certificate(target: Target) -> str:
    return "the certificate is good" if target.tls.verify else "the certificate is not checked (tls.verify)"


def _auth(target: Target, found: Findings) -> TableLine:
    auth, calls = target.auth, [one for one in found.answers if one.what != "health" and one.status]
    refused = [one for one in calls if one.status in UNAUTHORIZED]
    keys = "" if found.key_fetches is None else f"; the key set was fetched {found.key_fetches} times"
    if auth is None:
        state = "NO" if refused else "–"
        return TableLine("auth", state, f"none is given{', and the target wants one' if refused else ''}")
    how = f"{auth.algorithm} in {auth.header}, {auth.ttl:g} s{keys}"
    if target.accounts.tokens is not None:
        how = f"ready-made tokens in {auth.header}"
    if refused or not calls:
        why = f"status {refused[0].status} {refused[0].text}".rstrip() if refused else "nothing was answered"
        return TableLine("auth", "NO", f"{why} ({how}){_stale(target) if refused else ''}")
    return TableLine("auth", "ok", how)


def _stale(target: Target) -> str:
    """A usual cause, where it can be one."""
    auth = target.auth
    if auth is None or auth.key is not None or auth.serve_jwks is None:
        return ""
    return f"; no `key` is named, so each run makes a new one: a target may still hold an old {auth.kid}"


def _request(answer: RequestResult) -> TableLine:
    if not answer.reason:
        return TableLine(answer.what, "ok", f"status {answer.status} in {answer.took_s * 1000:.0f} ms")
    status = f"status {answer.status}, " if answer.status else ""
    return TableLine(answer.what, "NO", f"{status}{answer.reason}{f': {answer.text}' if answer.text else ''}")


def seen(scenario: Scenario, target: Target, found: Findings) -> Iterator[TableLine]:
    """What the suite will be able to see, and which points that answers."""
    if not target.metrics:
        yield TableLine("metrics", "–", "the file names none: points that need them are info")
    for number, (url, page) in enumerate(found.metrics.items()):
        if isinstance(page, str):
            yield TableLine(f"metrics {number}", "NO", f"{url}: {page}")
        else:
            ours = sorted({key.partition("{")[0] for key in page if key.startswith(("mcpist_", "process_"))})
            named = ", ".join(ours) or "none that the suite knows (map them with `metric_names`)"
            yield TableLine(f"metrics {number}", "ok", f"{url}: {len(page)} series; of use: {named}")
    pages = {f"target-{n}": p for n, p in enumerate(found.metrics.values()) if not isinstance(p, str)}
    for one in answers(scenario, target, pages, found.tools, found.era.version):
        yield TableLine(
            f"point {one.id}", "info" if one.why else "ok", one.why or f"can be answered: {one.question}"
        )


def warnings(scenario: Scenario, target: Target, found: Findings) -> Iterator[TableLine]:
    """What would bend the attack."""
    if target.shared_credential and sum(group.accounts.count for group in scenario.groups) > 1:
        text = f"all accounts share one {target.shared_credential}, so they are one user to the target"
        yield TableLine("one user", "WARN", f"{text}: limits are judged so")
    if target.sources or not (_behind_cloudflare(found) or _claims_addresses(target, found)):
        return
    limit, rate = target.limits.ip_per_min, calls_sent.of(scenario).in_a_second
    text = "Cloudflare sets the client's address itself: all load would come from this machine's one address"
    if limit is None:
        yield TableLine("one address", "WARN", f"{text}; the file promises no limit per address")
        return
    passing = limit.most / 60
    effect = f"its limit of {limit.most:,} a minute lets {passing:.1f} req/s pass"
    if rate > passing:
        effect += (
            f"; of {scenario.name}'s {rate:,} req/s {1 - passing / rate:.0%} would be refused with 429, "
        )
        effect += "so the run would measure that limit and nothing behind it: attack the origin instead"
    yield TableLine("one address", "WARN", f"{text}; {effect}")


def _behind_cloudflare(found: Findings) -> bool:
    told = [one.headers for one in found.answers]
    return any("cf-ray" in one or one.get("server", "").lower() == "cloudflare" for one in told)


def _claims_addresses(target: Target, found: Findings) -> bool:
    here = all(map(is_loopback, found.pinned.addresses))
    return not here and (target.client_ip_header or "").lower() == CLOUDFLARE


def load(scenario: Scenario, target: Target) -> Iterator[TableLine]:
    """What a run would send at most."""
    text = f"{scenario.name}: {calls_sent.told(scenario, target)}"
    try:
        refuse_excess(target, peak(job.schedule(scenario).planned), scenario.duration)
    except GuardError as error:
        yield TableLine("at most", "info", f"{text}; it would be refused: {error}")
        return
    yield TableLine("at most", "ok", text)


def table(rows: Sequence[TableLine]) -> list[str]:
    """The lines, in columns; what a target said of itself is in them, escaped."""
    width = max(len(row.what) for row in rows)
    return [printable(f"{row.what:<{width}}  {row.state:<4}  {row.detail}") for row in rows]
