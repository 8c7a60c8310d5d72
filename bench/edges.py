"""What the edge costs: the Worker in workerd beside the Python edge. `python -m bench.edges` prints tables.

Load is a closed loop of `AT_ONCE` calls on loopback from this process, which also plays both origins and the
issuer. CPU is that of the edge's process by the kernel's clock, to the nanosecond: `ROUNDS` rounds of `CALLS`
calls after a warm-up, given as the median with the range. A check's cost is what a call with that token costs
beyond one that needs none.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final, NamedTuple

from tests.support import worker_rig
from tests.support.worker_rig import SIGNERS, WORKERD, EdgeProcess, EdgeRig, token
from users.accounts.forge import KINDS

ROUNDS: Final = 5
CALLS: Final = 500
AT_ONCE: Final = 8
USERS: Final = 100
EDGES: Final = {"Worker": "fakes.edge_worker", "Python": "fakes.edge"}
UNBOUND: Final = {"burst_per_s": 10**9, "ip_per_min": 10**9}
STACKS: Final[dict[str, tuple[list[str], dict[str, Any]]]] = {
    "nothing but the key set": (["jwks-cache"], {}),
    "today (KV at every request)": (["ip-limit", "jwks-cache", "burst-limit"], {}),
    "phase1 (memory-cache)": (
        ["ip-limit", "jwks-cache", "burst-limit"],
        {"burst_strategy": "memory-cache"},
    ),
    "a key set a request (as the real Worker)": (["jwks-cache"], {"jwks_mode": "per-request"}),
}
Bearers = Iterator[bytes]


class Cost(NamedTuple):
    """CPU milliseconds a call: the median of the rounds, the least and the most."""

    middle: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.middle:.3f} ({self.least:.3f}–{self.most:.3f})"


def cpu(pid: int) -> float:
    """CPU seconds of a process."""
    return time.clock_gettime((~pid << 3) | 2)


async def cost(rig: EdgeRig, bearers: Bearers, pid: int | None = None) -> Cost:
    """What a call costs the process: the edge's own, if not another's."""
    await load(rig, bearers, CALLS)
    rounds = []
    for _ in range(ROUNDS):
        before = cpu(pid or rig.edge.pid)
        await load(rig, bearers, CALLS)
        rounds.append((cpu(pid or rig.edge.pid) - before) / CALLS * 1000)
    return Cost(median(rounds), min(rounds), max(rounds))


async def load(rig: EdgeRig, bearers: Bearers, calls: int) -> None:
    """So many calls, `AT_ONCE` at a time."""
    left = iter(range(calls))

    async def loop() -> None:
        for _ in left:
            bearer = next(bearers)
            await rig.post(*([(b"authorization", bearer)] if bearer else []))

    await asyncio.gather(*(loop() for _ in range(AT_ONCE)))


def sound(algorithm: str = "EdDSA") -> Bearers:
    """Tokens of `USERS` users, over and over."""
    return cycle([b"Bearer " + token(f"user-{number}", algorithm) for number in range(USERS)])


def forged(kind: str) -> Bearers:
    """Bad tokens of a kind, over and over."""
    return cycle([worker_rig.forged(kind, serial) for serial in range(USERS)])


async def checks(rig: EdgeRig) -> Iterator[tuple[str, Cost, float]]:
    """Kind of token, what a call costs, what of it is the check."""
    rows = []
    await begin(rig, ["jwks-cache"], {"token_cache": False})
    none = await cost(rig, cycle([b""]))
    rows.append(("no token", none, 0.0))
    for kind in KINDS:
        found = await cost(rig, forged(kind))
        rows.append((kind, found, found.middle - none.middle))
    await begin(rig, ["jwks-cache"], {})
    believed = await cost(rig, sound())
    rows.append(("valid, remembered (forwarded)", believed, 0.0))
    await begin(rig, ["jwks-cache"], {"token_cache": False})
    for algorithm in SIGNERS:
        found = await cost(rig, sound(algorithm))
        rows.append((f"valid, {algorithm} (forwarded)", found, found.middle - believed.middle))
    return iter(rows)


async def begin(rig: EdgeRig, protections: list[str], edge: dict[str, Any]) -> None:
    """Settings and protections in force, everything forgotten."""
    fresh = {"token_cache": True, "burst_strategy": "kv-every-request", "jwks_mode": "cached", **UNBOUND}
    await rig.control(b"settings", {"edge": {**fresh, **edge}})
    await rig.control(b"protections", {"names": protections})
    await rig.control(b"reset")


async def stacks(rig: EdgeRig) -> Iterator[tuple[str, Cost, Cost | None]]:
    """What is on, CPU of the edge's process, CPU of the one beside it (KV and control)."""
    beside = [child.pid for child in rig.edge.family()]
    rows = []
    for name, (protections, edge) in STACKS.items():
        await begin(rig, protections, edge)
        own = await cost(rig, sound())
        rows.append((name, own, await cost(rig, sound(), beside[0]) if beside else None))
    return iter(rows)


async def one_by_one(rig: EdgeRig, calls: int = 1000) -> list[float]:
    """CPU milliseconds of single calls, one after the other, with today's protections."""
    await begin(rig, *STACKS["today (KV at every request)"])
    bearers = sound()
    await load(rig, bearers, CALLS)
    spent = []
    for _ in range(calls):
        before = cpu(rig.edge.pid)
        await rig.post((b"authorization", next(bearers)))
        spent.append((cpu(rig.edge.pid) - before) * 1000)
    return sorted(spent)


async def measure(name: str, module: str, say: Callable[[str], None]) -> None:
    """All tables of one edge."""
    with tempfile.TemporaryDirectory() as folder:
        edge = EdgeProcess(Path(folder), module)
        rig = await EdgeRig(edge).start()
        try:
            say(f"\n{name}: CPU ms a call = CPU s per 1,000 calls\n")
            say("| in force | edge | beside it |\n|---|---|---|")
            for what, own, beside in await stacks(rig):
                say(f"| {what} | {own} | {beside or '–'} |")
            say("\n| token | a call | of it the check |\n|---|---|---|")
            for what, own, check in await checks(rig):
                say(f"| {what} | {own} | {check:.3f} |")
            spent = await one_by_one(rig)
            cuts = quantiles(spent, n=100)
            say(f"\none call at a time, today: p50 {cuts[49]:.2f}, p99 {cuts[98]:.2f} ms; ")
            say(f"over 10 ms: {sum(one > 10 for one in spent)} of {len(spent)}, most {spent[-1]:.2f} ms")
        finally:
            await rig.stop()
            edge.end()


def main() -> int:
    """Print the tables; 3 where workerd is missing."""
    if WORKERD is None:
        print("workerd is not installed; allowed: what `make real` installs", file=sys.stderr)
        return 3
    for name, module in EDGES.items():
        asyncio.run(measure(name, module, print))
    return 0


if __name__ == "__main__":
    sys.exit(main())
