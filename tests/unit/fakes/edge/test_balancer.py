from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.control.process_config import StackConfig
from fakes.control.state import Control
from fakes.edge.balancer import Balancer, OriginUnavailable
from fakes.edge.balancer_state import TABLE, A, B, LbState, Origin, Outcome
from fakes.edge.metrics import EdgeMetrics
from fakes.http.asgi import Answer, Reply
from fakes.http.hop import HopConnectError, HopReset, HopTimeout
from fakes.http.metrics import Metrics
from fakes.settings import BalancerSettings
from fakes.state_machine import IllegalEventError, states
from tests.support.manual_clock import ManualClock

QUICK = BalancerSettings()
SLOW = BalancerSettings(failing_over=10.0, recovering=20.0)


class Lb:
    """A balancer's mind on a manual clock."""

    def __init__(self, settings: BalancerSettings = QUICK) -> None:
        self.settings, self.now = settings, 0.0
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.mind = LbState(lambda now, name, detail: self.log.append((name, detail)))

    def check(self, origin: Origin, *outcomes: Outcome) -> str:
        for outcome in outcomes:
            self.mind.checked(origin, outcome, self.settings, self.now)
        return self.mind.state

    def first(self, calls: int = 4) -> list[str]:
        return [self.mind.route(self.settings, self.now)[0] for _ in range(calls)]


def test_all_calls_go_to_a_while_it_is_well() -> None:
    assert Lb().first() == [A] * 4


def test_three_failed_checks_split_the_calls_and_two_good_ones_end_it() -> None:
    lb = Lb()
    assert lb.check(A, "fail", "fail") == "primary"
    assert lb.check(A, "fail") == "split"
    assert lb.first() == [A, B, A, B] or lb.first() == [B, A, B, A]
    assert lb.check(A, "pass") == "split"
    assert lb.check(A, "pass") == "primary"
    assert lb.first() == [A] * 4


def test_a_good_check_between_starts_the_count_anew() -> None:
    assert Lb().check(A, "fail", "fail", "pass", "fail", "fail") == "primary"


def test_states_last_as_long_as_they_are_set() -> None:
    lb = Lb(SLOW)
    assert lb.check(A, "fail", "fail", "fail") == "failing-over"
    lb.now = 9.9
    assert lb.first() == [A] * 4
    lb.now = 10.0
    assert set(lb.first()) == {A, B}
    assert lb.check(A, "pass", "pass") == "recovering"
    lb.now = 29.9
    assert set(lb.first()) == {A, B}
    lb.now = 30.0
    assert lb.first() == [A] * 4


def test_a_that_fails_while_recovering_is_split_again_and_one_that_heals_early_is_not() -> None:
    lb = Lb(SLOW)
    assert lb.check(A, "fail", "fail", "fail", "pass", "pass") == "primary"
    lb.check(A, "fail", "fail", "fail")
    lb.now = 10.0
    assert lb.check(A, "pass", "pass") == "recovering"
    assert lb.check(A, "fail", "fail", "fail") == "split"


def test_a_dead_a_gets_nothing_until_it_answers() -> None:
    lb = Lb()
    lb.check(A, "silent", "silent", "silent")
    assert lb.mind.route(QUICK, 0.0) == [B]
    lb.check(A, "fail")
    assert set(lb.first()) == {A, B}


def test_an_unhealthy_origin_that_goes_silent_is_dead() -> None:
    lb = Lb()
    lb.check(A, "fail", "fail", "fail", "silent")
    assert lb.first() == [B] * 4


def test_b_alone_never_changes_the_state_but_is_not_called_when_dead() -> None:
    lb = Lb()
    assert lb.check(B, "silent", "silent", "silent") == "primary"
    lb.check(A, "fail", "fail", "fail")
    assert lb.first() == [A] * 4
    lb.check(A, "silent")
    assert lb.mind.route(QUICK, 0.0) == []


def test_every_event_that_is_not_in_the_table_raises_and_changes_nothing() -> None:
    for state in states(TABLE):
        for event in ("a-down", "a-up", "settled"):
            lb = Lb()
            lb.mind.machine.state = state
            if (state, event) not in TABLE:
                with pytest.raises(IllegalEventError):
                    lb.mind.machine.fire(event)
                assert (lb.mind.state, lb.log) == (state, [])


@given(
    st.lists(
        st.tuples(st.sampled_from([A, B]), st.sampled_from(["pass", "fail", "silent"]), st.floats(0, 15))
    )
)
def test_whatever_happens_the_log_is_a_walk_through_the_table(steps: list[tuple[Any, Any, float]]) -> None:
    lb = Lb(SLOW)
    for origin, outcome, wait in steps:
        lb.now += wait
        lb.check(origin, outcome)
        routed = lb.mind.route(SLOW, lb.now)
        assert all(lb.mind.origins[name].health != "dead" for name in routed)
    walk = [(d["from"], d["to"]) for name, d in lb.log if name == "lb"]
    legal = {(before, after) for (before, _), after in TABLE.items()}
    assert set(walk) <= legal
    assert all(one[1] == two[0] for one, two in itertools.pairwise(walk))


class Peer:
    """A hop that answers, or fails, as told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failure: Exception | None = None
        self.status = 200
        self.calls = 0

    async def request(
        self,
        method: bytes,
        path: bytes,
        headers: Sequence[tuple[bytes, bytes]] = (),
        body: bytes = b"",
        timeout: float = 0,  # noqa: ASYNC109
    ) -> Reply:
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        return Reply(self.status, [(b"x-instance-id", self.name.encode())], b"{}")

    exchange = request


class Two:
    """A balancer over two such peers."""

    def __init__(self, **balancer: Any) -> None:
        settings = {"balancer": balancer}
        config = StackConfig.model_validate(
            {"settings": settings, "control_token": "", "gateway_secret": "", "issuer": "", "jwks_url": ""}
        )
        self.a, self.b, self.metrics, self.clock = Peer(A), Peer(B), Metrics(), ManualClock(0.0)
        hops: Any = {A: self.a, B: self.b}
        self.balancer = Balancer(hops, Control(config), EdgeMetrics(self.metrics), self.clock)

    async def call(self) -> Answer:
        snapshot = self.balancer.control.snapshot
        return await self.balancer.forward(snapshot, b"POST", b"/", [], b"", self.clock.now + 30)


async def test_answers_say_who_gave_them_and_in_which_state() -> None:
    reply = await Two().call()
    assert dict(reply.headers) == {
        b"x-instance-id": b"origin-a",
        b"x-backend": b"origin-a",
        b"x-lb-state": b"primary",
    }


async def test_a_refused_connection_sends_the_call_to_the_other() -> None:
    two = Two()
    two.a.failure = HopConnectError()
    assert (b"x-backend", b"origin-b") in (await two.call()).headers


async def test_when_both_refuse_no_origin_is_available() -> None:
    two = Two()
    two.a.failure = two.b.failure = HopConnectError()
    with pytest.raises(OriginUnavailable) as caught:
        await two.call()
    assert caught.value.status == 503


@pytest.mark.parametrize(("retry", "calls"), [(False, 0), (True, 1)])
async def test_a_reset_call_is_sent_again_only_if_so_set(retry: bool, calls: int) -> None:
    two = Two(retry_other=retry)
    two.a.failure = HopReset()
    if retry:
        assert (b"x-backend", b"origin-b") in (await two.call()).headers
    else:
        with pytest.raises(OriginUnavailable) as caught:
            await two.call()
        assert caught.value.status == 502
    assert two.b.calls == calls


async def test_a_call_that_takes_too_long_is_not_sent_again() -> None:
    two = Two(retry_other=True)
    two.a.failure = HopTimeout()
    with pytest.raises(HopTimeout):
        await two.call()
    assert two.b.calls == 0


async def test_with_both_dead_nothing_is_tried() -> None:
    two = Two()
    two.a.failure = two.b.failure = HopReset()
    for _ in range(3):
        await two.balancer.check()
    before = two.a.calls + two.b.calls
    with pytest.raises(OriginUnavailable, match="no origin is alive"):
        await two.call()
    assert two.a.calls + two.b.calls == before


async def test_a_change_of_state_is_an_event_and_a_metric() -> None:
    two = Two(failures_to_down=1, failing_over=5.0)
    two.a.status = 503
    two.clock.now = 7.0
    await two.balancer.check()
    assert two.balancer.events == [
        {
            "t": 7.0,
            "kind": "state",
            "name": "health",
            "detail": {"origin": A, "from": "up", "to": "unhealthy"},
        },
        {"t": 7.0, "kind": "state", "name": "lb", "detail": {"from": "primary", "to": "failing-over"}},
    ]
    value = two.metrics.registry.get_sample_value
    assert value("mcpist_lb_state", {"state": "failing-over"}) == 1
    assert value("mcpist_lb_state", {"state": "primary"}) == 0
    assert value("mcpist_lb_transitions_total", {"from": "primary", "to": "failing-over"}) == 1
