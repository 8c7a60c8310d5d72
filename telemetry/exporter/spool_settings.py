"""Where the queues are on disk, and how much one of them may hold: what the environment says of the spool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from common.errors import ConfigError, short
from common.paths import RESULTS
from telemetry.delivery.spool import MAX_BYTES

ROOT: Final = RESULTS / ".spool"
SPOOL: Final = "RESILIENCE_SPOOL"  # another folder for the spool
SPOOL_MB: Final = "RESILIENCE_SPOOL_MB"  # the most that one run may keep there for one sink


def spool_root(env: Mapping[str, str]) -> Path:
    """Where all queues are."""
    return Path(env[SPOOL]) if env.get(SPOOL) else ROOT


def max_bytes(env: Mapping[str, str]) -> int:
    """The most of one queue. Raises ConfigError."""
    text = env.get(SPOOL_MB) or str(MAX_BYTES // 1024**2)
    if not (text.isascii() and text.isdigit()):
        raise ConfigError("environment", SPOOL_MB, f"{short(text)}, allowed: whole megabytes, such as 512")
    return int(text) * 1024**2
