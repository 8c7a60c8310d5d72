"""What the transport has to be told of the protocol that it carries: when a call is answered, and how well.

`PLAIN_HTTP` knows statuses alone. Whoever speaks more over HTTP brings rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from telemetry.recording.sample import REASON_CODE, Outcome
from users.transport.call import Call, StreamReader


class AnswerRules(NamedTuple):
    """How answers are read."""

    judge: Callable[[Call], None]
    """Sets `outcome`, `reason` and all else that the call's status, headers and body tell."""
    stream_of: Callable[[int], StreamReader] | None = None
    """request id → who reads an event stream that holds its answer, as it comes; None: nobody does."""


def judge_status(call: Call) -> None:
    """A 2xx is good, whatever it says."""
    if 200 <= call.status < 300:
        call.outcome, call.reason = Outcome.OK, REASON_CODE[""]
    else:
        call.outcome = Outcome.FAILED
        call.reason = REASON_CODE["redirect" if call.status < 400 else "http_error"]


PLAIN_HTTP: Final = AnswerRules(judge_status)
