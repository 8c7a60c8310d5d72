"""What to try next within one block of limits: Optuna's sampler behind two functions.

    proposals = optuna_proposals(limits, seed)
    values = proposals.ask()               # limit → value
    proposals.tell(values, loss, excess)   # excess over 0: a bound was broken

The sampler is a tree of Parzen estimators over all limits of the block together, with constraints: of two
settings that break bounds it prefers the one that breaks less. It has no file of its own: the runs are kept,
also that one proved nothing, and a search that is carried on asks and tells anew, which gives the same
proposals. Optuna is imported where it is used; `make tune` adds it beside the environment. Why Optuna:
docs/adr/0024-limits-by-optuna.md.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from common.errors import ConfigError
from common.paths import CACHE
from scenarios.option import SOURCE
from scenarios.tuning_table import Setting, TunedLimit

SITE: Final = CACHE / "tune"
READY: Final = SITE / "ready"
BEGINNING: Final = 4  # settings at random before the estimators have something to stand on
EXCESS: Final = "excess"


class Proposals(Protocol):
    """Proposes settings and learns from what became of them."""

    def ask(self) -> dict[str, float]:
        """The next setting of the block."""
        ...

    def tell(self, values: Setting, loss: float, excess: float) -> None:
        """What a setting came to, also one that was not asked for."""
        ...


Propose = Callable[[Sequence[TunedLimit], int], Proposals]


def library() -> Any:
    """Optuna. Raises ConfigError where it is not installed."""
    if READY.exists() and str(SITE) not in sys.path:
        sys.path.append(str(SITE))  # last: what runs use comes first
    try:
        found = importlib.import_module("optuna")
    except ImportError:
        raise ConfigError(
            SOURCE, "tune", "needs Optuna, which is not installed, allowed: make optuna (once)"
        ) from None
    found.logging.set_verbosity(found.logging.ERROR)
    return found


class _Study:
    def __init__(self, limits: Sequence[TunedLimit], seed: int) -> None:
        self._optuna = library()
        self._limits = limits
        self._space = {limit.name: _distribution(self._optuna, limit) for limit in limits}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Optuna calls experimental
            sampler = self._optuna.samplers.TPESampler(
                seed=seed,
                multivariate=True,
                n_startup_trials=BEGINNING,
                constraints_func=lambda trial: [trial.user_attrs[EXCESS]],
            )
        self._study = self._optuna.create_study(sampler=sampler)
        self._asked: dict[tuple[float, ...], Any] = {}

    def ask(self) -> dict[str, float]:
        trial = self._study.ask(self._space)
        values = {limit.name: limit.fitting(float(trial.params[limit.name])) for limit in self._limits}
        self._asked[tuple(values.values())] = trial
        return values

    def tell(self, values: Setting, loss: float, excess: float) -> None:
        mine = {limit.name: values[limit.name] for limit in self._limits}
        trial = self._asked.pop(tuple(mine.values()), None)
        if trial is None:
            self._study.enqueue_trial(mine)
            trial = self._study.ask(self._space)
        trial.set_user_attr(EXCESS, excess)
        self._study.tell(trial, loss)


def _distribution(optuna: Any, limit: TunedLimit) -> Any:
    kinds = optuna.distributions
    if limit.switch:
        return kinds.CategoricalDistribution([0.0, 1.0])
    if limit.whole:
        return kinds.IntDistribution(int(limit.low), int(limit.high), log=True)
    return kinds.FloatDistribution(limit.low, limit.high, log=True)


def optuna_proposals(limits: Sequence[TunedLimit], seed: int) -> Proposals:
    """Those of a new search. Raises ConfigError where Optuna is not installed."""
    return _Study(limits, seed)
