"""Which code a process runs, and on which machine: what a master and its workers must agree on.

`version` is the release, Locust's, and a digest of the source that makes load, so that two checkouts of one
release that differ are told apart. `machine` differs where loopback is another one: on another host, and in
another network namespace (a container's) of the same host.
"""

from __future__ import annotations

import hashlib
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import locust

from common.paths import ROOT

RELEASE: Final = (ROOT / "VERSION").read_text().strip()
ROOMS: Final = ("common", "run", "scenarios", "shapes", "targets", "telemetry", "users")


@cache
def version() -> str:
    """`0.1.0 (code 1f2e3d4c, Locust 2.47.0)`."""
    digest = hashlib.sha256()
    for file in sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return f"{RELEASE} (code {digest.hexdigest()[:8]}, Locust {locust.__version__})"


def machine() -> str:
    """The same text for all processes that share one loopback."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts = [Path("/proc/sys/kernel/random/boot_id").read_text().strip()]
        parts.append(str(Path("/proc/self/ns/net").readlink()))
    return " ".join(parts)
