"""The CPU before the stack under attack and all else of this machine, for as long as load is sent.

A nice value counts among the processes of one session alone where the kernel groups processes by session
(`sched_autogroup_enabled`, as most distributions have it): there each group has a nice value of its own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

PRIORITY: Final = -10  # nice value; root alone may go below 0
USUAL_PRIORITY: Final = os.getpriority(os.PRIO_PROCESS, 0)
USUAL_GROUP: Final = 0  # nobody sets another but for a load
GROUP: Final = Path("/proc/self/autogroup")


def claim_priority() -> None:
    """From here on load is sent."""
    _set(PRIORITY, PRIORITY)


def give_priority_back() -> None:
    """As before the load: what a later run of this process starts, its stack, inherits no advantage."""
    _set(USUAL_PRIORITY, USUAL_GROUP)


def _set(own: int, group: int) -> None:
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, own)
    with suppress(OSError):
        GROUP.write_text(str(group))
