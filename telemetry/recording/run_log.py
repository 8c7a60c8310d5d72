"""`run.log`: what the process logged while the run lasted, one line a record, times in UTC."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

FORMAT: Final = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s"


class RunLog:
    """Adds `run.log` to wherever the root logger writes already, until `close`."""

    def __init__(self, run_dir: Path) -> None:
        formatter = logging.Formatter(FORMAT, "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        self._handler = logging.FileHandler(run_dir / "run.log", encoding="utf-8")
        self._handler.setFormatter(formatter)
        logging.getLogger().addHandler(self._handler)

    def close(self) -> None:
        """Stop writing. Safe to repeat."""
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()
