"""Targets that do work which a lost answer says nothing of, and list what they did."""

from __future__ import annotations

from typing import Final

from tests.support.truth.replies import ok, plain, result
from tests.support.truth.server import RESET, Answer, Reply, Request, Target, behaviour

EVERY: Final = 7  # the answer to each so many-th call is lost, once its work is done
LIST: Final = "list_done"


@behaviour("loses-answers")
def loses_answers(target: Target, request: Request) -> Reply:
    """It does what it is asked, each time."""
    return _listed(target, request) or _done(target, request, again=True)


@behaviour("knows-repeats")
def knows_repeats(target: Target, request: Request) -> Reply:
    """It does what it is asked once for each key."""
    return _listed(target, request) or _done(target, request, again=False)


def _listed(target: Target, request: Request) -> Answer | None:
    keys = target.kept.setdefault("done", [])
    if request.path == "/done":
        return Answer(plain(keys))
    if request.message.get("params", {}).get("name") == LIST:
        content = [{"type": "text", "text": " ".join(keys)}]
        return Answer(plain({**result(request), "result": {"content": content}}))
    return None


def _done(target: Target, request: Request, *, again: bool) -> Reply:
    key, keys = request.headers["idempotency-key"], target.kept["done"]
    if again or key not in keys:
        keys.append(key)
    target.kept["calls"] = calls = target.kept.get("calls", 0) + 1
    return ok(request) if calls % EVERY else RESET
