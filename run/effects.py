"""What the calls of a run did, by the intents that they were for, asked once load is over: `effects.json`.

    {"source": "upstream" | "http" | "tool", "done": {"340": 1, …},
     "paid": {…} | null, "recorded": {…} | null}     arrival → how often; what has none is not there
    {"source": …, "why": "…"}                        nobody could tell

It is there where a point of the scenario asks for it. Of the bundled stack: what its upstreams did, and the
rows of charges and of usage. Of a target: what its file says under `effects`. Both are asked until nothing
changes any more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import gevent

from common.files.atomic_write import write_whole
from fakes.stack.handle import StackError, StackHandle
from run.checks.talk import Talk
from run.state import RunState
from targets import guard
from targets.effects import NOT_LISTED
from targets.guard import Pinned
from targets.reach import answering
from targets.schema import Target
from users.accounts.accounts import make_accounts
from users.accounts.intent_key import IntentKeys
from users.mcp import expectation
from users.mcp.dialect import PLAIN
from users.mcp.operations import Operation

Found = dict[str, Any]
INTERVAL: Final = 0.5  # seconds between two looks at least
WITHIN: Final = 30.0
ANEW: Final = "the upstream was started anew under way, and what it did before is forgotten"
T = TypeVar("T")


def write(state: RunState) -> None:
    """Ask and write."""
    if not state.scenario.counts_effects:
        return
    keys = IntentKeys(state.intents)
    found = _of_stack(state, state.stack, keys) if state.stack is not None else _of_target(state, keys)
    if "why" in found:
        state.say(f"effects are not counted: {found['why']}")
    write_whole(state.dir / "effects.json", json.dumps(found))


def _of_stack(state: RunState, stack: StackHandle, keys: IntentKeys) -> Found:
    found: Found = {"source": "upstream"}
    flush = state.scenario.stack_settings().origin.usage_flush
    try:
        done = _settled(stack.done, lambda one: not one["in_flight"])
        books = _settled(stack.effects, every=max(INTERVAL, 2 * flush))
    except StackError as error:
        return {**found, "why": str(error)}
    if done["since"] > state.start_at:
        return {**found, "why": ANEW}
    lists = {"done": done["done"], "paid": books["paid"], "recorded": books["recorded"]}
    return {**found, **{name: keys.count("\n".join(told)) for name, told in lists.items()}}


def _of_target(state: RunState, keys: IntentKeys) -> Found:
    wanted = state.target.effects
    if wanted is None:
        return {"source": "target", "why": NOT_LISTED}
    found: Found = {"source": "tool" if wanted.tool is not None else "http"}
    try:
        page = _settled(lambda: _asked(state))
    except (OSError, ValueError) as error:
        return {**found, "why": str(error)}
    return {**found, "done": keys.count(page), "paid": None, "recorded": None}


def _asked(state: RunState) -> str:
    """What the target lists. ValueError, or as `guard.check` and the client: there is no such answer."""
    target, effects = state.target, state.target.effects
    assert effects is not None
    if effects.http is not None:
        parts = urlsplit(effects.http.url)
        place = answering(guard.check_effects(target)[effects.http.url])
        with _talk(state, target, place) as talk:
            got = talk.get("effects", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    else:
        assert effects.tool is not None
        place = guard.check(target, state.base_url, lambda host, port: list(state.addresses))
        with _talk(state, target, place) as talk:
            talk.speak(state.dialect or PLAIN)
            got = talk.call("effects", Operation(0, "effects", talk.dialect.call_tool(*effects.tool.wire)))
    if got.status != 200 or got.reason:
        raise ValueError(f"the list of effects: {got.reason or f'status {got.status}'} {got.text}".rstrip())
    return got.page if effects.http is not None else expectation.texts(got.page.encode()) or got.page


def _talk(state: RunState, target: Target, place: Pinned) -> Talk:
    assert state.token is not None, "a target's accounts have tokens from before load on"
    return Talk(target, place, make_accounts(state.scenario, target, state.scenario.seed)[0], state.token)


def _settled(
    look: Callable[[], T], quiet: Callable[[T], bool] = lambda found: True, every: float = INTERVAL
) -> T:
    """What two looks in a row agree on, `every` seconds apart, or the last of `WITHIN` seconds."""
    end, before = time.monotonic() + WITHIN, look()
    while True:
        gevent.sleep(every)
        now = look()
        if (now == before and quiet(now)) or time.monotonic() >= end:
            return now
        before = now
