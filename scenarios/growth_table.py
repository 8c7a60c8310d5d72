"""What `make tune GROWTH=…` assumes of the load by size, in monthly active users (MAU): one file.

    GROWING                  what is run at each size
    groups(attack, mau)      group → accounts
    load_of(mau)             what follows, for the page: accounts, attackers, calls a second
    beyond(attack, mau)      why this machine does not answer it, "" where it may
    tree(attack, mau, k)     what a scenario's file says of the size, and of an instance k times a nano

| what | figure | source |
|---|---|---|
| the size that a scenario's accounts are of | its `when` (`at 100 MAU`) | the plan, by scenario |
| accounts of another size | in proportion, one at least | assumed |
| who grows | the attackers alone, where a scenario has some; else all | assumed |
| calls of a user, batches, fan-outs, what a call takes | the scenario's own | the plan, by scenario |
| active at once | all, as ordinary work begins: a restart, nine o'clock | assumed |
| an ordinary day, for the page alone | `Traffic`: ten requests a day and MAU | the plan's table |
| who fills memory (`nano-oom`) | half of the MAU, a Starter's calls a minute | scenario, the plan's tiers |
| an instance's alert | grows with it: 200 MB of 256 MiB | assumed |
| what the bundled stack bears on two cores | the rate of `slow-api`, which counts there | docs/verdicts.md |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from fakes.kv_day.model import Traffic
from fakes.settings import NanoSettings, StackSettings
from scenarios.load import load
from scenarios.overrides import Overrides
from scenarios.schema import Scenario
from scenarios.tuning_table import ATTACK, TuningAttack

SIZES: Final = (10, 100, 500, 1000)
INSTANCES: Final = (1, 2, 4)
"""A nano, and what is tried where no limit is the answer: its memory and its CPU doubled once and twice."""
OF_INSTANCE: Final = "concurrency"  # the block of limits that an instance's memory bounds
_WHEN: Final = re.compile(r"at ([\d,]+) MAU")
_ALERT: Final = re.compile(r"(?<=nano_memory <= )([\d.]+)(?= MB)")
_STARTER: Final = (
    StackSettings().origin.tiers["starter"] / StackSettings().origin.rate_window
)  # calls a second
_CROWD: Final = ATTACK["nano-oom"]


def _whole(name: str) -> TuningAttack:
    """One of the search's, without what it changes of the accounts."""
    attack = ATTACK[name]
    return attack._replace(short={key: value for key, value in attack.short.items() if key != "accounts"})


GROWING: Final = (
    _whole("ordinary-work"),
    _CROWD._replace(
        feels=(*_CROWD.feels, "rate-per-minute"),
        short={**_CROWD.short, "tier": "starter", "rate": f"{_STARTER:g}"},
    ),
    _whole("upstream-outage"),
    _whole("burst-starter"),
    _whole("db-pool"),
)
BY_NAME: Final = {attack.name: attack for attack in GROWING}


class SizeLoad(NamedTuple):
    """What a size comes to. Rates are calls a second, a batch counted once."""

    mau: int
    accounts: int
    attackers: int
    ordinary_rate: float
    attack_rate: float
    requests_a_day: float


@cache
def _scenario(name: str, rate: str | None = None, tier: str | None = None) -> Scenario:
    return load(name, Overrides.read({"rate": rate, "tier": tier}))


def _of(attack: TuningAttack) -> Scenario:
    return _scenario(attack.name, attack.short.get("rate"), attack.short.get("tier"))


def home(scenario: Scenario) -> int:
    """The size that a scenario's accounts are of."""
    found = _WHEN.search(scenario.when)
    if found is None:
        raise ValueError(f"{scenario.name}: when: {scenario.when!r}, allowed: at … MAU")
    return int(found[1].replace(",", ""))


def groups(attack: TuningAttack, mau: int) -> dict[str, int]:
    """How many accounts each group has at a size."""
    scenario = _of(attack)
    crowd = any(group.attack for group in scenario.groups)
    share = mau / home(scenario)
    return {
        group.name: max(1, round(group.accounts.count * share))
        if group.attack or not crowd
        else group.accounts.count
        for group in scenario.groups
    }


def rate(attack: TuningAttack, mau: int) -> float:
    """Calls a second of all groups, before any shape bends them."""
    counts = groups(attack, mau)
    return sum(group.rate * counts[group.name] for group in _of(attack).groups)


def attackers(attack: TuningAttack, mau: int) -> int:
    """How many accounts attack."""
    counts = groups(attack, mau)
    return sum(counts[group.name] for group in _of(attack).groups if group.attack)


def bears() -> float:
    """Calls a second that the bundled stack is known to bear on two cores."""
    return _scenario("slow-api").rate


def beyond(attack: TuningAttack, mau: int) -> str:
    """Why a size is not answered here."""
    wanted = rate(attack, mau)
    return f"{wanted:,.0f} req/s > {bears():,.0f}" if wanted > bears() else ""


def load_of(mau: int) -> SizeLoad:
    """Of ordinary work, of the crowd that fills memory, and of an ordinary day."""
    ordinary, crowd = GROWING[0], GROWING[1]
    return SizeLoad(
        mau,
        sum(groups(ordinary, mau).values()),
        attackers(crowd, mau),
        rate(ordinary, mau),
        rate(crowd, mau),
        Traffic().requests(mau),
    )


def tree(attack: TuningAttack, mau: int, instance: int) -> dict[str, Any]:
    """What a scenario that extends the attack says of its size and its instance."""
    counts = groups(attack, mau)
    found: dict[str, Any] = {
        "groups": [{"name": name, "accounts": {"count": count}} for name, count in counts.items()]
    }
    if instance == 1:
        return found
    bounds = {
        point: _ALERT.sub(lambda alert: f"{float(alert[1]) * instance:g}", bound)
        for point, bound in _of(attack).thresholds.items()
    }
    return {**found, "stack": {"nano": nano(instance)}, "thresholds": bounds}


def nano(instance: int) -> dict[str, float]:
    """The settings of an instance so many times a nano."""
    own = NanoSettings()
    return {
        "memory_limit": own.memory_limit * instance,
        "cpu_share": own.cpu_share * instance,
        "cpu_burst": own.cpu_burst * instance,
    }


def room(instance: int) -> int:
    """How many calls stay under the memory alert of an instance, by the nano's model."""
    own = NanoSettings()
    alert = _ALERT.search(_of(_CROWD).thresholds["P0.2"])
    assert alert is not None
    goroutines = (float(alert[1]) * 1e6 * instance - own.memory_base) // (own.stack_bytes + own.buffer_bytes)
    return int((goroutines - own.goroutines_base) // own.goroutines_per_call)


def sized(values: Mapping[str, float], mau: int, instance: int) -> dict[str, float]:
    """Values with the limits on calls as the plan's page advises (P0.1): memory's room, by attackers."""
    most = room(instance)
    each = most // max(1, attackers(_CROWD, mau))
    return {**values, "global-concurrency": float(most), "user-concurrency": float(each)}
