"""Which revision of MCP a target speaks, found out by asking: the answer holds for the run.

`server/discover` as the modern era has it:
    an answer, or an error of that era   modern; −32022 names the revisions that are served instead
    anything else                        `initialize`: its answer names the revision
neither                                  plain JSON-RPC
"""

from __future__ import annotations

from typing import Final, NamedTuple

from common.mcp_versions import AUTO, LEGACY, MODERN, NONE, Protocol
from run.checks.talk import RequestResult, Talk, mapping_at
from users.mcp.dialect import Dialect
from users.mcp.operations import Operation

HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION, UNKNOWN_METHOD = -32020, -32021, -32022, -32601
DISCOVER: Final = Operation(0, "server/discover", Dialect(MODERN).request("server/discover", {}))


class SpokenEra(NamedTuple):
    """`version`: a revision, or `none`; `how`: by what it was found, one line; `asked`: the requests."""

    version: str
    how: str
    asked: tuple[RequestResult, ...] = ()

    def __str__(self) -> str:
        """As a line has it."""
        spoken = "plain JSON-RPC" if self.version == NONE else f"MCP {self.version}"
        return f"{spoken}: {self.how}"


def find(talk: Talk, protocol: Protocol) -> SpokenEra:
    """What the target speaks; `talk` speaks it from now on, in a session where the era has one."""
    if protocol != AUTO:
        opened = talk.speak(Dialect(protocol))
        return SpokenEra(protocol, "the file names it", () if opened is None else (opened,))
    found = talk.call("server/discover", DISCOVER)
    version = _modern(found)
    if version == MODERN:
        talk.speak(Dialect(MODERN))
        return SpokenEra(MODERN, "server/discover was answered as that era has it", (found,))
    opened = talk.speak(Dialect(version or LEGACY[0]))
    assert opened is not None, "a revision with sessions"
    agreed = mapping_at(opened.reply, "result").get("protocolVersion")
    if not opened.reason and agreed:
        kept = agreed if agreed in LEGACY else LEGACY[-1]
        return SpokenEra(kept, f"initialize agreed on {agreed}", (found, opened))
    talk.speak(Dialect(NONE))
    why = f"status {opened.status}" if opened.status else opened.reason
    return SpokenEra(NONE, f"it answers neither server/discover nor initialize ({why})", (found, opened))


def _modern(found: RequestResult) -> str:
    """The revision that the answer to `server/discover` speaks for; "" for none."""
    code = mapping_at(found.reply, "error").get("code")
    if code == UNSUPPORTED_VERSION:
        served = mapping_at(mapping_at(found.reply, "error"), "data").get("supported")
        return next((one for one in (MODERN, *LEGACY) if one in (served or ())), "")
    era_error = code in (HEADER_MISMATCH, MISSING_CAPABILITY) or (
        code == UNKNOWN_METHOD and found.status == 404
    )
    said = mapping_at(found.reply, "result")
    discovered = not found.reason and ("supportedVersions" in said or "capabilities" in said)
    return MODERN if era_error or discovered else ""
