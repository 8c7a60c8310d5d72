"""A master's workers on their way: in time, too late, not at all.

A run begins with the workers that are there. Who comes later is told, on both sides, and takes part in the
next run. A headless master waits for the workers it expects; if they do not come, the run could not start.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

import gevent

from common import exit_codes
from run.attack import Attack
from users.cluster.wire import Wire

POLL_INTERVAL: Final = 0.2
log = logging.getLogger("resilience")


def tell_if_late(wire: Wire, attack: Attack | None, node: str) -> None:
    """A worker that comes while a run is under way hears that it has no part in it."""
    if attack is None or attack.done.is_set() or attack.conductor is None:
        return
    if node not in attack.conductor.nodes:
        log.warning("worker %s came after run %s had begun: it takes part in the next", node, attack.dir.name)
        wire.send("load.late", {"run": attack.dir.name}, node)


def give_up_on_missing(
    runner: Any, options: Any, main: Any, clock: Callable[[], float] = time.monotonic
) -> None:
    """End `main`, the greenlet that waits for workers, with exit code 3 if they do not come.

    Locust itself would end with 1, which says that a verdict failed. 0 seconds: it waits for ever.
    """
    within, options.expect_workers_max_wait = options.expect_workers_max_wait, 0
    if within:
        gevent.spawn(_give_up, runner, options.expect_workers, clock() + within, within, main, clock)


def _give_up(
    runner: Any, expected: int, until: float, within: float, main: Any, clock: Callable[[], float]
) -> None:
    while len(runner.clients.ready) < expected:
        if clock() > until:
            came = len(runner.clients.ready)
            log.error("%d of %d workers came within %g s: the run could not start", came, expected, within)
            runner.quit()
            gevent.kill(main, SystemExit(exit_codes.OURS))
            return
        gevent.sleep(POLL_INTERVAL)
