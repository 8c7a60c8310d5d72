"""What a call holds of a process's open files, and how many processes a run's calls need."""

from __future__ import annotations

import os

import pytest

from fakes.edge_worker import open_files


@pytest.mark.parametrize(
    ("calls", "limit", "processes"),
    [
        (0, 20_000, 1),
        (4_500, 20_000, 1),
        (4_501, 20_000, 2),
        (6_000, 20_000, 2),
        (15_000, 20_000, 4),
        (15_000, 524_288, 1),
        (10**9, 1_024, open_files.MOST),
    ],
)
def test_as_many_processes_as_the_calls_need_files(calls: int, limit: int, processes: int) -> None:
    assert open_files.processes(calls, limit) == processes
    if processes < open_files.MOST:
        assert processes * open_files.bears(limit) >= calls


@pytest.mark.parametrize("limit", [256, 1_024, 20_000])
def test_calls_and_what_idles_at_kv_fit_into_the_limit(limit: int) -> None:
    idle = open_files.FILES_A_CALL // 2 * open_files.idle_at_kv(limit)
    assert open_files.FILES_A_CALL * open_files.bears(limit) + idle < limit


def test_files_of_a_process_are_counted() -> None:
    before = open_files.open_now(os.getpid())
    theirs, ours = os.pipe()
    assert open_files.open_now(os.getpid()) == before + 2
    for fd in (theirs, ours):
        os.close(fd)
    with pytest.raises(FileNotFoundError):
        open_files.open_now(2**22)  # no pid reaches it
