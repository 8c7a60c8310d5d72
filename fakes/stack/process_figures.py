"""`/metrics` of the supervisor: CPU and memory of every process, the machine's CPU, what the database says.

A process that is down, and a database that gives no answer within a second, have no series: a figure
that was not observed is not told. One reading serves every scrape within `FRESH` seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from fakes.database.monitor import Monitor
from fakes.processes import process_usage
from fakes.processes.cgroup import CgroupFigures
from fakes.stack.supervisor import Stack

FRESH: Final = 0.1


class StackMetrics:
    """Reads the figures and writes them as Prometheus text."""

    def __init__(self, stack: Stack, clock: Callable[[], float] = time.monotonic) -> None:
        self._stack, self._clock = stack, clock
        self._monitor = Monitor(stack.database.admin_dsn)
        self._text, self._at = b"", float("-inf")

    async def text(self) -> bytes:
        """The text of a scrape."""
        if self._clock() - self._at > FRESH:
            said = await self._monitor.ask()
            pids = self._stack.pids()
            metrics = [*of_processes(pids, process_usage.of_all(pids)), *of_database(said)]
            metrics += [of_machine(process_usage.whole_machine()), *of_cgroups(self._stack.nanos.figures())]
            self._text, self._at = generate_latest(_Given(metrics)), self._clock()
        return self._text


class _Given(CollectorRegistry):
    """A registry that holds exactly these."""

    def __init__(self, metrics: list[Metric]) -> None:
        super().__init__()
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def of_processes(
    pids: Mapping[str, int | None], figures: Mapping[str, process_usage.CpuAndMemory]
) -> list[Metric]:
    """CPU, memory and presence by process."""
    cpu = CounterMetricFamily("stack_process_cpu_seconds", "CPU, user and system.", labels=["process"])
    rss = GaugeMetricFamily("stack_process_resident_memory_bytes", "Memory.", labels=["process"])
    up = GaugeMetricFamily("stack_process_up", "1 while it runs.", labels=["process"])
    for name, figure in figures.items():
        cpu.add_metric([name], figure.cpu_s)
        rss.add_metric([name], figure.rss)
    for name, pid in pids.items():
        up.add_metric([name], pid is not None)
    return [cpu, rss, up]


def of_machine(used: float) -> Metric:
    """The CPU of all processes of this machine, the stack's or not."""
    text = "CPU of all processes of this machine, and what its host took."
    return CounterMetricFamily("stack_machine_cpu_seconds", text, used)


def of_cgroups(figures: Mapping[str, CgroupFigures]) -> list[Metric]:
    """What the kernel counted of each nano, by the process that it holds; nothing where there is none."""
    families: list[GaugeMetricFamily | CounterMetricFamily] = [
        GaugeMetricFamily("stack_cgroup_memory_bytes", "Memory charged to it now.", labels=["process"]),
        GaugeMetricFamily("stack_cgroup_memory_peak_bytes", "The most since reset.", labels=["process"]),
        CounterMetricFamily("stack_cgroup_cpu_seconds", "CPU used.", labels=["process"]),
        CounterMetricFamily("stack_cgroup_periods", "CPU periods with work.", labels=["process"]),
        CounterMetricFamily("stack_cgroup_throttled_periods", "Those throttled.", labels=["process"]),
        CounterMetricFamily("stack_cgroup_throttled_seconds", "Time throttled.", labels=["process"]),
        CounterMetricFamily("stack_cgroup_oom_kills", "Kills for memory.", labels=["process"]),
    ]
    for name, counted in figures.items():
        for family, value in zip(families, counted, strict=True):
            family.add_metric([name], value)
    return [*families] if figures else []


def of_database(said: tuple[Mapping[str, float], float, float] | None) -> list[Metric]:
    """Connections by state and credits, as the database itself counts them."""
    up = GaugeMetricFamily("stack_db_up", "1 if the database answered this scrape.", float(said is not None))
    if said is None:
        return [up]
    states, written, consumed = said
    by_state = GaugeMetricFamily("stack_db_connections", "Connections but the monitor's.", labels=["state"])
    for state, count in states.items():
        by_state.add_metric([state], count)
    return [
        up,
        by_state,
        GaugeMetricFamily("stack_credit_transactions", "Rows of credit_transactions.", written),
        GaugeMetricFamily("stack_credits_consumed", "Sum of their amounts.", consumed),
    ]
