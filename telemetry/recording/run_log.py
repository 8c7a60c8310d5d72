"""`run.log`: what the process logged while the run lasted, one line a record, times in UTC."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

FORMAT: Final = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s"


class _File(logging.FileHandler):
    """A log that cannot be written is no reason to say anything: whoever needs the disk says so."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Leave the record out."""


class RunLog:
    """Adds `run.log` to wherever the root logger writes already, until `close`."""

    def __init__(self, run_dir: Path) -> None:
        formatter = logging.Formatter(FORMAT, "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        self._handler = _File(run_dir / "run.log", encoding="utf-8")
        self._handler.setFormatter(formatter)
        logging.getLogger().addHandler(self._handler)

    def broke(self, text: str, error: Exception) -> None:
        """Write where it broke, in this file alone: a terminal has the one line of it. After `close`, too."""
        where = (type(error), error, error.__traceback__)
        self._handler.emit(logging.LogRecord("resilience", logging.ERROR, __file__, 0, text, None, where))
        if self._handler not in logging.getLogger().handlers:
            self._handler.close()

    def close(self) -> None:
        """Stop writing. Safe to repeat."""
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()
