"""What is measured of a real nano: memory by calls in flight, CPU by kind of request, the time of a start.

Memory is the cgroup's, over goroutines: a line by least squares through steps of calls that are held in
flight. CPU is the cgroup's over the requests of one kind, sent by a closed loop. A start is from the kernel's
kill to the first answer, less the time that the supervisor waits by its settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice, repeat
from statistics import linear_regression
from typing import Any, Final, NamedTuple

from fakes.calibration.rig import SETTINGS, CalibrationRig

STEPS: Final = 6
STEP: Final = 250  # calls
SETTLE: Final = 1.0  # seconds until a step's calls wait at the upstream, and nothing else goes on
CALLS: Final = 2000  # of each kind
AT_ONCE: Final = 8
CROWD: Final = 64  # at once where the nano is to be full
TIGHT: Final = 16 * 2**20  # bytes: a nano that some hundred calls fill
FILL: Final = 600  # calls
WITHIN: Final = 60.0  # seconds for a kill and a restart
POLL: Final = 0.05


class CalibrationError(RuntimeError):
    """What was to be seen was not seen, as one line."""


class MemoryStep(NamedTuple):
    """The origin with so many calls in flight; bytes."""

    calls: float
    goroutines: float
    memory: float
    stacks: float


class NanoFigures(NamedTuple):
    """All that was measured; `cpu_s` is by kind of request."""

    steps: list[MemoryStep]
    cpu_s: dict[str, float]
    start_s: float

    def settings(self) -> dict[str, Any]:
        """As settings of the model, but for what is the platform's: limits, share and restart."""
        calls = linear_regression([one.calls for one in self.steps], [one.goroutines for one in self.steps])
        goroutines = [one.goroutines for one in self.steps]
        memory = linear_regression(goroutines, [one.memory for one in self.steps])
        stacks = linear_regression(goroutines, [one.stacks for one in self.steps])
        if not 0 < stacks.slope < memory.slope or calls.slope < 1:
            raise CalibrationError("memory did not grow with the calls in flight: no line through it")
        return {
            "memory_base": round(memory.intercept),
            "goroutines_base": max(1, round(calls.intercept)),
            "goroutines_per_call": round(calls.slope),
            "stack_bytes": round(stacks.slope),
            "buffer_bytes": round(memory.slope - stacks.slope),
            "cpu_per_request": round(self.cpu_s["fast tool, full nano"], 6),
        }


async def measure(rig: CalibrationRig) -> NanoFigures:
    """Everything, one after the other. Raises CalibrationError."""
    return NanoFigures(cpu_s=await cpu(rig), steps=await memory(rig), start_s=await start(rig))


async def cpu(rig: CalibrationRig) -> dict[str, float]:
    """CPU seconds a request by kind; the last one with the nano's share full: what waits is batched."""
    user, limited = rig.headers("user"), rig.headers("limited", tier="free")
    await _closed_loop(lambda: rig.tool(user, "fast", "echo"), 200, AT_ONCE)  # connections, Go's own start
    kinds: dict[str, Callable[[], Awaitable[int]]] = {
        "health": rig.health,
        "tools/list": lambda: rig.rpc(user, "tools/list", {}),
        "fast tool": lambda: rig.tool(user, "fast", "echo"),
        "refused": lambda: rig.rpc(limited, "ping", {}),
    }
    rig.stack.put_protections(["rate-limit"])
    found = {name: await _cost(rig, call, AT_ONCE) for name, call in kinds.items()}
    rig.stack.put_settings({"nano": {"cpu_enforced": True}})
    found["fast tool, full nano"] = await _cost(rig, kinds["fast tool"], CROWD)
    rig.stack.put_settings({"nano": {"cpu_enforced": False}})
    rig.stack.put_protections([])
    return found


async def _cost(rig: CalibrationRig, call: Callable[[], Awaitable[int]], at_once: int) -> float:
    before = (await rig.figures())["stack_cgroup_cpu_seconds_total"]
    await _closed_loop(call, CALLS, at_once)
    return ((await rig.figures())["stack_cgroup_cpu_seconds_total"] - before) / CALLS


async def _closed_loop(call: Callable[[], Awaitable[int]], calls: int, at_once: int) -> None:
    left = islice(repeat(call), calls)

    async def loop() -> None:
        for one in left:
            await one()

    await asyncio.gather(*(loop() for _ in range(at_once)))


async def memory(rig: CalibrationRig) -> list[MemoryStep]:
    """Steps of ever more calls in flight; they are given up in the end."""
    held: list[asyncio.Task[int]] = []
    steps = [await _step(rig)]
    for _ in range(STEPS):
        held += rig.holding(STEP)
        await _in_flight(rig, len(held))
        steps.append(await _step(rig))
    await _given_up(held)
    return steps


async def _in_flight(rig: CalibrationRig, calls: int) -> None:
    """Wait until so many wait for their upstream."""
    seen = 0.0
    try:
        async with asyncio.timeout(WITHIN):
            while (seen := (await rig.figures())["mcpist_tool_calls"]) < calls:  # noqa: ASYNC110
                await asyncio.sleep(POLL)
            await asyncio.sleep(SETTLE)
    except TimeoutError:
        raise CalibrationError(f"only {seen:.0f} of {calls} calls came to be in flight") from None


async def _step(rig: CalibrationRig) -> MemoryStep:
    told = await rig.figures()
    return MemoryStep(
        told["mcpist_in_flight"], told["mcpist_goroutines"],
        told["stack_cgroup_memory_bytes"], told["go_memstats_stack_inuse_bytes"],
    )  # fmt: skip


async def start(rig: CalibrationRig) -> float:
    """Seconds from a kill by the kernel to the first answer, less `nano.restart`."""
    rig.stack.restart("origin-a")  # another instance: the memory of the one before is gone
    rig.stack.put_settings({"nano": {"memory_limit": TIGHT}})
    held = rig.holding(FILL)
    try:
        async with asyncio.timeout(WITHIN):
            while "running" not in (moves := {to: t for t, to in rig.nano_events()}):
                if "killed" in moves:
                    rig.stack.put_settings({"nano": {"memory_limit": 16 * TIGHT}})
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise CalibrationError(f"no kill and restart within {WITHIN:g} s") from None
    await _given_up(held)
    return moves["running"] - moves["killed"] - float(SETTINGS["nano"]["restart"])


async def _given_up(held: list[asyncio.Task[int]]) -> None:
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)
