"""The job of a loading process, and how it follows from a scenario: schedule, operations, personas.

Pure: the same scenario and seed give the same schedule, operations and draws on every worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from scenarios.parts import Group
from scenarios.schema import Scenario
from shapes.registry import make as make_shape
from shapes.schedule import Part, Schedule, merge
from targets.auth import Auth
from targets.guard import Pinned
from targets.intents import USUAL, IntentPlace
from targets.limits import Refusal
from targets.schema import Target
from users.accounts.account_client import Token
from users.accounts.accounts import Account
from users.accounts.forge import Forge
from users.engine.dispatcher import DROP_AFTER
from users.engine.ledger import LATE
from users.mcp import expectation
from users.mcp.dialect import PLAIN, Dialect
from users.mcp.headers import RequestHeaders
from users.mcp.operations import METHODS, Operation, list_tools
from users.mcp.session import OPENING_CALLS
from users.personas import persona
from users.transport.body_limits import MAX_BODY
from users.transport.endpoint import Endpoint


@dataclass(frozen=True)
class GroupBehaviour:
    """How the accounts of one group behave."""

    persona: str
    operations: tuple[Operation, ...]
    options: dict[str, Any] = field(default_factory=dict)
    dialect: Dialect = PLAIN
    reopen_within: float = 0.0  # seconds that a lost session's account waits at most before it opens another


@dataclass(frozen=True)
class Job:
    """What a loading process does; the same on every worker: its share is given to it when the run starts."""

    schedule: Schedule
    accounts: Sequence[Account]
    groups: Sequence[GroupBehaviour]
    endpoint: Endpoint
    headers: RequestHeaders
    token: Token
    forge: Forge | None = None
    elsewhere: tuple[Endpoint, ...] = ()  # the target's other addresses
    from_sources: bool = False  # accounts connect from their own addresses, which this machine has
    refusals: Sequence[Refusal] = ()  # how the target refuses in words of its own
    timeout: float = 35.0
    late: float = LATE
    drop_after: float = DROP_AFTER
    max_connections: int | None = None  # open at once, by this process
    max_body: int = MAX_BODY  # bytes of one answer
    max_rps: float | None = None  # of the whole run, all workers together
    max_duration: float | None = None
    shared_connections: bool = False  # one pool for all accounts
    ids_by_account: bool = False  # each counts its requests from 1
    late_answers: bool = False  # of calls that timed out: read on
    run: str = ""  # its name, by which nonces of other runs are told apart
    intents: str = "0"  # what its intents' keys begin with
    trace: str = "0" * 16  # what its traces' ids begin with

    @property
    def checked(self) -> bool:
        """Answers are held against what their calls sent."""
        messages = (tool.message for group in self.groups for tool in group.operations)
        return any(one.pieces or one.expect is not None for one in messages)


def request_headers(target: Target, pinned: Pinned) -> RequestHeaders:
    """What every request to the target says."""
    return RequestHeaders(
        target.path,
        pinned.authority,
        target.sent_headers,
        auth_header=(target.auth or Auth()).header,
        client_ip_header=target.client_ip_header,
    )


def tool_table(scenario: Scenario) -> list[str]:
    """The labels of everything that the run may call; a sample's `tool` is a place in it."""
    labels = list(METHODS)
    for group in scenario.groups:
        labels += [tool.label for tool in group.tools if tool.label not in labels]
    return labels


def group_behaviours(
    scenario: Scenario,
    dialect: Dialect | None = None,
    intents: IntentPlace = USUAL,
    *,
    trace: bool = False,
) -> list[GroupBehaviour]:
    """How each group behaves. `dialect` is what the target speaks; None: each group its own.

    `intents`: where calls say which intent they are for, where the scenario counts effects; `trace`: whether
    they say which trace they are of.
    """
    labels, told = tool_table(scenario), intents if scenario.counts_effects else None
    return [
        _behaviour(
            group,
            labels,
            replace(
                dialect or Dialect(group.protocol), answers=group.answers_input, intents=told, trace=trace
            ),
        )
        for group in scenario.groups
    ]


def _behaviour(group: Group, labels: list[str], dialect: Dialect) -> GroupBehaviour:
    operations = _operations(group, labels, dialect)
    options = dict(group.persona.options)
    return GroupBehaviour(group.persona.name, operations, options, dialect, group.reopen_within)


def _operations(group: Group, labels: list[str], dialect: Dialect) -> tuple[Operation, ...]:
    if not group.tools:
        return (list_tools(dialect),)
    return tuple(
        Operation(
            labels.index(tool.label),
            tool.label,
            dialect.call_tool(*tool.wire)._replace(expect=expectation.ready(tool.expect)),
            tool.weight,
            tool.command,
        )
        for tool in group.tools
    )


def opening_calls(behaviour: GroupBehaviour) -> int:
    """How many calls each of its accounts makes before load starts."""
    session = OPENING_CALLS if behaviour.dialect.legacy else 0
    return session + persona.opening_calls(behaviour.persona, behaviour.operations, behaviour.options)


def schedule(scenario: Scenario) -> Schedule:
    """The one global schedule of all groups. ValueError for a shape that cannot be made."""
    firsts = [0]
    for group in scenario.groups:
        firsts.append(firsts[-1] + group.accounts.count)
    parts = []
    for number, (group, (first, end)) in enumerate(zip(scenario.groups, pairwise(firsts), strict=True)):
        shape = make_shape(
            group.shape.kind,
            dict(group.shape.params),
            rate=group.rate * group.accounts.count,
            duration=scenario.duration,
            seed=scenario.seed + number,
        )
        parts.append(Part(shape, group=number, first_account=first, accounts=end - first))
    return merge(parts, seed=scenario.seed)
