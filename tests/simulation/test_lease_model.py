"""All courses of the small case: nothing is sent twice, and what counts as dropped was not sent."""

from __future__ import annotations

import pytest

from tests.simulation.lease_model import Rules, search


def test_no_course_of_the_small_case_sends_twice() -> None:
    states, wrong = search(Rules())
    assert wrong == []
    assert states > 10_000


@pytest.mark.parametrize(
    "rules",
    [Rules(counted=0), Rules(counted=2), Rules(lease=4)],
    ids=["the new deal begins at once", "a tick too early", "a lease of a tick too long"],
)
def test_each_rule_is_needed(rules: Rules) -> None:
    _, wrong = search(rules)
    assert wrong
