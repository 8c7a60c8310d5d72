"""For every test: importing Locust must not patch the sockets and clocks that asyncio tests use.

The variable is for this process alone: what the tests start runs patched, as it does for a user. The last
lines of all tell what was not run: tests that miss a program, each program with the line that installs it,
and long tests that were left out, with the line that runs them.
"""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Generator
from typing import Any, Final

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
import locust  # noqa: F401
import pytest
from hypothesis import settings

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]

from tests.support import left_out
from tests.support.needs import SKIPPED

# A shell's background job ignores Ctrl-C, and so would all that tests start, which some of them interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["RESILIENCE_HISTORY"] = tempfile.mkdtemp(
    prefix="history-"
)  # runs of tests are none of the checkout's

settings.register_profile("suite", deadline=None)  # a busy machine is no fault of what is tested
settings.load_profile("suite")

COUNT: Final = pytest.StashKey[int]()  # of tests that this process left out
TOLD: Final = pytest.StashKey[list[left_out.Told]]()  # by the processes that share the tests
OUTPUT: Final = "resilience"  # what they tell is sent under this name


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is made here lives to the end: Python does not look through it for garbage, then or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, long = left_out.divided(items, config.args)
    config.stash[COUNT] = len(long)
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = kept


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of the processes is done."""
    told = getattr(node, "workeroutput", {}).get(OUTPUT)  # one that died told nothing
    node.config.stash.setdefault(TOLD, []).extend([told] if told else [])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """The very last lines; a process that shares the tests with others leaves them to the one above it."""
    config = session.config
    mine = left_out.told(config.stash.get(COUNT, 0))
    if hasattr(config, "workeroutput"):
        config.workeroutput[OUTPUT] = mine
    yield
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and not hasattr(config, "workeroutput"):
        for line in left_out.lines([mine, *config.stash.get(TOLD, [])]):
            terminal.write_line(line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was skipped for want of a program or of rights."""
    reasons = [
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    ]
    counted = Counter(reason for reason in reasons if reason.startswith(SKIPPED))
    for reason, count in sorted(counted.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")
    if counted:
        total = sum(counted.values())
        terminalreporter.write_line(f"{total} tests skipped in all for want of a program or of rights")
