"""A folder that a server works in who runs as somebody else: as root, Postgres and PgBouncer run as `nobody`.

All that is ours in it is made before it is handed over. From then on its owner may put a link where we look,
so no file of it is opened for writing by name, and none is read through a link: the log stays an open file.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any, Final

from common.secrets.environment import minimal

NOBODY: Final = 65534
_CHUNK: Final = 1 << 20


class HandedOver:
    """The folder, new and closed to all others, and its log. `give` hands it over."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where it is there already, or its parent will not have it."""
        folder.mkdir(mode=0o700, parents=True)
        self.folder = folder
        flags = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        self.log = os.open(folder / "log", flags, 0o600)

    def give(self) -> None:
        """Hand it over to whom the server runs as; what is in it stays ours."""
        whom = unprivileged()
        if whom is not None:
            os.chown(self.folder, *whom, follow_symlinks=False)

    @property
    def log_size(self) -> int:
        """How much its log holds, bytes."""
        return os.fstat(self.log).st_size

    def said(self, since: int = 0) -> str:
        """What its log holds from byte `since` on."""
        parts = []
        while part := os.pread(self.log, _CHUNK, since):
            parts.append(part)
            since += len(part)
        return b"".join(parts).decode(errors="replace")

    def close(self) -> None:
        """Let go of the log. Safe to repeat."""
        if self.log >= 0:
            os.close(self.log)
            self.log = -1


def read_unlinked(file: Path) -> str:
    """The text of a file in such a folder. Raises OSError, for a link too."""
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)) as stream:
        return stream.read()


def nameless() -> bool:
    """Whether passwd does not know us, as in a container that was started with some number for a user."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return True
    return False


def unprivileged() -> tuple[int, int] | None:
    """Who stands in for root, as which no Postgres runs: user and group; None where we are somebody else."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:  # a passwd of very few lines; Postgres will say what it thinks of that
        return NOBODY, NOBODY
    return nobody.pw_uid, nobody.pw_gid


def as_whom() -> dict[str, Any]:
    """Whom the server runs as and with what environment, as arguments of Popen."""
    user = unprivileged()
    whom = {} if user is None else {"user": user[0], "group": user[1], "extra_groups": []}
    return {"env": minimal(), **whom}
