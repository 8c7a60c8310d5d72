"""`timeout`: a request that is not answered in time is cancelled and told so with 504."""

from __future__ import annotations

import asyncio
from types import TracebackType

from fakes.http.reasons import RefusedError


class Deadline:
    """`async with Deadline(seconds)` cancels what runs inside and raises RefusedError gateway_timeout.

    The seconds run from `waited` seconds before it was made. `callers`: they are what the caller waits, who
    is gone then, and not the gateway's own timeout.
    """

    __slots__ = ("_seconds", "_timer", "callers")
    name = "timeout"

    def __init__(self, seconds: float, waited: float = 0.0, *, callers: bool = False) -> None:
        self._seconds, self.callers = seconds, callers
        self._timer = asyncio.timeout(seconds - waited)

    @property
    def expired(self) -> bool:
        """Whether a cancel that is seen inside is this deadline's."""
        return self._timer.expired()

    async def __aenter__(self) -> Deadline:
        await self._timer.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        try:
            await self._timer.__aexit__(kind, error, at)
        except TimeoutError as late:
            raise RefusedError("gateway_timeout", f"no answer within {self._seconds:g} s") from late
