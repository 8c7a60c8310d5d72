"""Two network namespaces with a link between them: two machines, as far as a network can tell.

with two_machines() as pair:
    [*pair.here, "bin/attack", …]        a command on the one machine, at HERE
    [*pair.there, "bin/worker", …]       one on the other
    pair.cut()                           nothing passes, and nobody is told
    pair.mend()
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from tests.support import needs

HERE: Final = "10.213.77.1"
THERE: Final = "10.213.77.2"
NOBODY: Final = "02:00:00:00:00:01"  # what is sent to this hardware address is thrown away on arrival
NO_RIGHTS: Final = f"{needs.ROOT_ALONE}, and network namespaces"


@dataclass(frozen=True)
class TwoMachines:
    """What a command on each begins with."""

    ip: str
    names: tuple[str, str]
    links: tuple[str, str]

    @property
    def here(self) -> list[str]:
        return self._on(self.names[0])

    @property
    def there(self) -> list[str]:
        return self._on(self.names[1])

    def _on(self, name: str) -> list[str]:
        return [self.ip, "netns", "exec", name]

    def cut(self) -> float:
        """Nothing passes from now on, and neither side hears of it; the instant.

        Each side takes the other for somebody who is not there, which needs no module of the kernel.
        """
        self._neighbours("replace", "lladdr", NOBODY, "nud", "permanent")
        return time.monotonic()

    def mend(self) -> None:
        """All passes again."""
        self._neighbours("delete")

    def _neighbours(self, what: str, *how: str) -> None:
        sides = zip((self.here, self.there), self.links, (THERE, HERE), strict=True)
        for on, link, other in sides:
            _run([*on, self.ip, "neighbour", what, other, "dev", link, *how])


@contextlib.contextmanager
def two_machines() -> Iterator[TwoMachines]:
    """Both, for the length of a `with` block; the test is skipped where they may not be made."""
    ip = needs.require("ip")
    own = f"{os.getpid() % 100_000:05d}"
    names = (f"attack-a{own}", f"attack-b{own}")
    links = (f"va{own}", f"vb{own}")
    pair = TwoMachines(ip, names, links)
    try:
        try:
            for name in names:
                _run([ip, "netns", "add", name])
            _run([ip, "link", "add", links[0], "netns", names[0], "type", "veth", "peer",
                  "name", links[1], "netns", names[1]])  # fmt: skip
        except subprocess.CalledProcessError as error:
            pytest.skip(f"{NO_RIGHTS}: {error.stderr.strip()}")
        for on, link, address in zip((pair.here, pair.there), links, (HERE, THERE), strict=True):
            _run([*on, ip, "address", "add", f"{address}/30", "dev", link])
            for one in ("lo", link):
                _run([*on, ip, "link", "set", one, "up"])
        yield pair
    finally:
        for name in names:
            subprocess.run([ip, "netns", "delete", name], capture_output=True, check=False)


def _run(command: list[str]) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
