"""Three requests to a target, one after the other, as a run would send them: what works?

    health (`initialize` for a target that names none), tools/list, the tool (tools/list again without one)

Exactly three, whatever becomes of them; by the run's own client, account, token and pinned address. Each page
of `metrics` is looked at once besides. Where no connection comes about, one is tried without a request, for
the words of the error.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import gevent
from gevent.event import Event

from common.addresses.url import shown_url
from scenarios.schema import Scenario
from targets import guard
from targets.auth import Auth
from targets.guard import Pinned
from targets.schema import Target
from telemetry.probing.exposition import ExpositionError, values
from telemetry.probing.fetch import FetchError, fetch
from telemetry.recording.sample import REASONS, Outcome
from users.accounts.account_client import PooledAccountClient
from users.accounts.accounts import make_accounts
from users.accounts.jwks_server import JwksServer
from users.accounts.keys import load_key
from users.accounts.tokens import TokenSource, no_token
from users.engine import job
from users.engine.error_texts import ErrorTexts
from users.mcp import answers
from users.mcp.headers import RequestHeaders
from users.mcp.operations import INITIALIZE, LIST_TOOLS, Operation
from users.transport import health_check
from users.transport.call import Call
from users.transport.client import Client
from users.transport.endpoint import endpoint
from users.transport.tls import client_context

METRICS_TIMEOUT: float = 5.0  # seconds for a page of metrics


@dataclass
class RequestResult:
    """What became of one request; `reason` "": it worked; `text`: what the target said of a failure."""

    what: str
    status: int
    reason: str
    took_s: float
    headers: Mapping[str, str]
    text: str = ""


@dataclass
class Findings:
    """All that a dry run found. `metrics`: page → series, or why there are none."""

    pinned: Pinned
    answers: list[RequestResult] = field(default_factory=list)
    broken: str = ""  # why no connection came about
    key_fetches: int | None = None  # None: no keys are served
    metrics: dict[str, dict[str, float] | str] = field(default_factory=dict)


def send_three(scenario: Scenario, target: Target) -> Findings:
    """Send the three, read the metrics. Raises GuardError, ConfigError, OSError, with nothing sent."""
    found = Findings(guard.check(target))
    places = guard.check_metrics(target)
    with _signing(target, found) as token:
        _send(scenario, target, found, token)
    if all(answer.reason == "connect" for answer in found.answers):
        found.broken = _why_not(found.pinned, target)
    found.metrics = {shown_url(url): _page(url, places[url].addresses[0], target) for url in target.metrics}
    return found


@contextmanager
def _signing(target: Target, found: Findings) -> Iterator[Any]:
    auth: Auth | None = target.auth
    if auth is None:
        yield no_token
        return
    key = load_key(auth)
    server = JwksServer(auth.serve_jwks, key.jwks()) if auth.serve_jwks is not None else None
    if server is not None:
        server.start()
    try:
        yield TokenSource(auth, key)
    finally:
        if server is not None:
            found.key_fetches = server.fetches
            server.stop()


def _send(scenario: Scenario, target: Target, found: Findings, token: Any) -> None:
    over, texts = Event(), list[dict[str, Any]]()
    place = endpoint(target, found.pinned)
    auth = target.auth
    headers = RequestHeaders(
        target.path, found.pinned.authority, target.sent_headers,
        auth_header=auth.header if auth else "Authorization", client_ip_header=target.client_ip_header,
    )  # fmt: skip

    def heard(call: Call) -> None:
        """While its body is there: afterwards the client lets go of it."""
        if call.outcome is Outcome.FAILED:
            ErrorTexts(texts.append).see(call, 0.0)
        over.set()

    rules = answers.rules(headers.encodings, tuple(target.limits.refusals()), target.max_body)
    client = Client(place, heard, rules=rules, timeout=target.timeout, max_body=target.max_body)
    account = make_accounts(scenario, target, scenario.seed)[0]
    caller = PooledAccountClient(account, client, headers, token, count(1))
    try:
        for what, tool in _three(scenario, target):
            over.clear()
            texts.clear()
            if tool is None:
                call = Call(-1, time.monotonic(), account.index, 0, 0)
                path = target.health or "/"
                call.request = health_check.get(path, found.pinned.authority, target.sent_headers)
                client.send(call)
            else:
                call = caller.call(tool.message, tool.code)
            over.wait()
            found.answers.append(_answer(what, call, texts))
            gevent.sleep(0)
    finally:
        client.close()


def _three(scenario: Scenario, target: Target) -> list[tuple[str, Operation | None]]:
    """(what it is, what to call; None: a GET of the health check)."""
    first = ("health", None) if target.health is not None else ("initialize", INITIALIZE)
    tool = job.group_behaviours(scenario)[0].operations[0]
    last = ("tools/list again", LIST_TOOLS) if tool is LIST_TOOLS else (f"tool {tool.label}", tool)
    return [first, ("tools/list", LIST_TOOLS), last]


def _answer(what: str, call: Call, texts: list[dict[str, Any]]) -> RequestResult:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()}
    text = str(texts[0].get("message") or "") if texts else ""
    return RequestResult(what, call.status, REASONS[call.reason], call.done - call.sent, headers, text)


def _why_not(pinned: Pinned, target: Target) -> str:
    """Connect without saying anything, for the system's words."""
    try:
        with socket.create_connection((pinned.addresses[0], pinned.port), METRICS_TIMEOUT) as plain:
            if pinned.scheme != "https":
                return "the connection broke"
            with client_context(target.tls).wrap_socket(plain, server_hostname=pinned.host):
                return "the connection broke after TLS was agreed"
    except ssl.SSLError as error:
        return f"TLS: {getattr(error, 'verify_message', '') or error.reason or error}"
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__


def _page(url: str, address: str, target: Target) -> dict[str, float] | str:
    theirs = {name: ours for ours, name in target.metric_names.items()}
    tls = client_context(target.tls) if url.startswith("https") else None
    try:
        return values(asyncio.run(fetch(url, METRICS_TIMEOUT, tls=tls, address=address)), theirs)
    except (FetchError, ExpositionError) as error:
        return str(error)
