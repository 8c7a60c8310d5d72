"""`make simulate SEEDS=n`: seeds on all cores; `make simulate SEED=n`: one of them, told in full.

    python -m tests.simulation --seeds 100000 [--from 0] [--jobs 2]
    python -m tests.simulation --seed 379

Exit code: 0 every property holds in every world, 1 one does not.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import sys
import time
from multiprocessing import get_context
from typing import Final

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"  # nothing here is Locust's: time and sockets stay Python's own

from tests.simulation.cases import Case, draw
from tests.simulation.knobs import simulated
from tests.simulation.properties import check
from tests.simulation.seeds import Told, failures, try_one_after_the_other
from tests.simulation.shrink import shrink
from tests.simulation.trace import Trace
from tests.simulation.world import World

CHUNK: Final = 250  # seeds a process takes at a time
SAY_EVERY: Final = 5.0  # seconds


def main(argv: list[str] | None = None) -> int:
    """Run; give the exit code."""
    options = _options(argv)
    if options.seed is not None:
        return tell(options.seed)
    return search(options.first, options.seeds, options.jobs)


def search(first: int, seeds: int, jobs: int) -> int:
    """Run so many seeds; say which fail, and what was injected."""
    told, began, said = Told(), time.monotonic(), time.monotonic()
    chunks = [range(at, min(at + CHUNK, first + seeds)) for at in range(first, first + seeds, CHUNK)]
    # A process ends with its chunk, and with it goes what its worlds leave: nobody looks through that, nor
    # through what all processes share, which would make it each one's own.
    gc.collect()
    gc.freeze()
    with get_context("fork").Pool(jobs, initializer=gc.disable, maxtasksperchild=1) as pool:
        for part in pool.imap_unordered(try_one_after_the_other, chunks, chunksize=1):
            told.add(part)
            for seed, found in sorted(part.failing.items()):
                print(f"seed {seed}: {found[0]}", flush=True)
            now = time.monotonic()
            if now - said >= SAY_EVERY or told.seeds == seeds:
                said = now
                print(_progress(told.seeds, seeds, now - began), file=sys.stderr, flush=True)
        pool.close()
        pool.join()
    print(_summary(told))
    print(_cost(told.seeds, time.monotonic() - began))
    for seed in sorted(told.failing)[:1]:
        print(f"the smallest case of seed {seed}: {_shrunk(draw(seed))}")
        print(f"all of it: make simulate SEED={seed}")
    return 1 if told.failing else 0


def tell(seed: int) -> int:
    """One seed: what happens in it, shrunk where it fails, as lines and as a diagram."""
    with simulated():
        case = draw(seed)
        if failures(case):
            case = _shrunk(case)
        world = World(case)
        trace = Trace(world)
        found = check(world.run())
    print(case)
    print("\n".join(trace.lines()))
    print("```mermaid", *trace.diagram(), "```", sep="\n")
    print("\n".join(found) or "every property holds")
    return 1 if found else 0


def _shrunk(case: Case) -> Case:
    with simulated():
        return shrink(case, lambda one: bool(failures(one)))


def _progress(done: int, seeds: int, seconds: float) -> str:
    left = seconds / done * (seeds - done)
    return f"{done:,} of {seeds:,} seeds, {done / seconds:.0f} a second, {left:.0f} s left"


def _summary(told: Told) -> str:
    lines = [f"{told.seeds:,} seeds, {len(told.failing):,} of them fail; in how many there was"]
    lines += [f"{count:>10,}  {what}" for what, count in sorted(told.had.items(), key=lambda one: -one[1])]
    return "\n".join(lines)


def _cost(seeds: int, seconds: float) -> str:
    """What it took, by the kernel's account of the processes that simulated; they are all over."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    each = f"{cpu / seeds * 1000:.2f} ms of CPU a seed: {seeds / cpu:.0f} seeds a second a core"
    most = f"a process held {used.ru_maxrss >> 10} MB at most"
    return f"{each}. In all {seconds:,.0f} s, {cpu:,.0f} s of CPU; {most}"


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", allow_abbrev=False)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
