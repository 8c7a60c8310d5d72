from __future__ import annotations

import os
from collections import namedtuple
from typing import Any

import psutil
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from fakes.processes import process_usage
from fakes.processes.process_usage import CpuAndMemory
from fakes.stack.process_figures import of_database, of_machine, of_processes

Times = namedtuple("Times", "user system children_user children_system")
MachineTimes = namedtuple("MachineTimes", "user nice system idle iowait steal guest softirq")
Memory = namedtuple("Memory", "rss shared")


class FakeProcess:
    """As psutil's, with given figures; `gone` ones raise."""

    def __init__(
        self, times: Times, memory: Memory, children: list[FakeProcess] | None = None, gone: bool = False
    ) -> None:
        self._times, self._memory, self._children, self._gone = times, memory, children or [], gone

    def oneshot(self) -> Any:
        return CollectorRegistry()._lock

    def cpu_times(self) -> Times:
        if self._gone:
            raise psutil.NoSuchProcess(1)
        return self._times

    def memory_info(self) -> Memory:
        return self._memory

    def children(self, recursive: bool) -> list[FakeProcess]:
        return self._children


def test_a_family_counts_the_living_and_those_it_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = FakeProcess(Times(1.0, 0.5, 0.5, 0), Memory(40, 30))
    gone = FakeProcess(Times(9, 9, 0, 0), Memory(9, 9), gone=True)
    head = FakeProcess(Times(2.0, 1.0, 4.0, 0.25), Memory(50, 35), [backend, gone])
    monkeypatch.setattr(psutil, "Process", lambda pid: head)
    assert process_usage.family(7) == CpuAndMemory(3.0 + 2.0 + 4.25, (50 - 35) + (40 - 30) + 35)


def test_a_real_edges_further_processes_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    sibling = FakeProcess(Times(1.0, 0.5, 0, 0), Memory(40, 30))
    front = FakeProcess(Times(2.0, 1.0, 0, 0), Memory(50, 35), [sibling])
    monkeypatch.setattr(psutil, "Process", lambda pid: front)
    assert process_usage.of_all({"edge": 7})["edge"].cpu_s == 4.5


def test_who_is_gone_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(pid: int) -> None:
        raise psutil.NoSuchProcess(pid)

    monkeypatch.setattr(psutil, "Process", none)
    assert process_usage.of_all({"edge": 7, "postgres": 8, "upstream": None}) == {}


def test_our_own_figures_are_there() -> None:
    figures = process_usage.single(os.getpid())
    assert figures is not None
    assert figures.cpu_s > 0
    assert figures.rss > 1e6


def test_the_machine_has_used_what_its_processes_did_and_what_its_host_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = MachineTimes(5.0, 1.0, 2.0, 100.0, 50.0, 3.0, 4.0, 6.0)
    monkeypatch.setattr(psutil, "cpu_times", lambda: times)
    assert values([of_machine(process_usage.whole_machine())]) == {"stack_machine_cpu_seconds_total": 11.0}


def values(metrics: list[Metric]) -> dict[str, float]:
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def test_a_process_that_is_down_is_told_as_down_and_no_more() -> None:
    assert values(of_processes({"edge": 7, "upstream": None}, {"edge": CpuAndMemory(1.5, 100)})) == {
        "stack_process_cpu_seconds_total edge": 1.5,
        "stack_process_resident_memory_bytes edge": 100,
        "stack_process_up edge": 1,
        "stack_process_up upstream": 0,
    }


def test_a_database_that_is_silent_is_told_as_down_and_no_more() -> None:
    assert values(of_database(None)) == {"stack_db_up": 0}


def test_what_the_database_says() -> None:
    assert values(of_database(({"idle": 3.0, "active": 1.0}, 7, 14))) == {
        "stack_db_up": 1,
        "stack_db_connections idle": 3,
        "stack_db_connections active": 1,
        "stack_credit_transactions": 7,
        "stack_credits_consumed": 14,
    }
