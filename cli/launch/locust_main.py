"""Locust's own command without what a run never uses: `python -P cli/launch/locust_main.py …` is `locust …`.

Half of Locust's start, in CPU seconds, goes to two things: gevent asks every package of the environment, 25
times, whether it has something to add to what is patched (0.28 of 0.9), and Flask is read for a web UI that a
headless run and a worker do not have (0.13). Nothing of the project is imported here: the locustfile does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

from gevent import events


def lighten(words: Sequence[str]) -> None:
    """What Locust, with these words, can do without is not there. Before Locust is imported."""
    events.notify_and_call_entry_points = events.notify
    if "--headless" in words or "--worker" in words:
        absent = ModuleType("locust.web")
        absent.WebUI = None  # type: ignore[attr-defined]  # a name that locust.env imports, and does not call
        sys.modules[absent.__name__] = absent


if __name__ == "__main__":
    lighten(sys.argv)
    from locust.main import main

    sys.exit(main())  # type: ignore[no-untyped-call]
