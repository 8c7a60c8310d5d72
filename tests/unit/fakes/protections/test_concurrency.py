"""Permits: none lost, none given back twice, whatever ends a call and whatever is switched meanwhile."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fakes.http.reasons import RefusedError
from fakes.origin.memory import OriginMemory
from fakes.protections.gate import Admission, CallEnd, Gate
from fakes.protections.global_concurrency import GlobalConcurrency
from fakes.protections.user_concurrency import UserConcurrency
from fakes.settings import OriginSettings, StackSettings


def a_users(limit: int) -> UserConcurrency:
    return UserConcurrency(limits(user_concurrency=limit), lambda: 0.0)


def everybodys(limit: int) -> GlobalConcurrency:
    return GlobalConcurrency(limits(global_concurrency=limit), lambda: 0.0)


def limits(**changed: int) -> StackSettings:
    return StackSettings(origin=OriginSettings.model_validate(changed))


NAMES = ("user-concurrency", "global-concurrency", "breaker")


def test_a_user_has_so_many_permits_and_no_more() -> None:
    gate = a_users(2)
    tickets = [gate.enter("u", "notion"), gate.enter("u", "notion")]
    with pytest.raises(RefusedError) as refused:
        gate.enter("u", "jira")
    assert (refused.value.reason, refused.value.retry_after) == ("user_concurrency_exceeded", 1)
    gate.enter("other", "notion")
    gate.leave(tickets.pop(), CallEnd.FAILED)
    gate.enter("u", "jira")


def test_users_without_calls_are_forgotten() -> None:
    gate = a_users(2)
    for number in range(100):
        gate.leave(gate.enter(f"u{number}", "notion"), CallEnd.OK)
    assert gate.running == {}


def test_the_process_has_so_many_permits() -> None:
    gate = everybodys(1)
    gate.enter("u", "notion")
    with pytest.raises(RefusedError) as refused:
        gate.enter("other", "jira")
    assert refused.value.reason == "global_concurrency_exceeded"
    gate.leave(None, CallEnd.ABANDONED)
    gate.enter("other", "jira")


def test_a_refusal_gives_back_what_was_taken_before_it() -> None:
    users, everybody = a_users(5), everybodys(1)
    with Admission((users, everybody), "u", "notion"):
        with pytest.raises(RefusedError), Admission((users, everybody), "v", "notion"):
            raise AssertionError("must not be admitted")
        assert users.running == {"u": 1}
    assert (users.running, everybody.running) == ({}, 0)


def test_an_error_inside_gives_permits_back() -> None:
    users = a_users(5)
    with pytest.raises(ValueError, match="x"), Admission((users,), "u", "notion"):
        raise ValueError("x")
    assert users.running == {}


class Permits(RuleBasedStateMachine):
    """Calls begin and end in any order while limits, gates and the whole memory change under them."""

    @initialize()
    def begin(self) -> None:
        self.now = 0.0
        self.settings = limits(user_concurrency=2, global_concurrency=4, breaker_failures=2)
        self.memory = OriginMemory(self.settings, NAMES, lambda: self.now, lambda: self.now)
        self.calls: list[tuple[Admission, str, set[Gate]]] = []

    @property
    def users(self) -> UserConcurrency:
        gate = self.memory.gates["user-concurrency"]
        assert isinstance(gate, UserConcurrency)
        return gate

    @property
    def everybody(self) -> GlobalConcurrency:
        gate = self.memory.gates["global-concurrency"]
        assert isinstance(gate, GlobalConcurrency)
        return gate

    @rule(user=st.sampled_from("uvw"), upstream=st.sampled_from(["notion", "jira"]))
    def start(self, user: str, upstream: str) -> None:
        admission = Admission(self.memory.in_force, user, upstream)
        try:
            admission.__enter__()
        except RefusedError:
            return
        self.calls.append((admission, user, set(self.memory.in_force)))

    @rule(which=st.integers(0, 50), ended=st.sampled_from(CallEnd))
    def end(self, which: int, ended: CallEnd) -> None:
        if self.calls:
            admission, _, _ = self.calls.pop(which % len(self.calls))
            admission.outcome = ended
            admission.__exit__(None, None, None)

    @rule(names=st.sets(st.sampled_from(NAMES)), users=st.integers(1, 3), everybody=st.integers(1, 6))
    def switch(self, names: set[str], users: int, everybody: int) -> None:
        changed = {"user_concurrency": users, "global_concurrency": everybody}
        self.settings = limits(**changed, breaker_failures=2)
        self.memory.configure(self.settings, names)

    @rule()
    def kill(self) -> None:
        self.memory.clear()

    @rule()
    def reset(self) -> None:
        kept = self.users, self.everybody
        self.memory.forget()
        assert (self.users, self.everybody) == kept

    @rule(seconds=st.floats(0, 10))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def counts_are_those_of_the_calls_in_flight(self) -> None:
        if not hasattr(self, "memory"):
            return
        users = Counter(user for _, user, gates in self.calls if self.users in gates)
        assert self.users.running == dict(users)
        assert self.everybody.running == sum(self.everybody in gates for _, _, gates in self.calls)

    def teardown(self) -> None:
        for admission, _, _ in getattr(self, "calls", []):
            admission.__exit__(None, None, None)
        if hasattr(self, "memory"):
            assert (self.users.running, self.everybody.running) == ({}, 0)


TestPermits = Permits.TestCase
TestPermits.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
