"""What is written is there whole or not at all: `RLIMIT_FSIZE` stands in for a disk that is full."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.files.append_only import AppendOnly
from common.files.atomic_write import write_whole

RECORD = 78


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A file takes what fits below `size` bytes, then refuses the rest, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@given(first=st.integers(0, 40), second=st.integers(1, 40), room=st.integers(0, 80 * RECORD))
def test_what_does_not_fit_leaves_the_file_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, first: int, second: int, room: int
) -> None:
    path = tmp_path_factory.mktemp("run") / "samples.bin"
    file = AppendOnly(path)
    before = os.urandom(RECORD * first)
    file.add(before)
    fits = (first + second) * RECORD <= room
    with files_of_at_most(room):
        if fits:
            file.add(bytes(RECORD * second))
        else:
            with pytest.raises(OSError, match="File too large"):
                file.add(bytes(RECORD * second))
    assert path.read_bytes() == before + bytes(RECORD * second if fits else 0)
    file.add(b"x" * RECORD)
    assert path.read_bytes().endswith(b"x" * RECORD)
    file.close()
    file.close()


def test_a_file_that_cannot_be_written_whole_stays_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "end.json"
    write_whole(path, "before")
    with files_of_at_most(100), pytest.raises(OSError, match="File too large") as raised:
        write_whole(path, "x" * 5000)
    assert raised.value.errno == errno.EFBIG
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
