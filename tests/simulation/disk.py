"""A disk in memory, as paths that the product takes for `pathlib`'s: it may fill up, fail, and lose power.

What is written is there for every reader at once; after a power cut it is there as far as it had got to the
platter, which is any length from what was there long ago to all of it: nothing of a run is synced.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from random import Random
from types import SimpleNamespace
from typing import Any


class Disk:
    """Files by name. `full`, `failing`: what the next writes meet; `slow` is told of each write."""

    def __init__(self, random: Random) -> None:
        self.files: dict[str, bytearray] = {}
        self.folders: set[str] = {"/"}
        self.full = False
        self.failing = False
        self.slow: Callable[[], None] = lambda: None
        self.refused = 0  # writes
        self._random = random
        self._locks: dict[str, int] = {}  # a lock is the kernel's: on a file in memory

    def lock(self, name: str) -> str:
        """A real path, the same for one name: what is locked there is locked here."""
        if name not in self._locks:
            self._locks[name] = os.memfd_create(name)
        return f"/proc/self/fd/{self._locks[name]}"

    def close(self) -> None:
        """Give the files of locks back."""
        for file in self._locks.values():
            os.close(file)

    def path(self, name: str) -> SimulatedPath:
        """A path of this disk."""
        return SimulatedPath(self, name)

    def takes(self, name: str, size: int) -> int:
        """How many of so many bytes there is room for now. OSError: none."""
        self.slow()
        if self.failing:
            self.refused += 1
            raise OSError(errno.EIO, "Input/output error", name)
        if not self.full:
            return size
        if size > 1 and self._random.random() < 0.5:
            return self._random.randrange(1, size)
        self.refused += 1
        raise OSError(errno.ENOSPC, "No space left on device", name)

    def changes(self, name: str) -> None:
        """A change of names alone, or a truncation: a full disk has room for it, a failing one does not."""
        if self.failing:
            raise OSError(errno.EIO, "Input/output error", name)

    def cut_power(self) -> None:
        """Of each file there is left as much as had got to the platter."""
        for data in self.files.values():
            if self._random.random() < 0.5:
                del data[self._random.randint(0, len(data)) :]


class SimulatedFile:
    """A file open for appending or reading, unbuffered."""

    def __init__(self, path: SimulatedPath) -> None:
        self._disk = path.disk
        self._name = path.text
        self._data = path.disk.files.setdefault(path.text, bytearray())

    def write(self, data: Any) -> int:
        """How many bytes were taken. OSError where none were."""
        if isinstance(data, str):
            data = data.encode()
        taken = self._disk.takes(self._name, len(data))
        self._data += bytes(data[:taken])
        return taken

    def truncate(self, size: int) -> None:
        """Cut it."""
        self._disk.changes(self._name)
        del self._data[size:]

    def tell(self) -> int:
        """Its end."""
        return len(self._data)

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> SimulatedFile:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class SimulatedPath:
    """What the product uses of `pathlib.Path`."""

    __slots__ = ("disk", "name", "text")

    def __init__(self, disk: Disk, text: str) -> None:
        self.disk = disk
        self.text = text
        self.name = text.rpartition("/")[2]

    def __truediv__(self, name: str) -> SimulatedPath:
        return SimulatedPath(self.disk, f"{self.text}/{name}")

    def __str__(self) -> str:
        return self.text

    def __lt__(self, other: SimulatedPath) -> bool:
        return self.text < other.text

    def __fspath__(self) -> str:
        """For what only a kernel can do: a lock."""
        return self.disk.lock(self.text)

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0] or self.name

    @property
    def parent(self) -> SimulatedPath:
        return SimulatedPath(self.disk, self.text.rpartition("/")[0])

    def with_name(self, name: str) -> SimulatedPath:
        return self.parent / name

    def with_suffix(self, suffix: str) -> SimulatedPath:
        return self.parent / (self.stem + suffix)

    def mkdir(self, **_: Any) -> None:
        self.disk.changes(self.text)
        self.disk.folders.add(self.text)

    def rmdir(self) -> None:
        self.disk.folders.discard(self.text)

    def is_dir(self) -> bool:
        return self.text in self.disk.folders

    def exists(self) -> bool:
        return self.text in self.disk.files or self.is_dir()

    def iterdir(self) -> Iterator[SimulatedPath]:
        names = (*self.disk.folders, *self.disk.files)
        found = sorted(one for one in names if one.rpartition("/")[0] == self.text)
        return (SimulatedPath(self.disk, one) for one in found)

    def glob(self, pattern: str) -> Iterator[SimulatedPath]:
        return (one for one in self.iterdir() if fnmatchcase(one.name, pattern))

    def stat(self) -> Any:
        return SimpleNamespace(st_size=len(self._data()), st_mtime=0.0)

    def open(self, mode: str = "r", buffering: int = -1) -> Any:
        if mode == "rb":
            return io.BytesIO(bytes(self._data()))
        return SimulatedFile(self)

    def read_bytes(self) -> bytes:
        return bytes(self._data())

    def read_text(self, encoding: str = "utf-8") -> str:
        return self._data().decode()

    def write_bytes(self, data: bytes) -> None:
        self.disk.files[self.text] = bytearray()
        view = memoryview(data)
        with SimulatedFile(self) as file:
            while view:
                view = view[file.write(view) :]

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        self.write_bytes(text.encode())

    def rename(self, target: SimulatedPath) -> None:
        self.disk.changes(self.text)
        self.disk.files[target.text] = self._data()
        del self.disk.files[self.text]

    replace = rename

    def unlink(self, missing_ok: bool = False) -> None:
        if self.disk.files.pop(self.text, None) is None and not missing_ok:
            raise FileNotFoundError(self.text)

    def _data(self) -> bytearray:
        try:
            return self.disk.files[self.text]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "No such file", self.text) from None
