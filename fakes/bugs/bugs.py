"""The bugs in force at one origin: each call goes through all, and one at most may strike it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from random import Random
from typing import Final

from fakes.bugs.bug import REGISTERED, AskedCall, Bug, Surroundings, Work
from fakes.http.asgi import Reply
from fakes.http.metrics import Metrics

for _module in iter_modules([str(Path(__file__).parent)]):
    if _module.name != "bugs":
        import_module(f"fakes.bugs.{_module.name}")
NAMES: Final = tuple(sorted(REGISTERED))


class Bugs:
    """`seed`: of the draws that say when one strikes."""

    def __init__(self, metrics: Metrics, seed: str, surroundings: Surroundings) -> None:
        self._answers = metrics.counter(
            "mcpist_bug_answers_total", "Answers that a seeded bug gave to another caller.", "bug"
        )
        self._leaks = metrics.counter(
            "mcpist_bug_leaks_total", "What a seeded bug took and did not give back.", "bug"
        )
        self._surroundings = surroundings
        self._random = Random(seed)
        self._made: dict[str, Bug] = {}

    async def answer(self, shares: Mapping[str, float], asked: AskedCall, work: Work) -> Reply | None:
        """The answer to a call, by way of those that `shares` names; their shares add up to 1 at most."""
        draw = self._random.random()
        for name, share in shares.items():
            strike, draw = 0 <= draw < share, draw - share
            work = partial(self._bug(name).answer, asked, work, strike)
        return await work()

    def _bug(self, name: str) -> Bug:
        if name not in self._made:
            one = REGISTERED[name]
            counted = self._leaks if one.leaks else self._answers
            self._made[name] = one.make(counted(name).inc, self._surroundings)
        return self._made[name]
