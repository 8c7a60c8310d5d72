"""Who the users are: ids, tiers and the IP addresses they show, the same for the same seed.

Made addresses are only ever the value of a header. They are unique and look public: never private,
reserved or multicast, so that no code on the way takes them for its own network's. Where the target file
names `sources`, accounts have those in turn, and connect from them.
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import Final, Literal

from common.addresses import ranges
from common.errors import ConfigError
from scenarios.schema import Scenario
from targets.load import account_ids
from targets.schema import AccountSource, Target

Ips = Literal["per-account", "one"] | int
LOWER: Final = "ACCOUNTS= lowers those of attackers, not of groups beside them"
_GOLDEN: Final = 2654435761  # a prime near 2^32 divided by the golden ratio (Knuth)


@dataclass(frozen=True, slots=True)
class Account:
    """One user. `index` counts through all groups; `group` is the group's place in the scenario."""

    index: int
    id: str
    ip: str
    tier: str
    group: int


def evenly(index: int) -> float:
    """An account's own number in [0, 1), the same on any worker; those of accounts in a row lie apart."""
    return index * _GOLDEN % 2**32 / 2**32


def make_accounts(
    scenario: Scenario, target: Target, seed: int, ids: list[str] | None = None
) -> list[Account]:
    """The accounts of all groups, group after group; the target's own ids where it gives them.

    `ids`: what its file holds, where somebody has read it; otherwise it is read.
    Raises ConfigError when the target knows fewer accounts than the scenario wants.
    """
    ids = account_ids(target) if ids is None else ids
    total = sum(group.accounts.count for group in scenario.groups)
    _refuse_too_many(target, total, ids)
    random = Random(seed)
    sources = ranges.addresses(target.sources)
    addresses = cycle(sources) if sources else public_addresses(random)
    identities = iter(ids) if ids is not None else _made_ids(random, scenario, target.accounts)
    accounts: list[Account] = []
    for number, group in enumerate(scenario.groups):
        shown = shared(addresses, group.accounts.ips)
        for _ in range(group.accounts.count):
            own = (next(identities), next(shown), group.accounts.tier, number)
            accounts.append(Account(len(accounts), *own))
    return accounts


def _refuse_too_many(target: Target, total: int, ids: list[str] | None) -> None:
    known = target.accounts.count if ids is None else len(ids)
    if known is not None and total > known:
        text = f"the scenario wants {total} accounts, allowed: at most {known} ({LOWER})"
        raise ConfigError(f"target {target.name}", "accounts", text)


def public_addresses(random: Random) -> Iterator[str]:
    """IPv4 addresses that look public, without end, each once."""
    seen: set[str] = set()
    while True:
        address = str(ipaddress.IPv4Address(random.getrandbits(32)))
        if address not in seen and looks_public(address):
            seen.add(address)
            yield address


def looks_public(address: str) -> bool:
    """Nobody's own network, not reserved, not multicast."""
    parsed = ipaddress.IPv4Address(address)
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def shared(addresses: Iterator[str], ips: Ips) -> Iterator[str]:
    """The address of each account in turn: its own, one for all, or one of `ips`."""
    if ips == "per-account":
        return addresses
    return cycle(list(islice(addresses, 1 if ips == "one" else ips)))


def _made_ids(random: Random, scenario: Scenario, source: AccountSource) -> Iterator[str]:
    styles = [source.id or g.accounts.id for g in scenario.groups for _ in range(g.accounts.count)]
    for index, style in enumerate(styles):
        if style == "uuid":
            yield str(uuid.UUID(int=random.getrandbits(128), version=4))
        else:
            yield f"user-{random.getrandbits(32):08x}-{index}"
