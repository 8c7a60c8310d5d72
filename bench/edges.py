"""What the edge costs: the Worker in workerd beside the Python edge. `python -m bench.edges` prints tables.

Load is a closed loop of `AT_ONCE` calls on loopback from this process, which also plays both origins and the
issuer. CPU is that of the edge's process by the kernel's clock, to the nanosecond. Every round measures each
case on each edge once, so that other work on the machine meets all alike; it can only add, so the least of
the rounds is given first, then their median. A check's cost is what a call with that token costs beyond one
that needs none.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final, NamedTuple

from tests.support import worker_rig
from tests.support.worker_rig import SIGNERS, WORKERD, EdgeProcess, EdgeRig, token
from users.accounts.forge import KINDS

ROUNDS: Final = 7
CALLS: Final = 300  # a round, case and edge
ONE_BY_ONE: Final = 1000
AT_ONCE: Final = 8
USERS: Final = 100
EDGES: Final = {"Worker": "fakes.edge_worker", "Python": "fakes.edge"}
FRESH: Final = {
    "burst_per_s": 10**9, "ip_per_min": 10**9,  # nobody is refused: every call takes the whole way
    "burst_strategy": "kv-every-request", "jwks_mode": "cached", "token_cache": True,
}  # fmt: skip
LIMITS: Final = ("ip-limit", "jwks-cache", "burst-limit")
Bearers = Iterator[bytes]


class Case(NamedTuple):
    """What is in force, who calls, and the case whose cost is not the check's (its name)."""

    name: str
    bearers: Bearers
    edge: dict[str, Any]
    protections: Sequence[str] = ("jwks-cache",)
    base: str = ""


class RoundCosts(NamedTuple):
    """CPU milliseconds a call in each round: of the edge's process, and of the one beside it."""

    own: list[float]
    beside: list[float]


def sound(algorithm: str = "EdDSA") -> Bearers:
    """Tokens of `USERS` users, over and over."""
    return cycle([b"Bearer " + token(f"user-{number}", algorithm) for number in range(USERS)])


def forged(kind: str) -> Bearers:
    """Bad tokens of a kind, over and over."""
    return cycle([worker_rig.forged(kind, serial) for serial in range(USERS)])


def cases() -> list[Case]:
    """All of them: what is in force first, then the kinds of token."""
    checked, users = {"token_cache": False}, sound()
    return [
        Case("key set kept, tokens remembered", users, {}),
        Case("today: KV at every request", users, {}, LIMITS),
        Case("phase1: memory-cache", users, {"burst_strategy": "memory-cache"}, LIMITS),
        Case("a key set a request, as the real Worker", users, {"jwks_mode": "per-request"}),
        Case("no token", cycle([b""]), checked),
        *(Case(kind, forged(kind), checked, base="no token") for kind in KINDS),
        *(
            Case(f"valid, {name}", sound(name), checked, base="key set kept, tokens remembered")
            for name in SIGNERS
        ),
    ]


def cpu(pid: int) -> float:
    """CPU seconds of a process."""
    return time.clock_gettime((~pid << 3) | 2)


async def begin(rig: EdgeRig, case: Case) -> None:
    """Put a case in force, everything forgotten, and the key set fetched."""
    await rig.control(b"settings", {"edge": {**FRESH, **case.edge}})
    await rig.control(b"protections", {"names": list(case.protections)})
    await rig.control(b"reset")
    await load(rig, case.bearers, USERS)


async def load(rig: EdgeRig, bearers: Bearers, calls: int) -> None:
    """So many calls, `AT_ONCE` at a time."""
    left = iter(range(calls))

    async def loop() -> None:
        for _ in left:
            bearer = next(bearers)
            await rig.post(*([(b"authorization", bearer)] if bearer else []))

    await asyncio.gather(*(loop() for _ in range(AT_ONCE)))


async def round_of(rig: EdgeRig, case: Case, cost: RoundCosts) -> None:
    """Measure a case once."""
    await begin(rig, case)
    beside = [child.pid for child in rig.edge.family()]
    pids = [rig.edge.pid, *beside]
    before = [cpu(pid) for pid in pids]
    await load(rig, case.bearers, CALLS)
    own, *others = [(cpu(pid) - was) / CALLS * 1000 for pid, was in zip(pids, before, strict=True)]
    cost.own.append(own)
    cost.beside.append(sum(others))


async def one_by_one(rig: EdgeRig, case: Case) -> list[float]:
    """CPU milliseconds of single calls, one after the other."""
    await begin(rig, case)
    spent = []
    for _ in range(ONE_BY_ONE):
        before = cpu(rig.edge.pid)
        await rig.post((b"authorization", next(case.bearers)))
        spent.append((cpu(rig.edge.pid) - before) * 1000)
    return sorted(spent)


@asynccontextmanager
async def running(module: str) -> AsyncIterator[EdgeRig]:
    """An edge that runs, with its origins."""
    with tempfile.TemporaryDirectory() as folder:
        edge = EdgeProcess(Path(folder), module)
        rig = EdgeRig(edge)
        try:
            yield await rig.start()
        finally:
            await rig.stop()
            edge.end()


async def measure() -> None:
    """Measure both edges in turns, and print."""
    every = cases()
    costs: dict[tuple[str, str], RoundCosts] = defaultdict(lambda: RoundCosts([], []))
    async with running(EDGES["Worker"]) as worker, running(EDGES["Python"]) as python:
        rigs = {"Worker": worker, "Python": python}
        for _ in range(ROUNDS):
            for case in every:
                for name, rig in rigs.items():
                    await round_of(rig, case, costs[name, case.name])
        alone = {name: await one_by_one(rig, every[1]) for name, rig in rigs.items()}
    for line in [*table(every, costs), *(in_words(name, spent) for name, spent in alone.items())]:
        print(line)


def table(every: list[Case], costs: dict[tuple[str, str], RoundCosts]) -> Iterator[str]:
    """The lines of the table."""
    yield "| CPU ms a call | Worker | of it the check | KV and control beside it | Python | check |"
    yield "|---|---|---|---|---|---|"
    for case in every:
        cells = []
        for name in EDGES:
            cost, least = costs[name, case.name], min(costs[name, case.name].own)
            cells.append(f"{least:.3f} ({median(cost.own):.3f})")
            cells.append(f"{least - min(costs[name, case.base].own):.3f}" if case.base else "–")
            cells += [f"{min(cost.beside):.3f} ({median(cost.beside):.3f})"] if name == "Worker" else []
        yield f"| {case.name} | {' | '.join(cells)} |"


def in_words(name: str, spent: list[float]) -> str:
    """What single calls took."""
    cuts, over = quantiles(spent, n=100), sum(one > 10 for one in spent)
    return (
        f"{name}, one call at a time, today: p50 {cuts[49]:.2f}, p99 {cuts[98]:.2f}, most {spent[-1]:.2f} "
        f"ms; over 10 ms: {over} of {len(spent)}"
    )


def main() -> int:
    """Print the tables; 3 where workerd is missing."""
    if WORKERD is None:
        print("workerd is not installed; allowed: what `make real` installs", file=sys.stderr)
        return 3
    asyncio.run(measure())
    return 0


if __name__ == "__main__":
    sys.exit(main())
