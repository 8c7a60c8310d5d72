"""Which parts of the bundled stack were real in a run, by the settings that it was started with (`parts`)."""

from __future__ import annotations

from typing import Final

from verdicts.run.run import Floats, Run

REAL: Final = "real parts"
PARTS: Final = ("edge", "origin")
MODEL_KILLS: Final = "mcpist_nano_kills_total"
KERNEL_KILLS: Final = "stack_cgroup_oom_kills_total"


def is_real(run: Run, part: str = "origin") -> bool:
    """Whether a real one ran."""
    return run.manifest.settings("parts").get(part) == "real"


def is_told(stack: str, part: str = "origin") -> bool:
    """The same by `STACK=` as a run or a search tells it."""
    return stack == "real" or f"{part}=real" in stack.split(",")


def is_held(run: Run) -> bool:
    """Whether a cgroup held the real origin."""
    return is_real(run) and run.manifest.settings("parts").get("nano") == "cgroup"


def why_unseen(run: Run) -> str:
    """Why there are no figures of a nano that held the real origin."""
    if is_held(run):
        return "Not observed: the stack told nothing of its cgroups."
    if run.manifest.settings("parts").get("nano") == "container":
        return "Not observed: a container held the origin, and what it counted is its platform's to tell."
    return "Not observed: no nano held the origin (NANO=unlimited)."


def subject(run: Run, part: str = "") -> str:
    """Whose figures a point has: of one part, or "" of all of them together."""
    parts = (part,) if part else PARTS
    return REAL if all(is_real(run, one) for one in parts) else run.subject


def kills(run: Run, source: str) -> float:
    """How often an origin was killed: by the kernel, or by the model; NaN where nobody told."""
    if is_real(run):
        return run.target.total("stack", KERNEL_KILLS, process=source)
    return run.target.total(source, MODEL_KILLS)


def kill_series(run: Run, source: str) -> tuple[str, Floats, Floats]:
    """(who told, instants, kills so far) of an origin."""
    if is_real(run):
        return "stack", *run.target.series("stack", KERNEL_KILLS, process=source)
    return source, *run.target.series(source, MODEL_KILLS)
