"""A few requests to a target, one after the other, as a run would send them: what works?

    what era it speaks (`run.checks.era`), the health check of a file that names one, tools/list, a tool of
    each role that the scenario has (tools/list again without one)

Whatever becomes of them, they are sent once each; by the run's own client, account, token and pinned address.
Each page of `metrics` is looked at once besides. Where no connection comes about, one is tried without a
request, for the words of the error.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from common.addresses.url import shown_url
from common.mcp_versions import AUTO, NONE
from run.checks import era, tool_list
from run.checks.era import SpokenEra
from run.checks.talk import RequestResult, Talk
from run.checks.tool_list import ListedTool
from scenarios.schema import Scenario
from targets import guard
from targets.guard import Pinned
from targets.load import account_tokens
from targets.reach import answering, refusal
from targets.schema import Target
from telemetry.probing.exposition import ExpositionError, values
from telemetry.probing.fetch import FetchError, fetch
from users.accounts.account_client import Token
from users.accounts.accounts import Account, make_accounts
from users.accounts.jwks_server import JwksServer
from users.accounts.keys import load_key
from users.accounts.signing import signing
from users.engine import job
from users.mcp.operations import LIST, Operation, list_tools
from users.transport.tls import client_context

METRICS_TIMEOUT: Final = 5.0  # seconds for a page of metrics
NOT_ASKED: Final = SpokenEra(NONE, "it was not asked")


@dataclass
class Findings:
    """All that a dry run found.

    `answers` are all requests in their order; `listed`: the tools that the target lists; `tools`: label of
    one that the scenario calls → how it went; `metrics`: page → series, or why not.
    """

    pinned: Pinned
    answers: list[RequestResult] = field(default_factory=list)
    broken: str = ""  # why no connection came about
    key_fetches: int | None = None  # None: no keys are served
    era: SpokenEra = NOT_ASKED
    listed: list[ListedTool] = field(default_factory=list)
    tools: dict[str, RequestResult] = field(default_factory=dict)
    metrics: dict[str, dict[str, float] | str] = field(default_factory=dict)


def look(scenario: Scenario, target: Target) -> Findings:
    """Send them, read the metrics. Raises GuardError, ConfigError, OSError, with nothing sent."""
    found = Findings(answering(guard.check(target)))
    places = guard.check_metrics(target)
    account = make_accounts(scenario, target, scenario.seed)[0]
    with _signing(target, account, found) as token, Talk(target, found.pinned, account, token) as talk:
        _ask(scenario, target, found, talk)
    if all(answer.reason == "connect" for answer in found.answers):
        found.broken = _why_not(found.pinned, target)
    found.metrics = {
        shown_url(url): _page(url, answering(places[url]).addresses[0], target) for url in target.metrics
    }
    return found


@contextmanager
def _signing(target: Target, account: Account, found: Findings) -> Iterator[Token]:
    """The account's token as a run has it; the key set is served meanwhile, where the file wants it."""
    auth = target.auth
    key = load_key(auth) if auth is not None else None
    server = None
    if auth is not None and key is not None and auth.serve_jwks is not None:
        server = JwksServer(auth.serve_jwks, key.jwks())
        server.start()
    try:
        yield signing(target, key.pem() if key else None, [account], account_tokens(target)).token
    finally:
        if server is not None:
            found.key_fetches = server.fetches
            server.stop()


def _ask(scenario: Scenario, target: Target, found: Findings, talk: Talk) -> None:
    given = "protocol" in target.model_fields_set
    found.era = era.find(talk, target.protocol if given else AUTO)
    found.answers += found.era.asked
    if target.health is not None:
        found.answers.append(talk.get("health", target.health))
    listing, found.listed = tool_list.listed(talk)
    found.answers.append(listing)
    for operation in _tools(scenario, talk):
        what = "tools/list again" if operation.code == LIST else f"tool {operation.label}"
        found.answers.append(talk.call(what, operation))
        found.tools[operation.label] = found.answers[-1]


def _tools(scenario: Scenario, talk: Talk) -> list[Operation]:
    """One of each role, in the order in which the scenario names them."""
    by_role: dict[str, Operation] = {}
    for group, behaviour in zip(scenario.groups, job.group_behaviours(scenario, talk.dialect), strict=True):
        for tool, operation in zip(group.tools, behaviour.operations, strict=False):
            by_role.setdefault(tool.role, operation)
    return list(by_role.values()) or [list_tools(talk.dialect)]


def _why_not(pinned: Pinned, target: Target) -> str:
    """Connect without saying anything, for the system's words; of each address that was tried."""
    return "; ".join(f"{address}: {_words(address, pinned, target)}" for address in pinned.addresses)


def _words(address: str, pinned: Pinned, target: Target) -> str:
    if told := refusal(address, pinned.port):
        return told
    if pinned.scheme != "https":
        return "the connection broke"
    try:
        with (
            socket.create_connection((address, pinned.port), METRICS_TIMEOUT) as plain,
            client_context(target.tls).wrap_socket(plain, server_hostname=pinned.host),
        ):
            return "the connection broke after TLS was agreed"
    except ssl.SSLError as error:
        return f"TLS: {getattr(error, 'verify_message', '') or error.reason or error}"
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__


def _page(url: str, address: str, target: Target) -> dict[str, float] | str:
    theirs = {name: ours for ours, name in target.metric_names.items()}
    tls = client_context(target.tls) if url.startswith("https") else None
    try:
        return values(asyncio.run(fetch(url, METRICS_TIMEOUT, target.sent_headers, tls, address)), theirs)
    except (FetchError, ExpositionError) as error:
        return str(error)
