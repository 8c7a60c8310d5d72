"""Which parts of the bundled stack are real ones, and the grammar of `STACK=`.

    STACK = item ("," item)*
    item  = kind | part "=" kind             a later item overrules those before it
    kind  = fakes | real                     without a part: of every part

`real` is the edge as a Worker and the origin in Go. `fakes,origin=real` is the fakes with
the origin in Go, so that each part can be held against its fake. What runs for a part is named in
`fakes.stack.programs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KINDS: Final = ("fakes", "real")
PARTS: Final = ("edge", "origin")  # those that have a real one


def parse(text: str) -> dict[str, str]:
    """Part → kind, for every part. Raises ValueError with one line that names what is allowed."""
    chosen = dict.fromkeys(PARTS, "fakes")
    for item in (item.strip() for item in text.split(",")):
        part, given, kind = item.rpartition("=")
        parts = (part.strip(),) if given else PARTS
        if kind.strip() not in KINDS or not set(parts) <= set(PARTS):
            raise ValueError(_wrong(item))
        chosen.update(dict.fromkeys(parts, kind.strip()))
    return chosen


def told(chosen: Mapping[str, str]) -> str:
    """What `STACK=` was, as short as can be; "" where every part is a fake."""
    real = [part for part in PARTS if chosen.get(part) == "real"]
    if len(real) == len(PARTS):
        return "real"
    return ",".join(["fakes", *(f"{part}=real" for part in real)]) if real else ""


def _wrong(item: str) -> str:
    mixed = ", ".join(f"fakes,{part}=real" for part in PARTS)
    return f"{item!r:.40} is no part of a stack; allowed: fakes, real, or mixed: {mixed}"
