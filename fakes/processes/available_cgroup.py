"""Which kind of cgroup may be made here: version 2, version 1, or a scope of the user's systemd.

What is written to is what counts: each kind is made and removed once, so nothing is left of the try.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fakes.processes import systemd_scope
from fakes.processes.cgroup import ROOT, Cgroup, CgroupError, CgroupLimits, Version1, Version2, remove

NANO = CgroupLimits(256 * 2**20, 0.1)


def find(name: str, root: Path = ROOT) -> Cgroup:
    """A cgroup of that name that may be made here. Raises CgroupError."""
    said = ""
    for kind in _kinds(name, root):
        try:
            kind.make(NANO)
        except (CgroupError, OSError) as error:
            said = str(error)
        else:
            return kind
        finally:
            remove(kind.folders)
    if systemd_scope.usable():
        return systemd_scope.Scope(name)
    raise CgroupError(f"no cgroup may be made here ({said}); it takes root, or systemd-run --user")


def _kinds(name: str, root: Path) -> Iterator[Cgroup]:
    """By preference; the last one's refusal is told, as that is the older machine's."""
    for parent in (root, *_delegated(root)):
        yield Version2(name, parent)
    yield Version1(name, root)


def _delegated(root: Path) -> list[Path]:
    """The cgroup above our own: where the user's systemd lends it to us, another may be made beside ours."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::") and line != "0::/":
                return [(root / line[4:]).parent]
    return []
