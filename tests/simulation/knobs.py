"""How often the product looks: its polls are made rarer for a simulation, which changes no promise and saves
time.

And what would write to real places is quiet.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, Final

import gevent

from shapes import registry
from shapes.constant import constant
from tests.simulation.loop import sleep
from users.cluster import conductor, performer
from users.engine import engine
from users.engine.engine import Engine
from users.engine.ledger import Ledger
from users.engine.loop_watch import LoopWatch
from users.transport import client

PREPARE_TIMEOUT: Final = 20.0  # seconds
POLLS: Final = (
    (conductor, "POLL_INTERVAL", 0.5),
    (performer, "POLL_INTERVAL", 1.0),
    (engine, "POLL_INTERVAL", 1.0),
    (client, "REAP_INTERVAL", 1.0),
    (conductor, "PREPARE_TIMEOUT", PREPARE_TIMEOUT),  # what is waited for in vain is waited for less long
    (engine, "FLUSH_EVERY", 1.0),
    (registry, "constant", lru_cache(constant)),  # the schedule that a verdict builds anew
    (
        engine,
        "Ledger",
        partial(Ledger, cpu=lambda: 0.0),
    ),  # the CPU of the machine that simulates is none of it
    (gevent, "sleep", sleep),
    (performer, "Engine", partial(Engine, sleep=sleep)),
)


class NoWatch(LoopWatch):
    """A loop that nobody watches from a thread: the simulated one never stands still."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: 0.0, cpu_wait=lambda: 0.0)

    def start(self, spawn: Any = None) -> Any:
        """A greenlet that never runs, and no thread."""
        return gevent.Greenlet()

    def line(self) -> dict[str, Any]:
        """Nothing to tell."""
        return {}


@contextmanager
def simulated() -> Iterator[None]:
    """With rare polls and a quiet log."""
    before = [(module, name, getattr(module, name)) for module, name, _ in POLLS]
    log = logging.getLogger("resilience")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    for module, name, value in POLLS:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
        log.setLevel(level)
