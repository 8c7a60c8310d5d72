"""What a child process is given of our environment: what it needs to run, and what its starter names.

The environment of a process is where secrets stand (`INFLUXDB_V2_TOKEN`, `WEB_PASSWORD`, a signing key, and
whatever else the shell had), and a child may run as somebody else, who can read it there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

NEEDED: Final = (
    "PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV",
    "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS", "PYTHONHASHSEED",
    "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "RESILIENCE_NO_PGBOUNCER", "RESILIENCE_HISTORY",
)  # fmt: skip


def minimal(*more: str, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Those of `NEEDED` and `more` that are set."""
    return {name: given[name] for name in (*NEEDED, *more) if name in given}
