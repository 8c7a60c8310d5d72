"""Random words that are the same on every machine and in every numpy version.

numpy promises the raw stream of a bit generator and the mixing of a SeedSequence for ever (NEP 19);
it does not promise what `Generator` makes of them. So only raw words of an explicit PCG64 are used,
and what is made of them is integer arithmetic and IEEE 754 basic operations, never a logarithm.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from shapes.base import whole

MAX_SEED: Final = 2**63 - 1


def words(n: int, seed: int, *stream: int) -> NDArray[np.uint64]:
    """The first `n` words, uniform on 0..2^64-1, of one of the independent streams of `seed`.

    A shorter call gives a prefix of a longer one. Raises ValueError for a seed outside 0..2^63-1.
    """
    whole("seed", seed, 0, MAX_SEED)
    from numpy.random import PCG64, SeedSequence  # read where chance is asked for alone

    raw = PCG64(SeedSequence(seed, spawn_key=stream)).random_raw(n)
    return np.asarray(raw, dtype=np.uint64)
