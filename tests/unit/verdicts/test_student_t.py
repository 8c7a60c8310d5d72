"""Student's t against scipy's, from one degree of freedom to infinitely many, far into the tails."""

import math

import pytest
from scipy import special

from verdicts import student_t

FREEDOMS = (1.0, 1.3, 2.0, 3.0, 5.7, 14.0, 80.0, 1e4, math.inf)


@pytest.mark.parametrize("df", FREEDOMS)
@pytest.mark.parametrize("t", [-90.0, -4.0, -1.0, -1e-6, 0.0, 0.3, 2.5, 40.0])
def test_the_share_below(df: float, t: float) -> None:
    assert student_t.below(t, df) == pytest.approx(float(special.stdtr(df, t)), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("df", FREEDOMS)
@pytest.mark.parametrize("share", [0.5, 0.6, 0.9, 0.975, 0.9995, 0.99999])
def test_the_quantile(df: float, share: float) -> None:
    assert student_t.quantile(share, df) == pytest.approx(
        float(special.stdtrit(df, share)), rel=1e-9, abs=1e-12
    )
