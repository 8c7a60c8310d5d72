"""Simulated comparisons: what each method calls different among equals, and what it finds.

`python -m tests.support.compare_simulation 4` prints the tables of docs/adr/0005-comparing-runs.md.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from verdicts.compare import statistics
from verdicts.compare.statistics import FigurePair, compare, holm

Floats = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Floats]
Method = Callable[[Floats, Floats], list[bool]]
"""(A, B), each of shape (figures, runs), to whether each figure is told apart."""

FIGURES = 5
NOISES: dict[str, Noise] = {  # of the value's logarithm, each with mean 0
    "normal": lambda random, shape: random.normal(0, 1, shape),
    "lognormal": lambda random, shape: np.exp(random.normal(0, 0.8, shape)) - np.exp(0.32),
    "heavy": lambda random, shape: random.standard_t(2, shape),
    "outliers": lambda random, shape: (
        random.normal(0, 1, shape) + 10 * random.exponential(1, shape) * (random.random(shape) < 0.1) - 1
    ),
}
DRIFTS: dict[str, Callable[[Floats], Any]] = {  # place of the run in 0..1 to a part of the value
    "none": lambda place: 0 * place,
    "linear": lambda place: 0.5 * place,
    "bent": lambda place: 0.5 * (1 - np.exp(-3 * place)),
    "jump": lambda place: 0.3 * (place > 0.5),
    "cold start": lambda place: 0.3 * (place == 0),
}


def pair(
    random: np.random.Generator, noise: str, drift: str, runs: int, noise_b: float = 1.0
) -> tuple[Floats, Floats]:
    """A and B, equal but for chance: shape (FIGURES, runs) each, around 100.

    The noise is 5 % in each figure; half its variance is shared by the figures of a run, as it is among
    percentiles. B's noise is `noise_b` times A's.
    """
    own = NOISES[noise](random, (FIGURES, 2 * runs))
    common = NOISES[noise](random, (1, 2 * runs))
    place = np.arange(2 * runs) / (2 * runs - 1)
    parts = 0.05 * (own + common) / np.sqrt(2)
    parts[:, 1::2] *= noise_b
    values = 100 * np.exp(parts + DRIFTS[drift](place))
    return values[:, ::2], values[:, 1::2]


def ours(a: Floats, b: Floats) -> list[bool]:
    figures = [
        FigurePair(str(k), x.tolist(), y.tolist(), "lower") for k, (x, y) in enumerate(zip(a, b, strict=True))
    ]
    return statistics.told_apart(figures)


def _by_p(test: Callable[[Floats, Floats], Any]) -> Method:
    def told(a: Floats, b: Floats) -> list[bool]:
        return [each.rejected for each in holm(test(a, b).pvalue.tolist())]

    return told


def _pooled(a: Floats, b: Floats) -> SimpleNamespace:
    """The same model with one variance for both sides: ordinary least squares, 2n − 3 degrees."""
    runs = a.shape[1]
    place = np.concatenate([np.arange(0, 2 * runs, 2), np.arange(1, 2 * runs, 2)])
    design = np.column_stack([np.ones(2 * runs), np.repeat([0.0, 1.0], runs), place])
    y = np.log(np.concatenate([a, b], axis=1))
    weights = np.linalg.pinv(design)
    residuals = y - y @ weights.T @ design.T
    error = np.sqrt((residuals**2).sum(axis=1) / (2 * runs - 3) * (weights[1] ** 2).sum())
    return SimpleNamespace(pvalue=2 * stats.t.sf(np.abs(y @ weights[1]) / error, 2 * runs - 3))


def _bootstrap(a: Floats, b: Floats) -> list[bool]:
    """Percentile bootstrap of the difference of means, at Bonferroni's level."""
    random = np.random.default_rng(1)
    draws = random.integers(0, a.shape[1], (2, 2000, a.shape[1]))
    differences = b[:, draws[1]].mean(axis=2) - a[:, draws[0]].mean(axis=2)
    tail = 2.5 / FIGURES
    low, high = np.percentile(differences, [tail, 100 - tail], axis=1)
    return ((low > 0) | (high < 0)).tolist()  # type: ignore[no-any-return]


METHODS: dict[str, Method] = {
    "this": ours,
    "pooled": _by_p(_pooled),
    "Welch t": _by_p(lambda a, b: stats.ttest_ind(np.log(a), np.log(b), axis=1, equal_var=False)),
    "paired t": _by_p(lambda a, b: stats.ttest_rel(np.log(a), np.log(b), axis=1)),
    "exact rank": _by_p(lambda a, b: stats.mannwhitneyu(a, b, axis=1, method="exact")),
    "bootstrap": _bootstrap,
}


def told_apart(method: Method, noise: str, drift: str, runs: int, pairs: int, noise_b: float = 1.0) -> float:
    """Share of `pairs` of equals with any figure told apart."""
    random = np.random.default_rng(1)
    return sum(any(method(*pair(random, noise, drift, runs, noise_b))) for _ in range(pairs)) / pairs


def found(
    method: Method, ratio: float, noise: str, drift: str, runs: int, pairs: int, seed: int = 2
) -> float:
    """Share of `pairs` whose first figure, B = ratio · A, is told apart among four that are equal."""
    random = np.random.default_rng(2)
    hits = 0
    for _ in range(pairs):
        a, b = pair(random, noise, drift, runs)
        b = b.copy()
        b[0] *= ratio
        hits += method(a, b)[0]
    return hits / pairs


def covered(noise: str, drift: str, runs: int, pairs: int, noise_b: float = 1.0) -> float:
    """Share of 95 % intervals (one figure alone) that hold the true difference, 0."""
    random = np.random.default_rng(3)
    hits = 0
    for _ in range(pairs):
        a, b = pair(random, noise, drift, runs, noise_b)
        [one] = compare([FigurePair("one", a[0].tolist(), b[0].tolist(), "lower")])
        hits += one.interval[0] <= 0 <= one.interval[1]
    return hits / pairs


def main() -> None:
    runs, pairs = int(sys.argv[1]), 1000
    _table(
        f"equals told apart, {runs} runs a side",
        list(METHODS),
        {
            f"{noise}, {drift}": [
                f"{told_apart(method, noise, drift, runs, pairs):.1%}" for method in METHODS.values()
            ]
            for noise, drift in itertools.product(NOISES, DRIFTS)
        }
        | {
            f"normal, B's noise × {noise_b}": [
                f"{told_apart(method, 'normal', 'none', runs, pairs, noise_b):.1%}"
                for method in METHODS.values()
            ]
            for noise_b in (2.0, 0.1)
        },
    )
    _table(
        f"found of B / A, {runs} runs a side, normal noise of 5 %, linear drift",
        list(METHODS),
        {
            f"{ratio}": [
                f"{found(method, ratio, 'normal', 'linear', runs, pairs):.0%}" for method in METHODS.values()
            ]
            for ratio in (1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.5, 2.0)
        },
    )
    _table(
        f"95 % intervals that hold the truth, {runs} runs a side",
        ["no drift", "linear", "jump", "B's noise × 2", "B's noise × 0.1"],
        {
            noise: [f"{covered(noise, drift, runs, pairs):.1%}" for drift in ("none", "linear", "jump")]
            + [f"{covered(noise, 'none', runs, pairs, noise_b):.1%}" for noise_b in (2.0, 0.1)]
            for noise in NOISES
        },
    )


def _table(title: str, columns: list[str], rows: dict[str, list[str]]) -> None:
    print(f"| {title} | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")
    print()


if __name__ == "__main__":
    main()
