"""Targets that serve or do not: they die, hang, lie about their health, say 200 and mean no."""

from __future__ import annotations

import asyncio
import gzip
import json

from tests.support.truth.replies import health, ok, plain, refused, result
from tests.support.truth.server import CLOSE, HANG, RESET, Answer, Reply, Request, Target, behaviour

EVENTS = "text/event-stream"


@behaviour("correct")
def correct(target: Target, request: Request) -> Reply:
    return health(request) or ok(request)


@behaviour("dies")
def dies(target: Target, request: Request) -> Reply:
    """A second after the first call."""
    if target.age > 1:
        target.die()
        return RESET
    return ok(request)


@behaviour("hangs")
def hangs(target: Target, request: Request) -> Reply:
    """From a second on."""
    return HANG if target.age > 1 else ok(request)


@behaviour("hangs-at-once")
def hangs_at_once(target: Target, request: Request) -> Reply:
    return HANG


@behaviour("mostly-403")
def mostly_403(target: Target, request: Request) -> Reply:
    """Nine of ten users."""
    users = target.kept.setdefault("users", [])
    if request.user not in users:
        users.append(request.user)
    return ok(request) if users.index(request.user) % 10 == 9 else refused(request, 403, "forbidden")


@behaviour("one-user-403")
def one_user_403(target: Target, request: Request) -> Reply:
    """One of twenty users."""
    first = target.kept.setdefault("first", request.user)
    return refused(request, 403, "forbidden") if request.user == first else ok(request)


@behaviour("all-401")
def all_401(target: Target, request: Request) -> Reply:
    return refused(request, 401, "invalid_token", message="token expired")


@behaviour("all-500")
def all_500(target: Target, request: Request) -> Reply:
    return health(request) or Answer(plain({"error": "database is down, connection 4711"}), 500)


@behaviour("odd-letters")
def odd_letters(target: Target, request: Request) -> Reply:
    """Its words hold what no XML may: control characters, and half of a letter."""
    return health(request) or Answer(b'{"error": "bad \x00\x08\x1b[31m\xff byte \\ud800 ]]> <b>"}', 500)


@behaviour("rpc-error")
def rpc_error(target: Target, request: Request) -> Reply:
    error = {"code": -32603, "message": "internal error"}
    return Answer(plain({"jsonrpc": "2.0", "id": request.id, "error": error}))


@behaviour("tool-error")
def tool_error(target: Target, request: Request) -> Reply:
    content = [{"type": "text", "text": "Notion is not connected"}]
    return Answer(
        plain({"jsonrpc": "2.0", "id": request.id, "result": {"content": content, "isError": True}})
    )


@behaviour("web-page")
def web_page(target: Target, request: Request) -> Reply:
    return Answer(b"<html><body>Please sign in</body></html>", kind="text/html")


@behaviour("empty")
def empty(target: Target, request: Request) -> Reply:
    return Answer()


@behaviour("plain-text")
def plain_text(target: Target, request: Request) -> Reply:
    """The right JSON under a type that no MCP client reads."""
    return Answer(plain(result(request)), kind="text/plain")


@behaviour("truncated")
def truncated(target: Target, request: Request) -> Reply:
    return Answer(plain(result(request))[:-9])


@behaviour("redirects")
def redirects(target: Target, request: Request) -> Reply:
    return Answer(status=302, headers=(("Location", "/login"),))


@behaviour("wrong-id")
def wrong_id(target: Target, request: Request) -> Reply:
    return Answer(plain({**result(request), "id": 0}))


@behaviour("stream-stays-open")
def stream_stays_open(target: Target, request: Request) -> Reply:
    """The answer is there, and the stream goes on."""
    return Answer(b"data: " + plain(result(request)) + b"\n\n", kind=EVENTS, streaming=True)


@behaviour("stream-says-nothing")
def stream_says_nothing(target: Target, request: Request) -> Reply:
    return Answer(b": still here\n\n", kind=EVENTS, streaming=True)


@behaviour("resets")
def resets(target: Target, request: Request) -> Reply:
    """One call in twenty."""
    return RESET if request.number % 20 == 10 else ok(request)


@behaviour("resets-once")
def resets_once(target: Target, request: Request) -> Reply:
    return RESET if request.number == 50 else ok(request)


@behaviour("closes-at-once")
def closes_at_once(target: Target, request: Request) -> Reply:
    return CLOSE


@behaviour("429-without-reason")
def refuses_silently(target: Target, request: Request) -> Reply:
    return Answer(b"slow down", 429, "text/plain") if request.number % 10 == 5 else ok(request)


@behaviour("503-at-times")
def unwell_at_times(target: Target, request: Request) -> Reply:
    """Four calls in a hundred: within the old bound of 5 % 5xx."""
    return Answer(b"upstream connect error", 503, "text/plain") if request.number % 25 == 7 else ok(request)


@behaviour("unhealthy-but-serves")
def unhealthy(target: Target, request: Request) -> Reply:
    return Answer(b"", 503) if request.path == "/health" else ok(request)


@behaviour("slow-for-innocents")
async def slow_for_innocents(target: Target, request: Request) -> Reply:
    """The attackers' slow tool is quick, and everybody else waits."""
    await asyncio.sleep(0.02 if request.module == "notion" else 1.4)
    return ok(request)


@behaviour("slow")
async def slow(target: Target, request: Request) -> Reply:
    await asyncio.sleep(2.5)
    return ok(request)


# Answers as real servers write them


@behaviour("null-error")
def null_error(target: Target, request: Request) -> Reply:
    return Answer(plain(result(request, error=None)))


@behaviour("text-data")
def text_data(target: Target, request: Request) -> Reply:
    """`error.data` is a text, the code too."""
    error = {"code": "E_DENIED", "message": "denied for account 42", "data": "see the docs"}
    return Answer(plain({"jsonrpc": "2.0", "id": request.id, "error": error}))


@behaviour("list-data")
def list_data(target: Target, request: Request) -> Reply:
    error = {"code": -32000.0, "message": "no", "data": ["a", 1]}
    return Answer(plain({"jsonrpc": "2.0", "id": request.id, "error": error}), 403)


@behaviour("bom")
def bom(target: Target, request: Request) -> Reply:
    return Answer(b"\xef\xbb\xbf" + plain(result(request)))


@behaviour("loud-types")
def loud_types(target: Target, request: Request) -> Reply:
    body = b"event: message\ndata: " + plain(result(request)) + b"\n\n"
    return Answer(body, kind="TEXT/Event-Stream; charset=utf-8")


@behaviour("asks-with-our-id")
def asks_with_our_id(target: Target, request: Request) -> Reply:
    """A request of the server's own comes first on the stream and carries our id."""
    ping = {"jsonrpc": "2.0", "id": request.id, "method": "ping", "params": {}}
    events = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in (ping, result(request)))
    return Answer(events, kind=EVENTS)


@behaviour("gzip")
def zipped(target: Target, request: Request) -> Reply:
    """Only where it was asked for."""
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Answer(plain(result(request)))
    return Answer(gzip.compress(plain(result(request))), headers=(("Content-Encoding", "gzip"),))


@behaviour("gzip-unasked")
def zipped_unasked(target: Target, request: Request) -> Reply:
    return Answer(gzip.compress(plain(result(request))), headers=(("Content-Encoding", "gzip"),))
