"""Which parts of the bundled stack are real ones, and the grammar of `STACK=`.

    STACK = item ("," item)*
    item  = kind | part "=" kind             a later item overrules those before it
    kind  = fakes | real                     without a part: of every part that has a real one

`real` is all that there is: the edge as a Worker and the origin in Go. `fakes,origin=real` is the fakes with
the origin in Go, so that each part can be held against its fake. What runs for a part is named in
`fakes.stack.programs`.
"""

from __future__ import annotations

from typing import Final

KINDS: Final = ("fakes", "real")
REAL: Final = ("edge", "origin")  # parts that have a real one
PARTS: Final = ("edge", "origin")
NANO: Final = ("cgroup", "unlimited")


def parse(text: str) -> dict[str, str]:
    """Part → kind, for every part. Raises ValueError with one line that names what is allowed."""
    chosen = dict.fromkeys(PARTS, "fakes")
    for item in (item.strip() for item in text.split(",")):
        part, given, kind = item.rpartition("=")
        parts = (part.strip(),) if given else PARTS
        if kind.strip() not in KINDS or not set(parts) <= set(PARTS):
            raise ValueError(_wrong(item))
        for one in parts:
            if kind.strip() == "fakes" or one in REAL:
                chosen[one] = kind.strip()
            elif given:
                raise ValueError(f"{item!r:.40}: there is no real {one}; allowed: {', '.join(REAL)}")
    return chosen


def _wrong(item: str) -> str:
    mixed = ", ".join(f"fakes,{part}=real" for part in REAL)
    return f"{item!r:.40} is no part of a stack; allowed: fakes, real, or mixed: {mixed}"
