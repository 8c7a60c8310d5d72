"""Each fault that is made on purpose is found by the seed kept for it, which is good without it."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest

from tests.simulation.mutations import MUTATIONS, mutated
from tests.simulation.seeds import first_failing

FOUND_BY: Final = {  # the first of the seeds from 0 on
    "the lease is two seconds too long": 27,
    "a lease that is over is renewed": 379,
    "an arrival on the lease's last instant is sent": 338,
    "what comes after a stop is recorded as dropped": 432,
    "the dispatcher hears nothing of the lease": 20,
    "an entry is acknowledged that could not be written": 11,
    "an entry that is repeated is applied again": 2,
    "an entry that is overtaken is passed over": 5,
    "what is sent again gets a new number": 2,
    "nothing is sent again": 8,
    "an acknowledgement counts for one entry more": 8,
    "a share is taken as often as it comes": 8,
    "a deal that was missed is not told with the next": 38692,
    "a share that was never heard of is nobody's": 27859,
    "nothing is sent again once a worker leaves": 32021,
    "a share is told once": 131,
    "the new deal begins at once": 8,
    "an old share does not end where the new one begins": 20,
    "a lost worker is taken to be silent too early": 8,
    "who leaves does not say when": 20,
    "nobody looks for losses": 6,
    "a stop stops nothing": 43,
    "records are torn on a full disk": 90,
    "a stranger is believed": 315,
    "an entry of another run is taken": 292,
    "points are forgotten before they are taken": 2,
    "half of a batch that is too large is lost": 18,
    "a point that is refused is not counted": 18,
}


def test_each_has_its_seed() -> None:
    assert set(FOUND_BY) == set(MUTATIONS)
    assert len(MUTATIONS) >= 20


@cache
def good(seed: int) -> bool:
    """Whether its world is, with nothing made wrong."""
    return first_failing([seed]) is None


@pytest.mark.parametrize("name", FOUND_BY)
def test_it_is_found(name: str) -> None:
    seed = FOUND_BY[name]
    assert good(seed)
    with mutated(MUTATIONS[name]):
        assert first_failing([seed]) == seed
