"""Limits of our own machine that calls ran into: ports, open files, memory, the disk, its way out.

A call that could not be made for such a limit is dropped, under the limit's name, and never the target's
failure; one whose answer there was no room for fails under it. A run that met one is invalid. So is one
where a process of the bundled stack ended for want of files: a Worker holds four for each call in flight, and
workerd ends when it may open no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from telemetry.recording.sample import OWN_LIMITS, Outcome
from verdicts.run.reading import Run

TOO_MANY: Final = "Too many open files"
MEANING: Final = {
    "EADDRNOTAVAIL": "no local port was free: each connection takes one, and keeps it for a minute after",
    "EMFILE": "the process may open no more files: each call in flight is one (ulimit -n)",
    "ENFILE": "the machine may open no more files",
    "ENOBUFS": "the kernel had no buffers left for sockets",
    "ENOMEM": "no memory was left for sockets, or for the answers under way: 1 GiB of them at once",
    "ENETUNREACH": "this machine had no route to the target",
    "ENETDOWN": "this machine's network was down",
    "EPERM": "a rule of this machine (its firewall) forbade the connection",
    "EACCES": "a rule of this machine (its firewall, its routes) forbade the connection",
    "ENOSPC": "the disk with the run's folder is full",
}


def of(run: Run) -> Mapping[str, int]:
    """Calls that each limit cost, by its name; ENOSPC counts the writes that failed."""
    counts = run.reasons(run.became(Outcome.DROPPED) | run.became(Outcome.FAILED))
    found = {name: counts[name] for name in OWN_LIMITS if counts.get(name)}
    full = sum(event.kind == "run" and event.name == "disk-full" for event in run.events)
    return {**found, "ENOSPC": full} if full else found


def reasons(run: Run) -> tuple[str, ...]:
    """Why the run is invalid for them."""
    met = (
        f"a limit of this machine: {name}, {count:,} times ({MEANING[name]})"
        for name, count in of(run).items()
    )
    ends = (
        f"a limit of this machine: {event.name} of the bundled stack ended at {event.t:.1f} s, "
        f"as it may open no more files (ulimit -n)"
        for event in run.events
        if event.kind == "state" and TOO_MANY in str(event.detail.get("how", ""))
    )
    return (*met, *ends)
