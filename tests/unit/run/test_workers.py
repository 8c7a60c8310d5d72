"""WORKERS=auto: by the planned rate and the machine's cores, decided once, where a request is read."""

from __future__ import annotations

import os

import pytest

from cli.launch.remote_workers import master_options
from common.errors import ConfigError
from run.checks.workers import A_PROCESS, enough
from run.request import RunRequest


@pytest.mark.parametrize(
    ("requests", "cores", "workers"),
    [
        (0, 8, 0),
        (A_PROCESS, 8, 0),  # one process in all is enough
        (A_PROCESS + 1, 8, 2),
        (5 * A_PROCESS, 8, 5),
        (5 * A_PROCESS, 2, 2),  # never more than cores
        (5 * A_PROCESS, 1, 0),
    ],
)
def test_as_many_as_the_rate_wants_and_the_machine_has_cores(requests: int, cores: int, workers: int) -> None:
    assert enough(requests, cores) == workers


def test_a_request_that_was_read_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(4)))
    asked = RunRequest("burst", workers="auto", duration="2s")
    assert asked.worker_count is None
    assert asked.read().request.worker_count == 0
    busy = RunRequest("burst", workers="auto", duration="2s", rate="200")
    assert busy.read().request.worker_count == 3  # 20,000 a second
    assert RunRequest("burst", workers="1", duration="2s", rate="200").read().request.worker_count == 1


def test_a_master_of_other_machines_cannot_know_how_many_come() -> None:
    request = RunRequest("burst", workers="auto", master=True, bind="127.0.0.1", port="5557")
    with pytest.raises(ConfigError, match=r"--workers: auto beside --master, allowed: how many will come"):
        master_options(request)
