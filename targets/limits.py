"""What a target promises to admit: `limits` of the target file.

    limits:
      burst_per_s: 5                    # short for {most: 5}
      rate_per_min: {most: 60, window: token-bucket, size: 10}
      ip_per_min: null                  # not promised
      quota_per_day: {most: 1000, status: 403, reason: "daily limit"}

A window is `fixed` (of the wall clock, from the whole second, minute or UTC day), `sliding` (any such
span), or a `token-bucket` that holds `size` tokens (`most`, unless given) and is filled evenly. `status` and
`reason` say how it refuses, where it does so in words of its own: a text that the answer's body holds, in
upper or lower case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from common.strict import Strict

Whole = Annotated[int, Field(ge=1)]
# Key → the suite's own reason for a refusal by it, and the status that it has unless the file names one.
REASONS: Final = {
    "burst_per_s": ("burst_exceeded", 429),
    "ip_per_min": ("ip_limit_exceeded", 429),
    "rate_per_min": ("rate_limit_exceeded", 429),
    "quota_per_day": ("quota_exceeded", 403),
}


class PromisedLimit(Strict):
    """At most `most` in a window. `status` and `reason` None: refusals are told by the suite's own words."""

    most: Whole
    window: Literal["fixed", "sliding", "token-bucket"] = "fixed"
    size: Whole | None = None
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _a_bucket_has_a_size(self) -> PromisedLimit:
        if self.size is not None and self.window != "token-bucket":
            raise ValueError("size: of no bucket, allowed: together with `window: token-bucket`")
        return self


def _limit(value: Any) -> Any:
    return value if isinstance(value, dict | PromisedLimit) else {"most": value}


Promised = Annotated[PromisedLimit, BeforeValidator(_limit)] | None


class Refusal(NamedTuple):
    """How a limit refuses in words of its own: `words` in lower case, b"" for any."""

    status: int
    words: bytes
    reason: str


class Limits(Strict):
    """Per account and second, address and minute, account and minute, account and day; None: not promised.

    `free_per_day`: requests of all accounts together that a day has free of charge; None: no free tier.
    """

    burst_per_s: Promised = None
    ip_per_min: Promised = None
    rate_per_min: Promised = None
    quota_per_day: Promised = None
    free_per_day: Whole | None = None

    def refusals(self) -> Iterator[Refusal]:
        """Those limits that refuse in words of their own; limits with a text come first."""
        found = (Refusal(*one) for one in self._told())
        yield from sorted(found, key=lambda one: not one.words)

    def _told(self) -> Iterator[tuple[int, bytes, str]]:
        for key, (reason, status) in REASONS.items():
            limit: PromisedLimit | None = getattr(self, key)
            if limit is not None and (limit.status is not None or limit.reason is not None):
                yield limit.status or status, (limit.reason or "").lower().encode(), reason
