"""Sample records by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import SAMPLE


def sample(done: float, **fields: Any) -> NDArray[np.void]:
    """One call that ended well at `done`, 0.1 s after it was planned, but for `fields`."""
    made = np.zeros(1, dtype=SAMPLE)
    made["done"], made["planned"], made["sent"] = done, done - 0.1, done - 0.09
    made["status"], made["upstream_s"] = 200, np.nan
    for name, value in fields.items():
        made[name] = value
    return made
