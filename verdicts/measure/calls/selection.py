"""Values by their place in ascending order, exactly, without holding more of them than fit.

Up to FIT values are taken together and partitioned. Of more, each pass counts by the next DIGIT bits of the
values' bit patterns, put so that they are in order as the values are; once the values that share all bits so
far fit, a last pass gathers them. Two passes as a rule, five at most, whatever the values are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from verdicts.run.reading import Floats
from verdicts.run.samples import Values

FIT: Final = 1_000_000  # values
DIGIT: Final = 16  # bits
MASK: Final = (1 << DIGIT) - 1
BITS: Final = 64
SIGN: Final = 1 << (BITS - 1)
Some = Floats | Values
Keys = NDArray[np.uint64]


def at_ranks(values: Some, ranks: Sequence[int]) -> list[float]:
    """The value at each rank (0 is the smallest); NaN for all where one is NaN."""
    last = values.size - 1  # NaN comes last
    wanted = sorted({*ranks, last})
    if not isinstance(values, Values) or values.size <= FIT:
        whole = np.array(values)
        whole.partition(wanted)
        found = {rank: float(whole[rank]) for rank in wanted}
    else:
        found = _selected(values, wanted)
    return [float("nan") if np.isnan(found[last]) else found[rank] for rank in ranks]


class _Bucket(NamedTuple):
    """The values whose first `known` bits are `prefix`; of them the one at `place` is wanted."""

    prefix: int
    known: int
    place: int

    def of(self, keys: Keys) -> Keys:
        """Those of the keys that are in it."""
        return keys[keys >> np.uint64(BITS - self.known) == self.prefix] if self.known else keys


def _selected(values: Values, ranks: Sequence[int]) -> dict[int, float]:
    buckets = {rank: _Bucket(0, 0, rank) for rank in ranks}
    sizes = dict.fromkeys(buckets.values(), values.size)
    while large := {bucket for bucket, size in sizes.items() if size > FIT and bucket.known < BITS}:
        counts = _counted(values, {(bucket.prefix, bucket.known) for bucket in large})
        for rank, bucket in buckets.items():
            if bucket in large:
                buckets[rank], size = _narrowed(bucket, counts[bucket.prefix, bucket.known])
                sizes[buckets[rank]] = size
        sizes = {bucket: sizes[bucket] for bucket in buckets.values()}
    whole = {(bucket.prefix, bucket.known) for bucket in buckets.values() if bucket.known < BITS}
    held = _gathered(values, whole)
    return {
        rank: _value(np.uint64(one.prefix) if one.known == BITS else held[one.prefix, one.known][one.place])
        for rank, one in buckets.items()
    }


Prefix = tuple[int, int]


def _counted(values: Values, prefixes: set[Prefix]) -> dict[Prefix, NDArray[np.int64]]:
    """How many values of each bucket have each next digit."""
    counts = {prefix: np.zeros(1 << DIGIT, np.int64) for prefix in prefixes}
    for piece in values.pieces():
        keys = _keys(piece)
        for prefix, known in prefixes:
            digits = _Bucket(prefix, known, 0).of(keys) >> np.uint64(BITS - known - DIGIT) & np.uint64(MASK)
            counts[prefix, known] += np.bincount(digits.astype(np.int64), minlength=1 << DIGIT)
    return counts


def _narrowed(bucket: _Bucket, counts: NDArray[np.int64]) -> tuple[_Bucket, int]:
    """The bucket within it that holds the wanted value, and its size."""
    upto = np.cumsum(counts)
    digit = int(np.searchsorted(upto, bucket.place, side="right"))
    before = int(upto[digit] - counts[digit])
    return _Bucket(bucket.prefix << DIGIT | digit, bucket.known + DIGIT, bucket.place - before), int(
        counts[digit]
    )


def _gathered(values: Values, prefixes: set[Prefix]) -> dict[Prefix, Keys]:
    """All keys of each bucket, in order."""
    parts: dict[Prefix, list[Keys]] = {prefix: [] for prefix in prefixes}
    for piece in values.pieces() if prefixes else ():
        keys = _keys(piece)
        for prefix, known in prefixes:
            parts[prefix, known].append(_Bucket(prefix, known, 0).of(keys))
    return {prefix: np.sort(np.concatenate(part)) for prefix, part in parts.items()}


def _keys(values: Floats) -> Keys:
    """Bit patterns that are in order as the values are: the sign turned round, negative ones inverted."""
    bits = values.view(np.uint64)
    return np.where(bits >> np.uint64(BITS - 1) == 1, ~bits, bits | np.uint64(SIGN))


def _value(key: np.uint64) -> float:
    bits = key & ~np.uint64(SIGN) if key & np.uint64(SIGN) else ~key
    return float(bits.view(np.float64))
