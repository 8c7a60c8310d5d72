"""Which code a process runs, and on which machine: what a master and its workers must agree on.

`version` is the release, Locust's, and a digest of the source that makes load, so that two checkouts of one
release that differ are told apart. `machine` differs where loopback is another one: on another host, and in
another network namespace (a container's) of the same host.
"""

from __future__ import annotations

import hashlib
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import locust

from common.errors import one_line
from common.paths import ROOT
from common.secrets.environment import minimal

RELEASE: Final = (ROOT / "VERSION").read_text().strip()
COMMIT: Final = ("git", "describe", "--always", "--exclude=*", "--abbrev=12", "--dirty")
NAMES_THE_TARGETS: Final = ("TARGET_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA")
"""Variables that say which commit of the target is attacked: ours, and what the CI of its repository sets."""
LONGEST: Final = 64
ROOMS: Final = ("common", "run", "scenarios", "shapes", "targets", "telemetry", "users")


@cache
def version() -> str:
    """`0.1.0 (code 1f2e3d4c, Locust 2.47.0)`."""
    digest = hashlib.sha256()
    for file in sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return f"{RELEASE} (code {digest.hexdigest()[:8]}, Locust {locust.__version__})"


@cache
def commit() -> str:
    """The commit of this checkout, `-dirty` behind it where files differ; "" where none can be told."""
    try:
        done = subprocess.run(
            COMMIT, cwd=ROOT, env=minimal(), capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def target_commit(environ: Mapping[str, str]) -> str:
    """The commit of a target of the user's, as the environment names it; "" where it does not."""
    named = next((environ[name] for name in NAMES_THE_TARGETS if environ.get(name)), "")
    return one_line(named)[:LONGEST]


def machine() -> str:
    """The same text for all processes that share one loopback."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts = [Path("/proc/sys/kernel/random/boot_id").read_text().strip()]
        parts.append(str(Path("/proc/self/ns/net").readlink()))
    return " ".join(parts)
