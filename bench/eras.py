"""What an era of MCP costs the engine: `python -m bench.eras [--rounds 5] [--seconds 10]`.

Runs at a fixed rate against the recorder, in plain JSON-RPC and in each era, in turns. Cost: CPU seconds of
the loading process per 1,000 calls, its sessions' opening and closing with it; told beside plain JSON-RPC of
the same round.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Final

import numpy as np
from scipy import stats

from bench.engine_open_model import engine
from bench.open_model import ANSWER, RATE, measure
from bench.tables import machine

PLAIN: Final = "none"
ERAS: Final = ("2025-11-25", "2026-07-28")


def rounds(count: int, seconds: float) -> dict[str, list[float]]:
    """CPU seconds per 1,000 calls by protocol, one of each a round."""
    found: dict[str, list[float]] = {protocol: [] for protocol in (PLAIN, *ERAS)}
    for turn in range(count):
        order = list(found) if turn % 2 == 0 else list(found)[::-1]
        for protocol in order:
            told = measure(partial(engine, protocol=protocol), seconds)
            found[protocol].append(told.cpu_per_1000)
            print(f"{turn + 1} of {count}: {protocol}: {told.cpu_per_1000:.3f} CPU s", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    found = rounds(options.rounds, options.seconds)
    print(f"\n{RATE} requests/s, answers of {ANSWER:g} s; {machine()}\n")
    print("| protocol | CPU s per 1,000, median | beside plain, 95 % |\n|---|---|---|")
    plain = np.array(found[PLAIN])
    for protocol, costs in found.items():
        ratios = np.log(np.array(costs) / plain)
        low, high = np.exp(
            ratios.mean() + np.array([-1, 1]) * stats.t.ppf(0.975, len(ratios) - 1) * stats.sem(ratios)
        )
        beside = "–" if protocol == PLAIN else f"× {np.exp(ratios.mean()):.3f} [{low:.3f}, {high:.3f}]"
        print(f"| {protocol} | {np.median(costs):.3f} | {beside} |")


if __name__ == "__main__":
    main()
