"""Who runs which test with real processes, and when.

Those tests wait more than they work, so several pytest processes share two cores (`make test`). Tests that
share something of their file (a fixture of the module) are one process's; others go one by one to whoever is
free. What takes long begins first, so that nobody works alone at the end.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from common.paths import ROOT

SHARES: Final = 'scope="module"'


@cache
def shares(file: str) -> bool:
    """Whether the tests of a file have a fixture in common, of its own or of its folder's."""
    path = ROOT / file
    return any(one.exists() and SHARES in one.read_text() for one in (path, path.with_name("conftest.py")))


def together(nodeid: str) -> str:
    """What a test goes with: its file, or nothing but itself."""
    file = nodeid.partition("::")[0]
    return file if shares(file) else nodeid


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow ones first; of those first what goes together with most others. A file keeps its order."""
    sizes = Counter(together(item.nodeid) for item in items)
    slow = {together(item.nodeid) for item in items if item.get_closest_marker("slow") is not None}

    def place(item: pytest.Item) -> tuple[bool, int, str]:
        group = together(item.nodeid)
        return group not in slow, -sizes[group], group

    if items and all(_ours(item) for item in items):
        items.sort(key=place)


def _ours(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With --dist=loadfile: by what goes together, in the order above."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return Together(config, log)
