"""Why the stack says no, and how that looks on the wire: HTTP status, JSON-RPC code, message.

What a protection answers stands in its row of `common.protections`; the rest is here. The names are those of
`telemetry.recording.sample` (a test holds both equal). Codes are of the range that is left to servers.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from common import protections


class Reason(NamedTuple):
    """The HTTP status, the JSON-RPC error code, and the default message."""

    status: int
    code: int
    message: str


class RefusedError(Exception):
    """The call ends here. `reason` is one of the wire's reasons, `retry_after` is in seconds.

    `detail` is what another party said, word for word.
    """

    def __init__(
        self,
        reason: str,
        message: str | None = None,
        retry_after: float | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message or reason)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.detail = detail


_OF_PROTECTIONS: Final = {
    row.reason: Reason(row.status, row.code, row.message) for row in protections.TABLE if row.reason
}
REFUSALS: Final = {
    **{name: _OF_PROTECTIONS[name] for name in protections.REFUSALS},
    "quota_exceeded": Reason(403, -32003, "Quota of the plan used up"),
    "insufficient_credits": Reason(403, -32003, "Not enough credits"),
    "missing_token": Reason(401, -32001, "No bearer token"),
    "invalid_token": Reason(401, -32001, "Token is not valid"),
}
ERRORS: Final = {
    **{name: _OF_PROTECTIONS[name] for name in protections.ERRORS},
    "upstream_error": Reason(502, -32052, "The tool's service failed"),
    "kv_error": Reason(500, -32603, "KV operation failed"),
    "db_pool_timeout": Reason(503, -32054, "No database connection in time"),
    "db_error": Reason(500, -32603, "Database error"),
    "origin_unavailable": Reason(503, -32055, "No origin answers"),
    "nano_killed": Reason(503, -32056, "The instance was killed"),
    "bad_gateway_secret": Reason(403, -32003, "Not called by the gateway's edge"),
    "internal_error": Reason(500, -32603, "Internal error"),
}
# Seen by a client alone; no answer of the stack carries them.
CLIENT_ONLY: Final = (
    "refused",
    "timeout",
    "connect",
    "reset",
    "bad_response",
    "http_error",
    "rpc_error",
    "tool_error",
    "redirect",
    "foreign_answer",
    "wrong_answer",
    "header_mismatch",
    "missing_capability",
    "unsupported_version",
    "input_required",
)
REASONS: Final = {**REFUSALS, **ERRORS}
