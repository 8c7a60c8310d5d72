"""Wrong passwords: one at a time, later and later, however many clients there are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from webui.guesses import LONGEST_WAIT, Guess, Guesses, wait


class Clock:
    """Sleeps by moving on; `meanwhile` happens within a sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.meanwhile()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guesses(clock: Clock) -> Guesses:
    return Guesses("correct hörse", clock.sleep)


def test_the_right_one_is_answered_at_once(guesses: Guesses, clock: Clock) -> None:
    assert guesses.attempt("correct hörse") is Guess.RIGHT
    assert clock.slept == []


def test_each_wrong_one_waits_longer_up_to_a_minute(guesses: Guesses, clock: Clock) -> None:
    assert {guesses.attempt(f"guess {n}") for n in range(9)} == {Guess.WRONG}
    assert clock.slept == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert wait(10_000) == LONGEST_WAIT


def test_the_right_one_begins_anew(guesses: Guesses, clock: Clock) -> None:
    for given in ("a", "b", "correct hörse", "c"):
        guesses.attempt(given)
    assert clock.slept == [1, 2, 1]


def test_nobody_else_learns_anything_meanwhile(guesses: Guesses, clock: Clock) -> None:
    others: list[Guess] = []
    clock.meanwhile = lambda: others.extend(guesses.attempt(given) for given in ("wrong", "correct hörse"))
    assert guesses.attempt("first") is Guess.WRONG
    assert others == [Guess.NOT_NOW, Guess.NOT_NOW]
    assert clock.slept == [1]
    clock.meanwhile = lambda: None
    assert guesses.attempt("correct hörse") is Guess.RIGHT


def test_a_client_that_leaves_gives_the_slot_back(guesses: Guesses, clock: Clock) -> None:
    def leave() -> None:
        raise ConnectionError

    clock.meanwhile = leave
    with pytest.raises(ConnectionError):
        guesses.attempt("first")
    clock.meanwhile = lambda: None
    assert guesses.attempt("second") is Guess.WRONG
    assert clock.slept == [1, 2]


@pytest.mark.parametrize("given", ["", "\udc80", "x" * 60_000])
def test_any_text_is_wrong(guesses: Guesses, given: str) -> None:
    assert guesses.attempt(given) is Guess.WRONG
