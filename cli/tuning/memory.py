"""The runs that were made, found again by what they depend on.

A run depends on its attack, its length, which repeat it is, the load's size, the instance, and the values of
the limits that the attack feels: so a setting that differs in others has its outcome already. What proved
nothing is remembered, too: a search that is carried on goes the same way again.
"""

from __future__ import annotations

from cli.tuning.wanted import Wanted
from scenarios.tuning_table import TuningAttack
from verdicts.tuning.outcome import TuningRun

Key = tuple[str, str, int, str, int, int, tuple[tuple[str, float], ...]]


class Memory:
    """All runs, in the order in which they were made."""

    def __init__(self) -> None:
        self.runs: list[TuningRun] = []
        self._silent: dict[Key, Wanted] = {}
        self._found: dict[Key, TuningRun] = {}

    def keep(self, attack: TuningAttack, run: TuningRun) -> None:
        """A run was made, now or by a search that is carried on."""
        key = _key(attack, run)
        if key not in self._found:
            self.runs.append(run)
        self._found[key] = run

    def find(self, wanted: Wanted) -> TuningRun | None:
        """The run that is wanted, if it was made."""
        return self._found.get(_key(wanted.attack, wanted))

    def silence(self, wanted: Wanted) -> None:
        """It was wanted, and proved nothing."""
        self._silent.setdefault(_key(wanted.attack, wanted), wanted)

    def is_silent(self, wanted: Wanted) -> bool:
        """It proved nothing when it was wanted first."""
        return _key(wanted.attack, wanted) in self._silent

    @property
    def silent(self) -> list[Wanted]:
        """All that proved nothing, in order."""
        return list(self._silent.values())


def _key(attack: TuningAttack, one: TuningRun | Wanted) -> Key:
    felt = tuple((name, value) for name, value in sorted(one.values.items()) if name in attack.feels)
    return (attack.name, one.length, one.repeat, one.set, one.mau, one.instance, felt)
