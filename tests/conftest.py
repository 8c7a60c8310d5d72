"""For every test: importing Locust must not patch the sockets and clocks that asyncio tests use.

The variable is for this process alone: what the tests start runs patched, as it does for a user. At the
end the tests that were skipped for want of a program are counted, and each program is named with the line
that installs it.
"""

import os
import tempfile
from collections import Counter

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
import locust  # noqa: F401
import pytest
from hypothesis import settings

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]

from tests.support.needs import SKIPPED

os.environ["RESILIENCE_HISTORY"] = tempfile.mkdtemp(
    prefix="history-"
)  # runs of tests are none of the checkout's

settings.register_profile("suite", deadline=None)  # a busy machine is no fault of what is tested
settings.load_profile("suite")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last lines of a run: what was skipped for want of a program."""
    reasons = [
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    ]
    counted = Counter(reason for reason in reasons if reason.startswith(SKIPPED))
    for reason, count in sorted(counted.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")
    if counted:
        terminalreporter.write_line(
            f"{sum(counted.values())} tests skipped for want of {len(counted)} programs"
        )
