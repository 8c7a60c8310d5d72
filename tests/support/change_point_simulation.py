"""How often `verdicts.compare.change_points` is wrong, how soon it is right: docs/adr/0022-change-points.md.

python -m tests.support.change_point_simulation [SEED]        three minutes
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

import numpy as np

from verdicts.compare.change_points import changes
from verdicts.compare.statistics import Values

SERIES: Final = 2000
RUNS: Final = 50
STEPS: Final = 600
STEP: Final = 1.05
WITHIN: Final = (3, 5, 8)


def noises(random: np.random.Generator) -> Iterator[tuple[str, Values]]:
    """Kinds of noise between runs, in logarithms; a row a series."""
    shape = (SERIES, RUNS)
    for share in (0.005, 0.01, 0.02, 0.05, 0.2):
        yield f"normal, {100 * share:g} %", share * random.normal(size=shape)
    yield "lognormal, 1 %", 0.01 * (random.lognormal(0, 0.5, shape) - 1.133) / 0.604
    yield "Student t with 3 degrees, 1 %", 0.01 * random.standard_t(3, shape) / np.sqrt(3)
    for share in (0.03, 0.1):
        wild = (random.random(shape) < share) * random.exponential(0.1, shape)
        yield (
            f"normal, 1 %; {100 * share:g} % of runs some 10 % slower",
            0.01 * random.normal(size=shape) + wild,
        )
    drawn = random.normal(size=shape)
    for run in range(1, RUNS):
        drawn[:, run] = 0.3 * drawn[:, run - 1] + np.sqrt(1 - 0.09) * drawn[:, run]
    yield "normal, 1 %; each run a third like the last", 0.01 * drawn


def main(seed: int) -> None:
    """Both tables."""
    random = np.random.default_rng(seed)
    for name, logs in noises(random):
        wrong = np.mean([bool(changes(one, "ratio")) for one in np.exp(logs)])
        print(f"{name}: {500 * wrong:.2f} of 500 series show a change ever", flush=True)
    for noise in (0.005, 0.01, 0.015, 0.02):
        for before in (10, 15, 20, 30):
            print(
                f"noise {100 * noise:g} %, {before} runs before: {_found(random, noise, before)}", flush=True
            )


def _found(random: np.random.Generator, noise: float, before: int) -> str:
    seen, placed = dict.fromkeys(WITHIN, 0), 0
    for _ in range(STEPS):
        values = np.exp(noise * random.normal(size=before + WITHIN[-1]))
        values[before:] *= STEP
        if (found := changes(values, "ratio")) and found[0].seen > before:
            placed += found[0].at == before
            for runs in WITHIN:
                seen[runs] += found[0].seen <= before + runs
    told = [f"within {runs} runs {100 * count / STEPS:.1f} %" for runs, count in seen.items()]
    return f"{', '.join(told)}; in its place {100 * placed / STEPS:.1f} %"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
