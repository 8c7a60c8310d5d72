"""Which revision of MCP a target speaks, found out by asking: the answer holds for the run.

`server/discover` as the modern era has it:
    an answer, or an error of that era   modern; where it names the revisions that are served, as
                                         −32022 does, the newest of them that we speak
    anything else                        `initialize`: its answer names the revision
neither                                  plain JSON-RPC
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from common.errors import one_line
from common.mcp_versions import AUTO, LEGACY, MODERN, NONE, Protocol
from run.checks.talk import RequestResult, Talk, mapping_at
from users.mcp.dialect import Dialect
from users.mcp.operations import Operation

HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION, UNKNOWN_METHOD = -32020, -32021, -32022, -32601
UNASKED: Final = "the file has no protocol, or none; with `protocol: auto` it is asked"
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
        how = UNASKED if protocol == NONE else "the file names it"
        return SpokenEra(protocol, how, () if opened is None else (opened,))
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
        return SpokenEra(kept, f"initialize agreed on {one_line(str(agreed)):.40}", (found, opened))
    talk.speak(Dialect(NONE))
    why = f"status {opened.status}" if opened.status else opened.reason
    return SpokenEra(NONE, f"it answers neither server/discover nor initialize ({why})", (found, opened))


def _modern(found: RequestResult) -> str:
    """The revision that the answer to `server/discover` speaks for; "" for none."""
    error, said = mapping_at(found.reply, "error"), mapping_at(found.reply, "result")
    code = error.get("code")
    if code == UNSUPPORTED_VERSION:
        return _best(mapping_at(error, "data").get("supported"))
    if not found.reason and "supportedVersions" in said:
        return _best(said["supportedVersions"])
    era_error = code in (HEADER_MISMATCH, MISSING_CAPABILITY) or (
        code == UNKNOWN_METHOD and found.status == 404
    )
    return MODERN if era_error or (not found.reason and "capabilities" in said) else ""


def _best(served: Any) -> str:
    """The newest revision of those that a server names; "" where we speak none of them."""
    named = served if isinstance(served, list) else ()
    return next((one for one in (MODERN, *LEGACY) if one in named), "")
