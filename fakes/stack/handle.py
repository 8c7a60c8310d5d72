"""A handle to a running bundled stack: where it is, how it is controlled, and its end.

    stack.base_url, stack.metrics, stack.signing, stack.put_protections([…]), stack.stop()

`fakes.stack.start` starts a stack and gives one, `fakes.stack.attach` gives one to a stack that runs already.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

TIMEOUT: Final = 30.0  # seconds; a restart of a process is part of it
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StackError(RuntimeError):
    """The stack did not start, or did not obey; one line that says why."""


@dataclass(frozen=True, slots=True)
class Signing:
    """How tokens for this stack are signed: the private key as PEM, its kid, issuer and algorithm."""

    key: str = field(repr=False)
    kid: str
    issuer: str
    algorithm: str


class StackHandle(ABC):
    """A running stack. Every command raises StackError with one line if it was not obeyed."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        """`state` is the content of its state file."""
        self.base_url: str = state["base_url"]
        self.metrics: dict[str, str] = state["metrics"]
        self.control_url: str = state["control_url"]
        self.control_token: str = state["control_token"]
        self.signing = Signing(**state["signing"])
        self.pids: dict[str, int | None] = state["pids"]

    def state(self) -> dict[str, Any]:
        """What is in force, how each process is, and the events so far (`monotonic` times)."""
        return self._ask("GET", "/state")

    def put_protections(self, names: Iterable[str]) -> None:
        """Put exactly these protections in force."""
        self._ask("PUT", "/protections", {"names": list(names)})

    def put_settings(self, part: Mapping[str, Any]) -> None:
        """Merge a part of the settings tree into those in force."""
        self._ask("PUT", "/settings", part)

    def add_fault(self, fault: Mapping[str, Any]) -> str:
        """Put one more fault in force; gives its id."""
        return str(self._ask("POST", "/faults", fault)["id"])

    def clear_fault(self, fault_id: str) -> int | None:
        """Undo one fault; how often its effect was observed, None if nobody can tell."""
        observed = self._ask("DELETE", f"/faults/{fault_id}").get("observed", 0)
        return None if observed is None else int(observed)

    def clear_faults(self) -> None:
        """Undo every fault."""
        self._ask("DELETE", "/faults")

    def reset(self) -> None:
        """Forget counters, windows, quotas and peaks; empty the money's tables."""
        self._ask("POST", "/reset")

    def consistency(self) -> dict[str, Any]:
        """The audit of the run so far, once nothing moves (`fakes.database.audit`)."""
        return self._ask("GET", "/consistency")

    def effects(self) -> dict[str, Any]:
        """Charges and usage rows of the run so far by intent (`fakes.database.effects`)."""
        return self._ask("GET", "/effects")

    def done(self) -> dict[str, Any]:
        """What the upstreams did, by intent (`fakes.upstream.upstream`)."""
        page = self.metrics["upstream"].removesuffix("/metrics") + "/done"
        return _opened(urllib.request.Request(page), "the upstream")

    def connections(self) -> dict[str, Any]:
        """Where the connection limit is: opens connections until refused (see there)."""
        return self._ask("POST", "/connections")

    def kill(self, process: str, signal: str = "KILL") -> None:
        """Send a process KILL, TERM, STOP or CONT."""
        self._ask("POST", "/kill", {"process": process, "signal": signal})

    def restart(self, process: str) -> None:
        """Start a process again; returns when it answers."""
        self._ask("POST", "/restart", {"process": process})

    @abstractmethod
    def alive(self) -> bool:
        """Whether the supervisor runs."""

    @abstractmethod
    def stop(self, timeout: float = 20.0) -> None:
        """Be done with the stack. May be called twice."""

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            self.control_url + path, None if body is None else json.dumps(body).encode(), method=method,
            headers={"X-Control-Token": self.control_token, "Content-Type": "application/json"},
        )  # fmt: skip
        return _opened(request, "the stack's control API")


def _opened(request: urllib.request.Request, whose: str) -> dict[str, Any]:
    try:
        with _OPENER.open(request, timeout=TIMEOUT) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            raise StackError(_reason(error)) from None
    except (OSError, ValueError) as error:
        raise StackError(f"{whose} gave no answer: {error}") from None


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, LookupError, OSError):
        return f"the stack's control API answered {error.code}"
