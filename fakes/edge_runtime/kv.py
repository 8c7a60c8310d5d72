"""A Workers KV namespace: one for all isolates, in the edge's process.

    plan    writes/day   reads/day   writes/s to one key   beyond it
    ideal   –            –           –                     never fails
    free    1,000        100,000     1                     KvError
    paid    –            –           1                     KvError
(figures are settings; the day turns at 00:00 UTC). A refused operation counts against nothing.
A write that asks to expire in less than 60 s is refused on any plan (`ttl`).

A write is seen at once in the place that wrote it and `consistency` seconds later elsewhere; the
newest write that a place can see wins. Beyond its quota a Worker's binding throws, and the REST API
answers 429 with code 10048: KvError carries the words of the one that `api` names.

Times are Unix seconds of an injected clock. Any thread may use it: each operation is one step, a get
and the put that follows are not. `writes` counts by what the store itself holds (each key's versions are
numbered), apart from what `watch` heard, so that the two can be held against each other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from fakes.settings import KvSettings

DAY: Final = 86_400.0
MIN_TTL: Final = 60.0  # seconds; Workers KV takes no shorter expiration
SWEEP_EVERY: Final = 5.0  # seconds: by writes, what a lull finds would hang on where the count stood

Watch = Callable[[str, str | None], None]
_MESSAGES: Final = {
    ("binding", "quota"): "KV {op}() limit exceeded for the day.",
    ("binding", "key-rate"): "KV PUT failed: 429 Too Many Requests",
    ("binding", "ttl"): "KV PUT failed: 400 {words}",
    ("rest", "ttl"): "400: {words}",
    ("rest", "quota"): "429: code 10048: free usage limit for this operation exceeded for the day",
    ("rest", "key-rate"): "429: too many writes to one key",
}


class KvError(Exception):
    """An operation that KV refused. `op`: get or put; `cause`: quota, key-rate or ttl (with `words`)."""

    def __init__(self, op: str, cause: str, api: str, words: str = "") -> None:
        super().__init__(_MESSAGES[api, cause].format(op=op, words=words))
        self.op, self.cause, self.words = op, cause, words


def too_short(ttl: float | str) -> str:
    """What KV says of a time to live that it does not take."""
    said = ttl if isinstance(ttl, str) else f"{ttl:g}"
    return f"Invalid expiration_ttl of {said}. Expiration TTL must be at least {MIN_TTL:.0f}."


class _Version(NamedTuple):
    value: Any
    written: float
    place: int
    expires: float
    number: int  # the key's nth write


def _ignore(op: str, cause: str | None) -> None:
    pass


class Kv:
    """One namespace. `watch(op, cause)` hears each operation; cause is None if it was served."""

    def __init__(self, clock: Callable[[], float] = time.time, watch: Watch = _ignore) -> None:
        self._clock, self._watch = clock, watch
        self._versions: dict[str, list[_Version]] = {}
        self._day = -1
        self._served = {"get": 0, "put": 0}
        self._sweep_at = 0.0
        self._swept = 0
        self._lock = threading.Lock()

    def get(self, settings: KvSettings, key: str, place: int = 0) -> Any:
        """The value that `place` sees, None if there is none. Raises KvError."""
        with self._lock:
            now = self._clock()
            self._count("get", settings, settings.reads_per_day, now)
            return self._seen(settings, key, place, now)

    def put(self, settings: KvSettings, key: str, value: Any, ttl: float = MIN_TTL, place: int = 0) -> None:
        """Write a value for `ttl` seconds. Raises KvError."""
        if ttl < MIN_TTL:
            self._refuse("put", "ttl", settings, too_short(ttl))
        with self._lock:
            now = self._clock()
            versions = self._versions.get(key)
            number = versions[-1].number + 1 if versions else 1
            if versions and settings.plan != "ideal" and self._too_soon(settings, versions[-1], now):
                self._refuse("put", "key-rate", settings)
            self._count("put", settings, settings.writes_per_day, now)
            kept = _still_seen(versions, now - settings.consistency) if versions else []
            self._versions[key] = [*kept, _Version(value, now, place, now + ttl, number)]
            self._sweep(now)

    def list_keys(self, settings: KvSettings, prefix: str, place: int = 0) -> list[str]:
        """The keys with that prefix that `place` sees, in order; counted as one read. Raises KvError."""
        with self._lock:
            now = self._clock()
            self._count("get", settings, settings.reads_per_day, now)
            keys = sorted(key for key in self._versions if key.startswith(prefix))
            return [key for key in keys if self._seen(settings, key, place, now) is not None]

    def used_today(self) -> dict[str, int]:
        """Operations served since 00:00 UTC (or since reset): {"get": n, "put": n}."""
        with self._lock:
            return dict(self._served)

    def keys(self) -> int:
        """Keys in the store, expired ones that were not yet swept among them."""
        return len(self._versions)

    def writes(self) -> int:
        """Writes since reset, by the store's own version numbers."""
        with self._lock:
            return self._swept + sum(versions[-1].number for versions in self._versions.values())

    def state(self) -> dict[str, int]:
        """For `/_control/state`: used today, and what the store holds."""
        return {**self.used_today(), "writes": self.writes(), "keys": self.keys()}

    def reset(self) -> None:
        """An empty namespace with an unused quota."""
        with self._lock:
            self._versions.clear()
            self._swept = 0
            self._served = {"get": 0, "put": 0}

    def _seen(self, settings: KvSettings, key: str, place: int, now: float) -> Any:
        for version in reversed(self._versions.get(key, ())):
            if version.place == place or now - version.written >= settings.consistency:
                return version.value if now < version.expires else None
        return None

    def _too_soon(self, settings: KvSettings, last: _Version, now: float) -> bool:
        return now - last.written < 1 / settings.writes_per_key_per_s

    def _count(self, op: str, settings: KvSettings, per_day: int, now: float) -> None:
        day = int(now // DAY)
        if day != self._day:
            self._day, self._served = day, {"get": 0, "put": 0}
        if settings.plan == "free" and self._served[op] >= per_day:
            self._refuse(op, "quota", settings)
        self._served[op] += 1
        self._watch(op, None)

    def _refuse(self, op: str, cause: str, settings: KvSettings, words: str = "") -> None:
        self._watch(op, cause)
        raise KvError(op, cause, settings.api, words)

    def _sweep(self, now: float) -> None:
        """Forget what has expired."""
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_EVERY
        gone = [key for key, kept in self._versions.items() if kept[-1].expires <= now]
        self._swept += sum(self._versions.pop(key)[-1].number for key in gone)


def _still_seen(versions: list[_Version], horizon: float) -> list[_Version]:
    """Versions that some place may still read: the newest one that all can see, and those after it."""
    for index in range(len(versions) - 1, -1, -1):
        if versions[index].written <= horizon:
            return versions[index:]
    return versions
