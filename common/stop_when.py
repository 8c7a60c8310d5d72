"""When a run ends early because of what its target answers: `stop_when` of a target file or a scenario."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, model_validator

from common.durations import Duration
from common.strict import Strict

Share = Annotated[float, Field(gt=0, le=1)]
SHARES: Final = ("status_5xx_share", "status_429_share", "refused_share")


class StopWhen(Strict):
    """Any one of its keys ends the run.

    A share is of the answers of a second; it has to be reached in every second that had answers, for as
    long as `for` says. `refused`: a protection said no, whatever the status. `health_failures`: so many
    health checks in a row, one a second, gave no 2xx.
    """

    status_5xx_share: Share | None = None
    status_429_share: Share | None = None
    refused_share: Share | None = None
    health_failures: Annotated[int, Field(ge=1, le=1000)] | None = None
    window: Duration | None = Field(default=None, alias="for")

    @model_validator(mode="after")
    def _whole(self) -> StopWhen:
        if not self.shares and self.health_failures is None:
            raise ValueError(f"is empty, allowed: one or more of {', '.join(SHARES)}, health_failures")
        if self.shares and self.window is None:
            raise ValueError("for: is missing, allowed: a duration like 10s (required beside a share)")
        return self

    @property
    def shares(self) -> dict[str, float]:
        """The shares that are asked for."""
        return {key: share for key in SHARES if (share := getattr(self, key)) is not None}
