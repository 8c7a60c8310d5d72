"""The lines of a run folder's `.jsonl` files. Times `t` are seconds since the run's start."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field


class LedgerLine(Struct, frozen=True, kw_only=True):
    """`ledger-<worker>.jsonl`, once a second: cumulative counts of this worker, `in_flight` is now.

    `retries`: how many of the extra calls repeat an earlier one; `plans`: how often it was dealt arrivals;
    `left`: when it left before the run was over; `stall_s`: how long its loop stood still at most, `stall_in`
    what, `stall_cpu_wait_s` how much of it others had the CPU;
    `sessions`: opened, lost, reopened, closed;
    `late_answers`: to calls that had timed out: read, checked, foreign, wrong, lost; marks that came unasked;
    `addresses`: of a target with several, what each got: sent, ok, failed, aborted. `target_least`,
    `target_most`: what the target's own clock said at the run's start by its answers' `Date`, Unix seconds.
    """

    t: float
    planned: int = 0
    sent: int = 0
    dropped: int = 0
    done: int = 0
    ok: int = 0
    failed: int = 0
    aborted: int = 0
    in_flight: int = 0
    extra: int = 0
    retries: int | UnsetType = UNSET
    late: int = 0
    cpu_s: float = 0.0
    peak_in_flight: int = 0
    finished: bool = False
    plans: int = 0
    stall_s: float = 0.0
    stall_in: str = ""
    stall_cpu_wait_s: float | UnsetType = UNSET
    sessions: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, dict[str, int]] = field(default_factory=dict)
    late_answers: dict[str, int] = field(default_factory=dict)
    left: float | UnsetType = UNSET
    target_least: float | UnsetType = UNSET
    target_most: float | UnsetType = UNSET


class Event(Struct, frozen=True):
    """`events.jsonl`: what happened; `kind` is run, phase, fault, control or state."""

    t: float
    kind: str
    name: str
    detail: dict[str, Any] = field(default_factory=dict)


class ErrorText(Struct, frozen=True, kw_only=True):
    """`errors-<worker>.jsonl`: what failed calls were told, by kind; `detail`: by a party behind the gateway.

    `t`, `message` and `detail` are the first example's; `kind` is the text without its ids and numbers,
    `count` how many there were so far: the last line of a kind is the true one.
    """

    t: float
    reason: str
    status: int = 0
    code: int = 0
    message: str = ""
    detail: str = ""
    kind: str = ""
    count: int = 1

    @property
    def words(self) -> str:
        """All that was said."""
        return ": ".join(filter(None, (self.message, self.detail)))


class ForeignAnswer(Struct, frozen=True, kw_only=True):
    """`foreign-<worker>.jsonl`: an answer that was another call's; at most 1,000 of a loading process.

    `account` got it at `t`, as the answer to `arrival` (−1: an extra call); `by` says what showed it: nonce,
    id, session or user; unasked: it came on a connection without a call, `account` −1 where all share them.
    `of_account` and `of_arrival` are whose it was, −1 where that is not known.
    """

    t: float
    account: int
    arrival: int
    by: str
    of_account: int = -1
    of_arrival: int = -1


class Scrape(Struct, frozen=True, kw_only=True):
    """`target.jsonl`: one scrape of one source. `values`: series → number, none where it failed (`error`).

    `t` is when the answer was whole, `took_s` how long it took.
    """

    t: float
    source: str
    took_s: float = 0.0
    up: bool
    values: dict[str, float] = field(default_factory=dict)
    error: str | UnsetType = UNSET
