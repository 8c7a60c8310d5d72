"""Tries mutants: a pytest session that parts before it collects, into a process for each of them.

The session's process imports what the tests need, never the tests: their tables are made with the mutant in
place. A first process runs the tests as they are: how long they take bounds the CPU time of a mutant that
never ends. Tests that killed many mutants of the file come first, then quick ones.
"""

from __future__ import annotations

import gc
import io
import json
import math
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from typing import Final, Literal

import pytest

from tests.mutation.mutants import Mutant

Outcome = Literal["killed", "timed out", "survived"]
OPTIONS: Final = [
    *("-m", "not slow", "--timeout=60"),
    *("-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:asyncio"),  # none of the tests is a coroutine
    *("-W", "ignore:Unknown config option"),  # those of what is left out
]
TIMES, MORE = 2, 1.0  # CPU seconds that a mutant may take: so many times the tests' own, and so many more
SURVIVED, KILLED = 0, 1  # exit codes


class FailingTestsError(Exception):
    """Tests that fail without a mutant."""


def outcomes(mutants: Sequence[Mutant], tests: Sequence[str], jobs: int) -> list[Outcome]:
    """What `tests` (files) make of each mutant, `jobs` at once. Raises FailingTestsError."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as told:
        trial = Trial(mutants, jobs, Path(told))
        with redirect_stdout(io.StringIO()) as said:
            pytest.main([*OPTIONS, *tests], plugins=[trial])
        if trial.parted:  # pytest itself gave up
            print(said.getvalue(), file=sys.stderr, flush=True)
            os._exit(KILLED)
    if len(trial.outcomes) != len(mutants):
        raise FailingTestsError(f"{', '.join(tests)}: tests fail without a mutant")
    return trial.outcomes


class Trial:
    """A plugin of pytest. `told`: a folder in which its processes say what they found."""

    def __init__(self, mutants: Sequence[Mutant], jobs: int, told: Path) -> None:
        self.outcomes: list[Outcome] = []
        self.parted = False  # this is a process that runs tests
        self._mutants = mutants
        self._jobs = jobs
        self._as_is = told / "as-is.json"
        self._killers = told / "killers"  # the tests that failed, a line a mutant
        self._killers.touch()
        self._first = False  # this is the process without a mutant
        self._seconds: dict[str, float] = {}  # CPU, of each test without a mutant
        self._whole = 0.0  # CPU seconds of that process
        self._began = 0.0
        self._running: dict[int, int] = {}  # process → place of its mutant
        self._became: dict[int, Outcome] = {}  # by place

    def pytest_configure(self) -> None:
        """Examples are the same for each mutant; one that fails is enough, it need not be the smallest."""
        from hypothesis import Phase, settings  # pytest has to be the first to import it

        settings.register_profile(
            "mutants",
            parent=settings.get_profile("suite"),
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate),
        )
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool | None:
        """Here the processes part: one with a mutant goes on as any session does."""
        first = os.fork()
        if not first:
            self._first = self.parted = True
            return None
        session.items = []
        if os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) != SURVIVED:
            return True
        self._learn()
        gc.freeze()  # children share what there is, as long as nobody looks through it
        gc.disable()
        for place, mutant in enumerate(self._mutants):
            while len(self._running) >= self._jobs:
                self._wait()
            process = os.fork()
            if not process:
                self.parted = True
                self._become(mutant)
                return None
            self._running[process] = place
        while self._running:
            self._wait()
        self.outcomes = [self._became[place] for place in range(len(self._mutants))]
        return True

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """First the tests that killed most mutants, then quick ones."""
        kills = Counter(self._killers.read_text().splitlines())
        items.sort(key=lambda item: (-kills[item.nodeid], self._seconds.get(item.nodeid, 0.0)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A table of tests that cannot be made is a failure, too."""
        self._fail(report)

    def pytest_runtest_logstart(self) -> None:
        """A test begins."""
        self._began = time.process_time()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One failure is enough."""
        self._fail(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test ended."""
        self._seconds[nodeid] = time.process_time() - self._began

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """No test failed."""
        if not session.items:
            return
        if self._first:
            modules = [name for name in sys.modules if not name.startswith("tests.")]
            self._as_is.write_text(json.dumps([self._seconds, modules, time.process_time()]))
        os._exit(SURVIVED)

    def _fail(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        if report.failed:
            if self._first:
                print(report.nodeid, report.longreprtext, sep="\n", file=sys.__stderr__, flush=True)
            with self._killers.open("a") as killers:
                print(report.nodeid, file=killers)
            os._exit(KILLED)

    def _learn(self) -> None:
        self._seconds, modules, self._whole = json.loads(self._as_is.read_text())
        for name in modules:
            with suppress(ImportError):  # what was made by a test, or is read by its own name alone
                import_module(name)

    def _become(self, mutant: Mutant) -> None:
        limit = math.ceil(TIMES * self._whole + MORE)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        mutant.put()

    def _wait(self) -> None:
        process, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        self._became[self._running.pop(process)] = (
            "survived" if code == SURVIVED else "killed" if code > 0 else "timed out"
        )
