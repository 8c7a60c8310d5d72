"""The empty data directory that `initdb` makes: 0.7 CPU seconds of work with the same result each time.

It is made once for a checkout and kept as a tar file in `.cache/` (`common.files.derived`); where nothing can
be kept, or there is no tar, it is made anew. Its name changes with whatever goes into it: the program, its
options, the time zone. Who owns the directory packs and unpacks it, so as root nothing is read or written for
them that they could not read or write themselves.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex

from common.files.derived import derived_folder
from fakes.database.handed_over import as_whom


class DataTemplate:
    """The one for this program with these options."""

    def __init__(self, initdb: Path, options: Sequence[str]) -> None:
        stat, zone = initdb.stat(), (os.environ.get("TZ"), os.path.realpath("/etc/localtime"))
        made_of = repr((stat.st_size, stat.st_mtime_ns, *options, *zone))
        folder = derived_folder("postgres")
        self._name = hashlib.sha256(made_of.encode()).hexdigest()[:16]
        self._kept = None if folder is None else folder / f"{self._name}.tar"

    def unpack(self, home: Path, name: str) -> bool:
        """Make the folder `name` of it in the server's own; False where that cannot be."""
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            if self._kept is not None:
                with self._kept.open("rb") as file:
                    _tar("-x", stdin=file, cwd=home)
                return True
        shutil.rmtree(home / name, ignore_errors=True)
        return False

    def pack(self, home: Path, name: str) -> None:
        """Keep the folder `name`, which `initdb` just made."""
        if self._kept is None:
            return
        partial = self._kept.with_suffix(f".{token_hex(4)}")  # several runs may keep one at once
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            with partial.open("wb") as file:
                _tar("-c", name, stdout=file, cwd=home)
            partial.replace(self._kept)
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _tar(*words: str, cwd: Path, **files: object) -> None:
    command = ["tar", words[0], "-f", "-", *words[1:]]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **files}
    subprocess.run(command, check=True, cwd=cwd, stderr=subprocess.DEVNULL, **streams, **as_whom())  # type: ignore[call-overload]
