"""A slow, exact oracle of piecewise linear rates: Fraction for the integral, halving for its inverse."""

from fractions import Fraction

from shapes.piecewise import Stage


def integral(stages: tuple[Stage, ...], t: Fraction) -> Fraction:
    """Arrivals planned in [0, t): the exact area under the rate."""
    area, begin = Fraction(0), Fraction(0)
    for stage in stages:
        until, start, end = map(Fraction, stage)
        x = min(max(t - begin, Fraction(0)), until - begin)
        if x:
            area += start * x + (end - start) / (until - begin) * x * x / 2
        begin = until
    return area


def inverse(stages: tuple[Stage, ...], i: int, digits: int = 40) -> Fraction:
    """The latest time at which the integral is at most `i`, to 2^-digits of the duration."""
    low, high = Fraction(0), Fraction(stages[-1].until)
    for _ in range(digits):
        middle = (low + high) / 2
        low, high = (middle, high) if integral(stages, middle) <= i else (low, middle)
    return low
