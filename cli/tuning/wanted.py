"""One run that a search wants."""

from __future__ import annotations

from typing import NamedTuple

from scenarios.tuning_table import Setting, TuningAttack
from verdicts.tuning.outcome import Length


class Wanted(NamedTuple):
    """One run. `set` names a set that is no setting of its own (`today`, `none`).

    `mau`: the size whose load it is, 0 for the scenario's own; `instance`: so many times a nano.
    """

    attack: TuningAttack
    values: Setting
    length: Length
    repeat: int = 0
    set: str = ""
    mau: int = 0
    instance: int = 1
