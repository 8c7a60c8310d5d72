"""The lease's rules as a model so small that every course of it can be looked at.

Two workers, three arrivals, one loss. Time goes in ticks. In each tick every live worker says something: it
is heard or not, and its acknowledgement comes back or not. One worker may die at any tick; whoever was not
heard in a tick may be given up in it. A new deal may or may not reach who is left. Arrival i is planned at
tick 1 + 2i.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

TICKS: Final = 6
PLANNED: Final = (1, 3, 5)
FOREVER: Final = 99


@dataclass(frozen=True)
class Rules:
    """What the product does; a test breaks one of them at a time. Ticks."""

    lease: int = 3  # that a worker holds
    counted: int = 3  # that the conductor waits
    leaves_on_missed_deal: bool = True


@dataclass(frozen=True)
class State:
    """Of the workers 0 and 1, and what the conductor knows. Ticks."""

    t: int = 0
    alive: tuple[bool, bool] = (True, True)
    until: tuple[int, int] = (0, 0)  # the end of each lease
    deals: tuple[int, int] = (1, 1)  # the newest that each knows
    left: tuple[bool, bool] = (False, False)
    heard: tuple[int, int] = (0, 0)  # when the conductor heard each
    lost: int = -1  # whom it gave up
    from_t: int = FOREVER  # where the second deal begins
    free_from: int = FOREVER  # from when on the lost one surely sends nothing
    sent: tuple[int, int, int] = (0, 0, 0)


def holders(state: State, worker: int, arrival: int) -> bool:
    """By what it knows, is the arrival that worker's?"""
    planned = PLANNED[arrival]
    if state.deals[worker] == 2 and planned >= state.from_t:
        return worker != state.lost
    return arrival % 2 == worker


def search(rules: Rules) -> tuple[int, list[str]]:
    """Every state that can be reached: how many, and what does not hold in which."""
    start = State(until=(rules.lease, rules.lease))
    seen, todo, wrong = {start}, [start], []
    while todo:
        state = todo.pop()
        wrong += [f"{told}: {state}" for told in broken(state)]
        if state.t < TICKS:
            for after in _tick(state, rules):
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
    return len(seen), wrong


def broken(state: State) -> Iterator[str]:
    """What does not hold."""
    for arrival, sent in enumerate(state.sent):
        if sent > 1:
            yield f"arrival {arrival} was sent twice"
        planned = PLANNED[arrival]
        if sent and arrival % 2 == state.lost and state.free_from <= planned < state.from_t:
            yield f"arrival {arrival} was sent, and counts as dropped"


def _tick(state: State, rules: Rules) -> Iterator[State]:
    """All that may happen in the next tick."""
    sent = list(state.sent)
    for worker, arrival in product((0, 1), range(len(PLANNED))):
        works = state.alive[worker] and not state.left[worker] and state.t < state.until[worker]
        if works and PLANNED[arrival] == state.t and holders(state, worker, arrival):
            sent[arrival] += 1
    state = replace(state, sent=(sent[0], sent[1], sent[2]))
    for dies, first, second in product((-1, 0, 1), _words(), _words()):
        if dies < 0 or (all(state.alive) and state.lost < 0):
            yield from _told(_die(state, dies), (first, second), rules)


def _words() -> tuple[tuple[bool, bool], ...]:
    """(heard, acknowledged)"""
    return (False, False), (True, False), (True, True)


def _die(state: State, worker: int) -> State:
    return replace(state, alive=(state.alive[0] and worker != 0, state.alive[1] and worker != 1))


def _told(state: State, words: tuple[tuple[bool, bool], ...], rules: Rules) -> Iterator[State]:
    """The reports of a tick, then perhaps a loss that is noticed, and the new deal on its way."""
    until, heard, left = list(state.until), list(state.heard), list(state.left)
    for worker, (arrives, returns) in enumerate(words):
        if not state.alive[worker] or left[worker]:
            continue
        if arrives and worker != state.lost:
            heard[worker] = state.t
        if arrives and returns:
            newest = 2 if state.lost >= 0 else 1
            missed = worker == state.lost or (state.deals[worker] != newest and rules.leaves_on_missed_deal)
            if missed or state.t >= until[worker]:
                left[worker] = True
            else:
                until[worker] = max(until[worker], state.t + rules.lease)
    now = replace(
        state, t=state.t + 1, until=(until[0], until[1]), heard=(heard[0], heard[1]), left=(left[0], left[1])
    )
    yield now
    for worker in (0, 1):
        if state.lost < 0 and not words[worker][0]:
            yield from _given_up(now, worker, rules)


def _given_up(state: State, worker: int, rules: Rules) -> Iterator[State]:
    from_t, free = state.t + rules.counted, state.heard[worker] + rules.counted
    gone = replace(state, lost=worker, from_t=from_t, free_from=free)
    yield gone  # the new deal does not reach the other
    other = 1 - worker
    known, until = list(gone.deals), list(gone.until)
    known[other] = 2
    if state.t < until[other]:
        until[other] = max(until[other], state.t + rules.lease)
    yield replace(gone, deals=(known[0], known[1]), until=(until[0], until[1]))
