"""What POST /swarm and POST /user may say: checked before Locust looks at it, so a refusal changes nothing.

Locust would take any option of the process from the form, the host among them, and answer a wrong
type with a stack trace. Here a form may set the fields of an attack alone. Scenarios and targets go by
name, or by what the process was started with: nobody reads files of the machine through the form.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from common.errors import one_line, short
from run.request import CheckedRun, RunRequest
from scenarios.options import FORM
from targets.schema import Target

STOCK: Final = ("user_count", "spawn_rate", "host", "run_time", "profile")  # of Locust's own form
USER: Final = ("user_class_name", "host")  # of Locust's dialogue for a user class
CLASS: Final = "AllAccounts"
NUMBERS: Final[Mapping[str, tuple[Callable[[str], float], str]]] = {
    "user_count": (int, "a whole number"),
    "spawn_rate": (float, "a number"),
}
"""As Locust reads them, and what that takes; the scenario's accounts come instead."""
Read = Callable[[RunRequest], CheckedRun]


class FormError(ValueError):
    """The form is refused; one clear line."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(one_line(f"{field}: {short(value)}, allowed: {allowed}"))


class SwarmForm:
    """The form of one process."""

    def __init__(self, options: Any, lists: Mapping[str, list[str]], read: Read) -> None:
        """`options`: as the process was started; `read` checks what is asked for."""
        started_with = {key: str(getattr(options, key, "")) for key in FORM}
        self.choices = {
            key: list(dict.fromkeys([*values, started_with[key]])) for key, values in lists.items()
        }
        self._options = options
        self._read = read

    def check(self, pairs: Iterable[tuple[str, str]]) -> CheckedRun:
        """What the form's fields, over what holds now, ask for. Raises ValueError with one line."""
        values = _once(pairs)
        for field, value in values.items():
            if field in self.choices and value not in self.choices[field]:
                raise FormError(field, value, ", ".join(filter(None, self.choices[field])))
        _check_stock(values)
        ours = {key: value for key, value in values.items() if key in FORM}
        run = self._read(RunRequest.of(self._options, **ours, given_by="form"))
        _check_host(values.get("host", ""), run.target)
        return run

    def check_user(self, settings: object, target: Target) -> None:
        """What POST /user may change of Locust's user class: nothing. Raises ValueError with one line."""
        if not isinstance(settings, Mapping):
            raise FormError("body", settings, f"a JSON object of {', '.join(USER)}")
        for field, value in settings.items():
            if field not in USER:
                raise FormError(
                    "user", field, f"{', '.join(USER)}; groups, rates and tasks are the scenario's"
                )
            if field == "user_class_name" and value != CLASS:
                raise FormError(field, value, CLASS)
        _check_host(str(settings.get("host") or ""), target)


def _once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each field once, and no field that is not in the form."""
    found = list(pairs)
    for field, count in Counter(key for key, _ in found).items():
        if field not in FORM and field not in STOCK:
            raise FormError("form", field, f"the fields {', '.join(FORM)}")
        if count > 1:
            raise FormError(field, f"{count} values", "one value")
    return dict(found)


def _check_stock(values: Mapping[str, str]) -> None:
    for field, (read, allowed) in NUMBERS.items():
        if not _is_number(values.get(field, "0"), read):
            raise FormError(field, values[field], f"{allowed} (it changes nothing: accounts does)")
    if values.get("run_time"):
        raise FormError("run_time", values["run_time"], "empty; duration tells how long load is sent")


def _is_number(text: str, read: Callable[[str], float]) -> bool:
    try:
        return math.isfinite(read(text))
    except (ValueError, OverflowError):
        return False


def _check_host(host: str, target: Target) -> None:
    """The target's file says where load goes; the form's host changes nothing, so it must not say other."""
    if host.rstrip("/") not in ("", target.base_url.rstrip("/")):
        raise FormError("host", host, f"empty, or {target.base_url}; the target's file says where load goes")
