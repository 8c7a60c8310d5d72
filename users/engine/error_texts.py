"""What failed calls were told, word for word: the first distinct texts of a run, for the report.

Samples hold a reason's number, not its words. The cold path keeps at most `MAX_TEXTS` distinct texts of a
process and then looks no more; a text is `{"t", "reason", "status", "code", "message", "detail"}`, where
`detail` is what a party behind the gateway said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from telemetry.recording.sample import REASONS
from users.transport.call import Call

MAX_TEXTS: Final = 20
MAX_LENGTH: Final = 500  # characters


class _ErrorDetail(msgspec.Struct):
    detail: str = ""


class _ToldError(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: _ErrorDetail | None = None


class _ErrorReply(msgspec.Struct):
    error: _ToldError


_decode: Final = msgspec.json.Decoder(_ErrorReply).decode


class ErrorTexts:
    """Gives each new text to `sink`, once."""

    def __init__(self, sink: Callable[[dict[str, Any]], None]) -> None:
        self._sink = sink
        self._seen: set[tuple[Any, ...]] = set()

    def see(self, call: Call, t: float) -> None:
        """Look at a failed call that was answered; `t` in seconds since start."""
        if len(self._seen) >= MAX_TEXTS:
            return
        text = _text(call)
        key = tuple(text.values())
        if key not in self._seen:
            self._seen.add(key)
            self._sink({"t": round(t, 3), **text})


def _text(call: Call) -> dict[str, Any]:
    code, message, detail = 0, "", ""
    try:
        error = _decode(call.body).error
        code, message, detail = error.code, error.message, error.data.detail if error.data else ""
    except (msgspec.DecodeError, RecursionError):
        message = call.body[:MAX_LENGTH].decode("utf-8", "replace")
    words = {"message": message[:MAX_LENGTH], "detail": detail[:MAX_LENGTH]}
    return {"reason": REASONS[call.reason], "status": call.status, "code": code, **words}
