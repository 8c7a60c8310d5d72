"""Are two runs the same attack? Only then does a difference between them speak of the target.

The same are: scenario (or variants of one), groups with their accounts, rates, shapes, personas, tools and
whether they are judged, how they connect, seed, duration, time scale, faults, deadlines. What may differ is
what a comparison is made for: protections, target, the era of MCP, the stack's settings, version; `attacked`
has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from verdicts.run.reading import Run, RunFolderError

Plain = Mapping[str, Any]
KEYS: Final = (
    *("seed", "duration", "time_scale", "timeout", "drain", "faults"),
    *("align", "connections", "request_ids", "late_answers"),
)
OF_GROUP: Final = ("rate", "accounts", "shape", "persona", "tools", "answers_input", "reopen_within", "judge")
PROTOCOL: Final = "protocol"
LONGEST: Final = 120


def differences(a: Plain, b: Plain) -> list[str]:
    """What makes two scenarios (as `run.json` holds them) different attacks, `key: B's value, not A's`."""
    if not {_base(a), a["name"]} & {_base(b), b["name"]}:
        return [_told("scenario", a["name"], b["name"])]
    return [*_unlike("", KEYS, a, b), *_groups(a, b)]


def load(scenario: Plain) -> dict[str, Any]:
    """What makes a scenario the attack that it is, as plain data; without its name."""
    groups = {
        group["name"]: {key: _called(group).get(key) for key in (*OF_GROUP, PROTOCOL)}
        for group in scenario["groups"]
    }
    return {**{key: scenario.get(key) for key in KEYS}, "groups": groups}


def check(first: Run, other: Run) -> None:
    """Raises RunFolderError with one line unless both are whole runs of the same attack."""
    found = differences(first.scenario, other.scenario)
    if found:
        what = "; ".join(found)
        raise RunFolderError(
            f"{other.folder}: is not the attack of {first.folder}: {what}, allowed: the same"
        )
    for run in (first, other):
        if run.load_end < run.duration:
            how = f"ended at {run.load_end:.1f} s of {run.duration:g} s, allowed: a run to its end"
            raise RunFolderError(f"{run.folder}: {how}")


def alike(runs: Sequence[Run]) -> None:
    """Raises RunFolderError unless runs that stand on one side were made against the same thing."""
    for run in runs[1:]:
        if found := against(runs[0], run):
            what = "; ".join(found)
            raise RunFolderError(f"{run.folder}: is not of one side with {runs[0].folder}: {what}")


def against(a: Run, b: Run) -> list[str]:
    """What was attacked differently: protections, target, protocol, stack, version, machine."""
    return unlike(attacked(a), attacked(b))


def unlike(a: Plain, b: Plain) -> list[str]:
    """`key: B's value, not A's` of every key of two plain mappings that is not the same."""
    return list(_unlike("", sorted({*a, *b}), a, b))


def attacked(run: Run) -> dict[str, Any]:
    """What a run was made against, as plain data."""
    settings = run.manifest.stack.settings if run.manifest.stack else {}
    return {
        "protections": ", ".join(run.manifest.protections) or "none",
        "target": run.manifest.target_name,
        PROTOCOL: {group["name"]: run.spoken(group) for group in run.scenario.get("groups", ())},
        "stack": {key: value for key, value in settings.items() if key != "ports"},
        "version": run.manifest.version,
        "machine": run.manifest.machine.cpu,
    }


def _base(scenario: Plain) -> str:
    return str(scenario.get("variant_of") or scenario["name"])


def _groups(a: Plain, b: Plain) -> Iterator[str]:
    ours, theirs = ({group["name"]: group for group in one["groups"]} for one in (a, b))
    if ours.keys() != theirs.keys():
        yield _told("groups", ", ".join(ours), ", ".join(theirs))
        return
    for name in ours:
        yield from _unlike(f"{name}.", OF_GROUP, _called(ours[name]), _called(theirs[name]))


def _called(group: Plain) -> dict[str, Any]:
    """The group with what its tools send alone: their role is for targets that have tools of their own."""
    tools = [{key: value for key, value in tool.items() if key != "role"} for tool in group["tools"]]
    return {**group, "tools": tools}


def _unlike(where: str, keys: Sequence[str], a: Plain, b: Plain) -> Iterator[str]:
    for key in keys:
        ours, theirs = a.get(key), b.get(key)
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            yield from _unlike(f"{where}{key}.", sorted({*ours, *theirs}), ours, theirs)
        elif ours != theirs:
            yield _told(f"{where}{key}", ours, theirs)


def _told(key: str, a: Any, b: Any) -> str:
    return f"{key}: {_short(b)}, not {_short(a)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
