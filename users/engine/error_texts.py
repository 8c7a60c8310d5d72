"""What failed calls were told, word for word: the first distinct texts of a run, for the report.

Samples hold a reason's number, not its words. The cold path keeps at most `MOST` distinct texts of a
process and then looks no more; a text is `{"t", "reason", "status", "code", "message", "detail"}`, where
`detail` is what a party behind the gateway said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from telemetry.recording.sample import REASONS
from users.transport.call import Call

MOST: Final = 20
LONGEST: Final = 500  # characters


class _Data(msgspec.Struct):
    detail: str = ""


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: _Data | None = None


class _Reply(msgspec.Struct):
    error: _Error


_decode: Final = msgspec.json.Decoder(_Reply).decode


class FirstTexts:
    """Gives each new text to `sink`, once."""

    def __init__(self, sink: Callable[[dict[str, Any]], None]) -> None:
        self._sink = sink
        self._seen: set[tuple[Any, ...]] = set()

    def see(self, call: Call, t: float) -> None:
        """Look at a failed call that was answered; `t` in seconds since start."""
        if len(self._seen) >= MOST:
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
        message = call.body[:LONGEST].decode("utf-8", "replace")
    words = {"message": message[:LONGEST], "detail": detail[:LONGEST]}
    return {"reason": REASONS[call.reason], "status": call.status, "code": code, **words}
