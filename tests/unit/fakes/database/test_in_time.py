"""What the database's own work failed with, in words: a time that is over has none of its own."""

from __future__ import annotations

import pytest

from fakes.control.state import ControlError
from fakes.database import stack_database


async def _raises(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "database: no answer in time"),
        (ConnectionRefusedError("refused"), "database: refused"),
    ],
)
async def test_a_time_that_is_over_is_told(error: Exception, words: str) -> None:
    with pytest.raises(ControlError, match=f"^{words}$"):
        await stack_database._in_time(_raises(error))
