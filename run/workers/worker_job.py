"""The loading side: from what the conductor says to the job of this process."""

from __future__ import annotations

import fcntl
import gc
import os
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from run.workers import version
from scenarios.schema import Scenario
from targets import guard
from targets.schema import Target
from telemetry.recording.recorder import Sink
from users.accounts.accounts import make_accounts
from users.accounts.signing import signing
from users.cluster.locust_stats import StatsSink
from users.cluster.performer import RefusalError
from users.engine import job as jobs
from users.engine.job import Job
from users.mcp.dialect import Dialect
from users.transport.endpoint import endpoints

FILES: Final = 65_536
OWN_FILES: Final = 64  # kept free for samples, logs, modules that are read late, and the verdict


def build_job(stats: Any, data: dict[str, Any]) -> tuple[Job, list[Sink]]:
    """What this process is to do, from the conductor's `load.prepare`. RefusalError: one clear line."""
    if data["version"] != (mine := version.version()):
        raise RefusalError(f"is version {mine}, the master is {data['version']}; allowed: the same on both")
    scenario = Scenario.restore(data["scenario"])
    target = Target.model_validate(data["target"])
    pinned = where(target, data)
    accounts = make_accounts(scenario, target, scenario.seed, data["ids"])
    first, *elsewhere = endpoints(target, pinned, data["ca"])
    raise_file_limit()
    job = Job(
        schedule=jobs.schedule(scenario),
        accounts=accounts,
        groups=jobs.group_behaviours(
            scenario, data["dialect"] and Dialect(**data["dialect"]), target.intents, trace=target.trace
        ),
        endpoint=first,
        elsewhere=tuple(elsewhere),
        from_sources=bool(target.sources),
        headers=jobs.request_headers(target, pinned),
        refusals=tuple(target.limits.refusals()),
        **signing(target, data["key"], accounts, data["tokens"])._asdict(),
        timeout=scenario.timeout or target.timeout,
        late=scenario.late_ms / 1000,
        max_connections=max_connections(),
        max_body=target.max_body,
        max_rps=target.max_rps,
        max_duration=target.max_duration,
        shared_connections=scenario.connections == "shared",
        ids_by_account=scenario.request_ids == "account",
        late_answers=scenario.late_answers == "read",
        run=data["run"],
        intents=data["intents"],
        trace=data["trace"],
    )
    names = [group.name for group in scenario.groups]
    widen_file_table()
    gc.unfreeze()  # what an earlier run of this process left
    gc.collect()
    gc.freeze()  # the schedule and the accounts live as long as the run: no collection need look at them
    return job, [StatsSink(stats, jobs.tool_table(scenario), names)]


def where(target: Target, data: dict[str, Any]) -> guard.Pinned:
    """Where this process may send load: where the master would, too. GuardError, RefusalError.

    The target's name is resolved here as well, and judged by the same rule. Of its addresses here those count
    that it has at the master. Loopback is the master's own: another machine has another.
    """
    pinned = guard.check(target, data["base_url"])
    if guard.is_loopback(pinned.addresses[0]) and data["machine"] != version.machine():
        raise RefusalError(
            f"{pinned.host} is this worker's own loopback, not the master's, "
            "allowed: workers on the master's machine, or a target that both reach"
        )
    shared = tuple(address for address in pinned.addresses if address in data["addresses"])
    if not shared:
        here, there = ", ".join(pinned.addresses), ", ".join(data["addresses"])
        raise RefusalError(
            f"{pinned.host} is {here} here and {there} at the master, allowed: an address in common"
        )
    return replace(pinned, addresses=shared)


def raise_file_limit() -> None:
    """As many open files as the system allows: each call in flight is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def max_connections() -> int | None:
    """How many files calls may open: what is left but for the run's own, which must be able to end."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return None
    return max(limit - sum(1 for _ in Path("/proc/self/fd").iterdir()) - min(OWN_FILES, limit // 4), 1)


def widen_file_table() -> None:
    """Make room for `FILES` open files now.

    Linux doubles a process's table of files when it is full, and where there are threads it waits for
    all processors to notice: 5 to 15 ms in which no arrival can be sent, at 256, 512, 1024 … calls.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    last = (FILES if limit == resource.RLIM_INFINITY else min(limit, FILES)) - 1
    null = os.open(os.devnull, os.O_RDONLY)
    os.close(fcntl.fcntl(null, fcntl.F_DUPFD_CLOEXEC, last))
    os.close(null)
