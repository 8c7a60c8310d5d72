"""Is B better than A? The statistics of a comparison of repeated runs.

The run is the unit: each figure is a list of one value a run, at least `MIN_RUNS` a side. A machine
drifts while it is measured (caches fill, neighbours wake), and in the order A B A B each B stands one
place after its A, so a drift looks like a difference. Hence, for each figure,

    y = level + difference · [B] + drift · place + noise      (y: the logarithm, or the value itself)

is fitted by least squares; the difference's variance is taken from each side's own residuals (HC2), its
degrees of freedom by Satterthwaite's formula. Without the drift term that is Welch's t test, exactly.
The p-values are corrected by Holm over all figures, and a figure's interval has the level at which Holm
tested it: it excludes 0 if and only if the test rejects. Told apart is what is rejected and larger than
the figure's noise floor. Why this and no rank test: docs/adr/0005-comparing-runs.md, with simulated figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from verdicts import student_t

MIN_RUNS: Final = 4
ALPHA: Final = 0.05
_ROUNDING: Final = 1e-12  # a spread below this share of the values is the float's own

Call = Literal["better", "worse", "not told apart"]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class FigurePair:
    """One figure of both sides: a value a run, in the order of the runs.

    A difference of at most `floor_absolute` (the figure's unit) or `floor_relative` (share of A's value)
    is never told apart, however certain.
    """

    name: str
    a: Sequence[float]
    b: Sequence[float]
    better: Literal["lower", "higher"]
    floor_relative: float = 0.0
    floor_absolute: float = 0.0
    scale: Literal["ratio", "share"] = "ratio"  # ratio: times, rates, counts; share: 0 to 1

    def __post_init__(self) -> None:
        for side, values in (("A", self.a), ("B", self.b)):
            if len(values) < MIN_RUNS:
                raise ValueError(
                    f"{self.name}: side {side} has {len(values)} runs; at least {MIN_RUNS} are needed"
                )
            if not all(map(math.isfinite, values)):
                raise ValueError(f"{self.name}: side {side} has a value that is not a finite number")
        if not (0 <= self.floor_relative < math.inf and 0 <= self.floor_absolute < math.inf):
            raise ValueError(f"{self.name}: a noise floor must be a number from 0")

    @property
    def logarithmic(self) -> bool:
        """Compared by ratio: noise of times and rates grows with them. Not with a value of 0 or less."""
        return self.scale == "ratio" and min(*self.a, *self.b) > 0


@dataclass(frozen=True)
class Difference:
    """What is said of one figure. All but shares and `p` in the figure's unit; B minus A."""

    name: str
    a: float  # mean; the geometric one where the figure is compared by ratio
    b: float
    difference: float  # free of drift, so not exactly b - a
    interval: tuple[float, float]
    relative: float | None  # difference as a share of a; None where a is 0
    relative_interval: tuple[float, float] | None
    level: float  # confidence level of the interval, 1 - ALPHA or stricter
    p: float  # Holm-corrected
    call: Call


class _Estimate(NamedTuple):
    """A difference on the fitted scale, its standard error and degrees of freedom."""

    value: float
    error: float
    df: float

    @property
    def p(self) -> float:
        if self.error == 0:
            return 0.0 if self.value else 1.0
        return 2 * student_t.below(-abs(self.value) / self.error, self.df)

    def interval(self, level: float) -> tuple[float, float]:
        reach = self.error * student_t.quantile((1 + level) / 2, self.df) if self.error else 0.0
        return self.value - reach, self.value + reach


def compare(figures: Sequence[FigurePair], *, interleaved: bool = True) -> list[Difference]:
    """Compare B with A in each figure, in the order given; Holm's correction goes over all of them.

    `interleaved`: the runs were made in the order A B A B …, and a linear drift is taken out. Without it
    (runs stored at different times) nothing can tell a drift from a difference. Raises ValueError where
    interleaved sides differ in length.
    """
    estimates = [_estimate(figure, interleaved) for figure in figures]
    return [_difference(*each) for each in zip(figures, estimates, _tested(estimates), strict=True)]


def told_apart(figures: Sequence[FigurePair], *, interleaved: bool = True) -> list[bool]:
    """As `compare`, which figures differ at all, but for their noise floors: half of its work."""
    return [one.rejected for one in _tested([_estimate(figure, interleaved) for figure in figures])]


class Tested(NamedTuple):
    """Holm's outcome for one p-value: the corrected one, and the confidence level it was tested at."""

    p: float
    level: float
    rejected: bool


def holm(ps: Sequence[float], alpha: float = ALPHA) -> list[Tested]:
    """Holm's step-down: the k-th smallest of m is tested at alpha / (m - k + 1), until one is kept.

    All that come after the first kept one stand at its level. Of the same order as `ps`.
    """
    tested: dict[int, Tested] = {}
    corrected, share, going = 0.0, alpha, True
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        corrected = max(corrected, min(1.0, ps[index] * (len(ps) - rank)))
        share = alpha / (len(ps) - rank) if going else share
        going = ps[index] <= share
        tested[index] = Tested(corrected, 1 - share, going)
    return [tested[index] for index in range(len(ps))]


def _tested(estimates: Sequence[_Estimate]) -> list[Tested]:
    return holm([estimate.p for estimate in estimates])


def _estimate(figure: FigurePair, interleaved: bool) -> _Estimate:
    if interleaved and len(figure.a) != len(figure.b):
        raise ValueError(
            f"{figure.name}: {len(figure.a)} runs of A and {len(figure.b)} of B are not interleaved"
        )
    a, b = np.array(figure.a, dtype=np.float64), np.array(figure.b, dtype=np.float64)
    if figure.logarithmic:
        a, b = np.log(a), np.log(b)
    return _fit(np.concatenate([a, b]), _solved(len(a), len(b), interleaved), len(a))


class _Solved(NamedTuple):
    """A design, solved for whatever values: they times `weights` are the coefficients."""

    weights: Values
    keep: Values  # values to their residuals
    free: Values  # of each value's variance, what its residual keeps
    contrast: Values  # each value's share in the second coefficient, squared
    trace: Values  # variances to the trace of Satterthwaite's form
    squared: Values  # the same to the trace of its square, from both sides


@cache
def _solved(a: int, b: int, interleaved: bool) -> _Solved:
    design = _design(a, b, interleaved)
    weights = np.asarray(np.linalg.pinv(design), dtype=np.float64)
    keep = np.eye(a + b, dtype=np.float64) - design @ weights
    contrast, free = weights[1] ** 2, np.diag(keep)
    spread = keep @ np.diag(contrast / free) @ keep
    return _Solved(weights, keep, free, contrast, np.diag(spread), spread * spread.T)


def _design(a: int, b: int, interleaved: bool) -> Values:
    """Columns: level, [B], and the run's place where the order is A B A B."""
    side = np.repeat([0.0, 1.0], [a, b])
    columns = [np.ones(a + b), side]
    if interleaved:
        place = np.concatenate([np.arange(0, 2 * a, 2), np.arange(1, 2 * b, 2)])
        columns.append(place - place.mean())
    return np.column_stack(columns)


def _fit(y: Values, design: _Solved, a: int) -> _Estimate:
    """Least squares; HC2 variance of the second coefficient, Satterthwaite's degrees of freedom."""
    squares = (design.keep @ y) ** 2 / design.free  # each an unbiased variance where all are equal
    error = math.sqrt(float(design.contrast @ squares))
    value = float(design.weights[1] @ y)
    dust = _ROUNDING * float(np.abs(y).max())
    if error <= dust:
        return _Estimate(value if abs(value) > dust else 0.0, 0.0, math.inf)
    variance = np.empty_like(y)
    variance[:a], variance[a:] = squares[:a].sum() / a, squares[a:].sum() / (len(y) - a)
    df = float((design.trace @ variance) ** 2 / (variance @ design.squared @ variance))
    return _Estimate(value, error, df)


def _difference(figure: FigurePair, estimate: _Estimate, tested: Tested) -> Difference:
    a, b = _centre(figure, figure.a), _centre(figure, figure.b)
    low, high = estimate.interval(tested.level)
    if figure.logarithmic:
        value, low, high = (a * math.expm1(each) for each in (estimate.value, low, high))
    else:
        value = estimate.value
    if figure.scale == "share":
        low, high = max(low, -1.0), min(high, 1.0)
    return Difference(
        name=figure.name,
        a=a,
        b=b,
        difference=value,
        interval=(low, high),
        relative=value / abs(a) if a else None,
        relative_interval=(low / abs(a), high / abs(a)) if a else None,
        level=tested.level,
        p=tested.p,
        call=_call(figure, value, a) if tested.rejected else "not told apart",
    )


def _centre(figure: FigurePair, values: Sequence[float]) -> float:
    mean = float(np.mean(np.log(values) if figure.logarithmic else values))
    return math.exp(mean) if figure.logarithmic else mean


def _call(figure: FigurePair, difference: float, a: float) -> Call:
    if abs(difference) <= max(figure.floor_absolute, figure.floor_relative * abs(a)):
        return "not told apart"
    return "better" if (difference < 0) == (figure.better == "lower") else "worse"
