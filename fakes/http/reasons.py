"""Why the stack says no, and how that looks on the wire: HTTP status, JSON-RPC code, message.

The names are those of `telemetry.recording.sample`; the fakes keep their own copy because nothing is imported
across that border (a test holds both equal). Codes are of the range that JSON-RPC leaves to servers.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Reason(NamedTuple):
    """One row: the HTTP status, the JSON-RPC error code, and the default message."""

    status: int
    code: int
    message: str


REFUSALS: Final = {
    "ip_limit_exceeded": Reason(429, -32029, "Too many requests from this address"),
    "burst_exceeded": Reason(429, -32029, "Too many requests a second"),
    "rate_limit_exceeded": Reason(429, -32029, "Rate limit of the plan exceeded"),
    "quota_exceeded": Reason(403, -32003, "Quota of the plan used up"),
    "insufficient_credits": Reason(403, -32003, "Not enough credits"),
    "user_concurrency_exceeded": Reason(429, -32029, "Too many calls of this user at once"),
    "global_concurrency_exceeded": Reason(503, -32050, "Too many calls at once"),
    "breaker_open": Reason(503, -32050, "The tool's service is failing; not called"),
    "missing_token": Reason(401, -32001, "No bearer token"),
    "invalid_token": Reason(401, -32001, "Token is not valid"),
}
ERRORS: Final = {
    "gateway_timeout": Reason(504, -32051, "request_timeout"),
    "upstream_error": Reason(502, -32052, "The tool's service failed"),
    "kv_error": Reason(500, -32603, "KV operation failed"),
    "worker_cpu_exceeded": Reason(503, -32053, "Worker exceeded its CPU time limit (1102)"),
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
)
REASONS: Final = {**REFUSALS, **ERRORS}
