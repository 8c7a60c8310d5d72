"""One arrival, one record: the format of `samples-<worker>.bin`.

A record has a fixed size, so a file that was cut by `kill -9` is readable up to its last whole
record, and numpy reads a run of any length in one call. Times are float64 seconds since the run's
`start_at`; a time that does not exist (a dropped arrival was never sent) is NaN.
"""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from common import protections


class Outcome(IntEnum):
    """What became of an arrival. sent = OK + FAILED + ABORTED."""

    OK = 0
    FAILED = 1
    ABORTED = 2
    DROPPED = 3


class Flag(IntFlag):
    """Facts about a call that are not its outcome."""

    EXTRA = 1  # beyond the schedule: a session's opening, a retry by policy
    NEW_CONNECTION = 2  # the call paid for a connection's set-up
    SSE = 4  # the answer came as a server-sent event
    RETRY = 8  # an extra call that repeats an earlier one


# A refusal is a protection that says no. An error is anything else that is not a result.
_REFUSALS: Final = (
    "ip_limit_exceeded",
    "burst_exceeded",
    "rate_limit_exceeded",
    "quota_exceeded",
    "insufficient_credits",
    "user_concurrency_exceeded",
    "global_concurrency_exceeded",
    "breaker_open",
    "missing_token",
    "invalid_token",
    "refused",  # a 429 whose body names no reason that we know
)
_SEEN: Final = (  # by the caller alone
    "timeout",  # our own total deadline
    "connect",  # no connection: refused, unreachable, TLS failed
    "reset",  # the connection broke before the answer was whole
    "foreign_answer",  # it is another call's, or holds a part of one (`users.mcp.isolation`)
    "wrong_answer",  # it does not say what was expected of it
    "bad_response",  # not HTTP, not JSON, not JSON-RPC, or not for our id
    "http_error",  # a status of 4xx or 5xx with no reason that we know
    "rpc_error",  # HTTP 200 with a JSON-RPC error
    "tool_error",  # HTTP 200 with result.isError
    "redirect",  # 3xx: never followed
    "header_mismatch",  # MCP's −32020: headers and body do not agree
    "missing_capability",  # −32021: the server needs a capability that we do not have
    "unsupported_version",  # −32022: it does not speak our revision
    "input_required",  # the result asks the user something
)
_ERRORS: Final = (
    "gateway_timeout",  # 504 request_timeout by the stack's own deadline
    "upstream_error",
    "kv_error",  # the edge's binding threw
    "worker_cpu_exceeded",
    "db_pool_timeout",
    "db_error",
    "origin_unavailable",
    "nano_killed",
    "bad_gateway_secret",
    "internal_error",
)
# A protection brings its reason along (`common.protections`); those above keep their places.
REFUSALS: Final = tuple(dict.fromkeys((*_REFUSALS, *protections.REFUSALS)))
_TOLD: Final = tuple(dict.fromkeys((*_ERRORS, *protections.ERRORS)))
ERRORS: Final = (*_SEEN, *_TOLD)
# What an answer may give as its own reason; any other word there is the target's, and means nothing here.
ANSWERED: Final = (*REFUSALS, *_TOLD)
# Why an arrival was never sent.
DROPS: Final = (
    "too_late",  # we were so far behind that sending it would bend the attack's shape
    "stopped",  # it was due for longer than `CUT_OFF`, and the run was stopped before it could be sent
    "worker_lost",  # its worker was gone, and the others had yet to take over
)
CUT_OFF: Final = 0.1
"""Seconds before a stop: what came due in them and was not sent was cut off by it, and was not planned."""
# Limits of our own machine, by the names of errno: the call could not be made, or its answer not be held,
# whatever the target is. The last four are those of a connection that never began: no route, link or leave.
OWN_LIMITS: Final = (
    *("EADDRNOTAVAIL", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"),
    *("ENETUNREACH", "ENETDOWN", "EPERM", "EACCES"),
)
NO_ROOM: Final = "no_room"
"""Why a call beyond the schedule was never made: the target's `max_rps` left no turn for it in time."""
REASONS: Final = ("", *REFUSALS, *ERRORS, *DROPS, *OWN_LIMITS, NO_ROOM)
REASON_CODE: Final = {name: code for code, name in enumerate(REASONS)}

# index: the arrival's place in the global schedule; -1 for an extra call, or `of_intent` of an arrival.
# bytes: the answer's body. upstream_s: the upstream's own time by Server-Timing, NaN if not told.
# limit, remaining: -1 if the header was absent; reset (Unix seconds), retry_after (s): NaN if absent.
_FIELDS: Final = (
    ("index", "i8", "q"),
    ("planned", "f8", "d"),
    ("sent", "f8", "d"),
    ("done", "f8", "d"),
    ("reset", "f8", "d"),
    ("account", "u4", "I"),
    ("bytes", "u4", "I"),
    ("upstream_s", "f4", "f"),
    ("retry_after", "f4", "f"),
    ("limit", "i4", "i"),
    ("remaining", "i4", "i"),
    ("tool", "u2", "H"),
    ("status", "u2", "H"),
    ("outcome", "u1", "B"),
    ("reason", "u1", "B"),
    ("flags", "u1", "B"),
    ("instance", "u1", "B"),
    ("group", "u1", "B"),
    ("attempt", "u1", "B"),
    ("rpc_code", "i4", "i"),
)
SAMPLE: Final = np.dtype([(name, "<" + kind) for name, kind, _ in _FIELDS])
PACK: Final = struct.Struct("<" + "".join(code for _, _, code in _FIELDS))
assert SAMPLE.itemsize == PACK.size


MOST_ATTEMPTS: Final = 255  # that a sample's byte can tell apart


def of_intent(arrival: int) -> int:
    """The index of an extra call that belongs to an arrival: a part of it, or a repeat. Its own inverse."""
    return -2 - arrival


def read_samples(path: Path) -> NDArray[np.void]:
    """All whole records of one file, in the order they were written; a torn tail is left out."""
    raw = path.read_bytes()
    return np.frombuffer(raw[: len(raw) - len(raw) % SAMPLE.itemsize], dtype=SAMPLE)
