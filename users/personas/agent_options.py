"""What an agent's behaviour is made of; the presets are `scenarios.agent_presets`.

Options of the persona `agent`; a preset gives some of them, and what stands beside it goes before it:
    preset       `naive`, `polite`, `sdk-python`, `sdk-typescript`, `stuck-loop`, `fan-out`
    retry_on     the outcomes that are repeated (default: throttled)
                   throttled     429                      server-error  5xx
                   client-error  another 4xx              timeout       no answer in time, or given up
                   connection    refused, reset, no HTTP  success       the loop that does not know it is done
                   tool-error    a status below 400 and no good result: a JSON-RPC error, `isError`, a
                                 redirect, what is no MCP, an answer that is not the one expected
    retries      how often one intent is repeated at most, 0 to 1000, or `endless` (default 3)
    wait         before a repeat: `none`, `fixed` (base), `exponential` (base × factor^repeats so far, at most
                 `most`); default fixed, and 1 s
    jitter       `none`, or `full`: a uniform share of that wait (default none)
    retry_after  whether the server's `Retry-After` goes before it (default true)
    think        seconds that a model takes to answer before the repeat, the median of a lognormal with
                 `spread` as its sigma (default 0: none; 0.6)
    give_up      seconds after which an attempt is left, and the server told with `notice`; it may go on all
                 the same (default 0: never, but for the run's own call deadline)
    tell         whether that patience goes along, as `X-Request-Timeout` in seconds (default false)
    deadline     seconds from its planned instant after which an intent is not repeated (default 120)
    reopen       whether the session is opened anew before a repeat (default false)
    fan_out      so many calls at once, all of which must succeed, or the whole set is repeated (default 1)
    vary         whether arguments change from call to call, so that a loop guard sees no loop (default false)
    budget       tokens that a success earns; a repeat costs one, an account holds `BUDGET_MOST` at most and
                 begins with them (default 0: there is no budget)
    batch_share  the share of arrivals that are a `batch` of 10 of the tool's calls (default 0)
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from scenarios.agent_presets import PRESETS

Kind = Literal["throttled", "client-error", "server-error", "timeout", "connection", "tool-error", "success"]
Preset = Literal["", "naive", "polite", "sdk-python", "sdk-typescript", "stuck-loop", "fan-out"]
Seconds = Annotated[float, Meta(ge=0, le=3600, description="0 to 3600 seconds")]
Flagged = Annotated[bool, Meta(description="true, false")]
_KINDS: Final = (
    "of throttled, client-error, server-error, timeout, connection, tool-error, success, each as a list item"
)


class AgentOptions(msgspec.Struct, frozen=True):
    """See above."""

    PRESETS: ClassVar = PRESETS

    preset: Annotated[Preset, Meta(description=", ".join(PRESETS))] = ""
    retry_on: Annotated[tuple[Kind, ...], Meta(description=_KINDS)] = ("throttled",)
    retries: Annotated[
        Annotated[int, Meta(ge=0, le=1000)] | Literal["endless"],
        Meta(description="a whole number, 0 to 1000, or endless"),
    ] = 3
    wait: Literal["none", "fixed", "exponential"] = "fixed"
    base: Seconds = 1.0
    factor: Annotated[float, Meta(ge=1, le=10, description="1 to 10")] = 2.0
    most: Seconds = 30.0
    jitter: Literal["none", "full"] = "none"
    retry_after: Flagged = True
    think: Seconds = 0.0
    spread: Annotated[float, Meta(ge=0, le=3, description="0 to 3")] = 0.6
    give_up: Seconds = 0.0
    notice: Flagged = False
    tell: Flagged = False
    deadline: Annotated[float, Meta(gt=0, le=3600, description="up to 3600 seconds")] = 120.0
    reopen: Flagged = False
    fan_out: Annotated[int, Meta(ge=1, le=100, description="a whole number, 1 to 100")] = 1
    vary: Flagged = False
    budget: Annotated[float, Meta(ge=0, le=1, description="0 to 1")] = 0.0
    batch_share: Annotated[float, Meta(ge=0, le=1, description="0 to 1")] = 0.0

    @property
    def most_repeats(self) -> float:
        """How often one intent is repeated at most; infinite without end."""
        if not self.retry_on:
            return 0
        return math.inf if self.retries == "endless" else self.retries

    @property
    def repeats(self) -> bool:
        """Whether anything is ever repeated, given up or sent beside an arrival."""
        return bool(self.most_repeats or self.give_up or self.fan_out > 1)
