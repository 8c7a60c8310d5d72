"""Whatever plans follow each other, each arrival is some worker's, once, or it is recorded as dropped."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shapes.schedule import Schedule
from telemetry.recording.sample import SAMPLE
from users.cluster.shares import Shares

COUNT = 300
SCHEDULE = Schedule(
    np.arange(COUNT) / 10,
    (np.arange(COUNT) * 7 % 23).astype(np.uint32),
    (np.arange(COUNT) % 2).astype(np.uint8),
    np.zeros(COUNT, np.uint32),
)
EVER = (float("-inf"), float("inf"))
LOSSES = st.lists(st.tuples(st.integers(0, 9), st.floats(0, 8), st.floats(0, 8)), max_size=5)


def indices(records: bytes) -> list[int]:
    return [int(index) for index in np.frombuffer(records, SAMPLE)["index"]]


@given(st.integers(1, 8), LOSSES)
def test_every_arrival_is_sent_by_one_or_dropped_once(
    workers: int, losses: list[tuple[int, float, float]]
) -> None:
    """A loss: which worker, how long after the one before, how long until the new plan."""
    live = [f"w{number}" for number in range(workers)]
    shares, t, covered = Shares(SCHEDULE), 0.0, []
    shares.deal(live, float("-inf"))
    for which, after, until_plan in losses:
        if len(live) == 1:
            break
        gone = live.pop(which % len(live))
        t += after
        covered += indices(shares.unsent(gone, float("-inf"), t))  # what it had sent by then
        covered += indices(shares.unsent(gone, t, t + until_plan))
        shares.deal(live, t + until_plan)
        t += until_plan
    covered += [index for worker in live for index in indices(shares.unsent(worker, *EVER))]
    assert sorted(covered) == list(range(COUNT))


def test_a_dropped_arrival_says_whose_it_was() -> None:
    shares = Shares(SCHEDULE)
    shares.deal(["a", "b"], float("-inf"))
    (record,) = np.frombuffer(shares.unsent("a", 0.0, 0.1), SAMPLE)
    assert (record["index"], record["planned"], record["account"], record["group"]) == (0, 0.0, 0, 0)
    assert np.isnan(record["sent"])
    assert shares.unsent("nobody", *EVER) == b""
