"""`make stack`: keep the bundled stack up for use by hand; it ends at Ctrl-C, and by `make stop`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from common.paths import RESULTS
from run import active_runs

WHAT: Final = "the stack that was kept up"


def main(arguments: Sequence[str] | None = None) -> int:
    """Become it; the words are its own options."""
    active_runs.announce(RESULTS, WHAT, signal.SIGTERM)
    command = [sys.executable, "-m", "fakes.stack", "--keep", *(arguments or ())]
    return os.execv(command[0], command)
