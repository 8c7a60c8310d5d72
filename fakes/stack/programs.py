"""What runs for each process of the stack, as a command that takes the options of `fakes.http.serve`.

A real part is only another command under the same name: the supervisor starts, watches, steers and ends both
alike. `make real` builds what the real ones need into `.cache/`.
"""

from __future__ import annotations

import sys
from typing import Final

from common.paths import ROOT
from fakes.edge_worker import install
from fakes.processes.children import StartError
from fakes.settings import PartsSettings

BUILT: Final = ROOT / ".cache" / "real"
ORIGIN: Final = BUILT / "origin"
FAKES: Final = {
    "edge": "fakes.edge",
    "upstream": "fakes.upstream",
    "supabase": "fakes.supabase",
    "origin-a": "fakes.origin",
    "origin-b": "fakes.origin",
}
REAL: Final = {
    "edge": (sys.executable, "-m", "fakes.edge_worker"),
    "origin-a": (str(ORIGIN),),
    "origin-b": (str(ORIGIN),),
}


class PartMissingError(StartError):
    """A real part that was asked for is not here."""


def command(process: str, parts: PartsSettings) -> tuple[str, ...]:
    """The command of a process, without its options."""
    if is_real(process, parts):
        return REAL[process]
    return sys.executable, "-m", FAKES[process]


def forked(parts: PartsSettings) -> list[str]:
    """The programs that run for some process, of those that are ours."""
    return sorted({module for process, module in FAKES.items() if not is_real(process, parts)})


def is_real(process: str, parts: PartsSettings) -> bool:
    """Whether a real part runs for this process."""
    return getattr(parts, part(process), "fakes") == "real"


def is_outside(process: str, parts: PartsSettings) -> bool:
    """Whether it runs in a container of its own, which others start."""
    return part(process) == "origin" and is_real(process, parts) and parts.nano == "container"


def part(process: str) -> str:
    """The part that a process is of: both origins are `origin`."""
    return process.partition("-")[0]


def check(parts: PartsSettings) -> None:
    """Raises PartMissingError where a real part is not built."""
    if parts.origin == "real" and parts.nano != "container" and not ORIGIN.is_file():
        raise PartMissingError("STACK: the origin in Go is not built; `make real` does that (it needs go)")
    if parts.edge == "real" and install.installed() is None:
        raise PartMissingError("STACK: workerd is not installed; `make real` does that (it needs npm)")
