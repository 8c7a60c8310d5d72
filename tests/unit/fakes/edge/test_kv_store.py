"""What the KV's store says it holds, against what `watch` heard."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.edge_runtime import kv as module
from fakes.edge_runtime.kv import Kv, KvError
from fakes.settings import KvSettings
from tests.support.manual_clock import ManualClock

_OPS = st.lists(st.tuples(st.floats(0, 90), st.sampled_from("abcde"), st.integers(0, 2)), max_size=80)


@given(_OPS, st.sampled_from(["ideal", "free", "paid"]), st.integers(1, 40), st.integers(1, 9))
def test_the_store_counts_what_was_served_whatever_was_refused_expired_or_swept(
    ops: list[tuple[float, str, int]], plan: str, quota: int, sweep_every: int
) -> None:
    heard: Counter[tuple[str, str | None]] = Counter()
    clock = ManualClock(1_000_000.0)
    settings = KvSettings.model_validate({"plan": plan, "writes_per_day": quota})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "SWEEP_EVERY", sweep_every)
        kv = Kv(clock, lambda op, cause: heard.update([(op, cause)]))
        for wait, key, place in ops:
            clock.now += wait
            try:
                kv.put(settings, key, 1, place=place)
            except KvError:
                continue
    assert kv.writes() == heard["put", None]
    assert kv.keys() <= 5


def test_the_state_tells_quota_and_store_and_reset_empties_both() -> None:
    kv = Kv(ManualClock(1_000_000.0))
    for key in "aab":
        kv.put(KvSettings(), key, 1)
    kv.get(KvSettings(), "a")
    assert kv.state() == {"get": 1, "put": 3, "writes": 3, "keys": 2}
    kv.reset()
    assert kv.state() == {"get": 0, "put": 0, "writes": 0, "keys": 0}
