"""Our options as Locust has them: its command line, its environment variables, the fields of its web form."""

from __future__ import annotations

from typing import Any, Final

from common.errors import ConfigError, short
from fakes.settings import OriginSettings
from scenarios import load as scenarios
from scenarios.option import SOURCE
from scenarios.options import LOCUST, LOOPBACK, of
from targets import load as targets
from targets.schema import Target

_LOAD: Final = "ACCOUNTS, RATE and DURATION say how much load there is"
_USERS: Final = "a scenario's groups say who attacks, and with which tools"
MEANINGLESS: Final = {
    "num_users": ("-u, --users, LOCUST_USERS", _LOAD),
    "spawn_rate": ("-r, --spawn-rate, LOCUST_SPAWN_RATE", _LOAD),
    "run_time": ("-t, --run-time, LOCUST_RUN_TIME", _LOAD),
    "tags": ("-T, --tags, LOCUST_TAGS", _USERS),
    "exclude_tags": ("-E, --exclude-tags, LOCUST_EXCLUDE_TAGS", _USERS),
    "class_picker": ("--class-picker, LOCUST_USERCLASS_PICKER", _USERS),
}
"""Locust's own options that would change nothing here, or break a run: what they are called, what does it."""


class _AnyName(list[str]):
    """The choices of the web form; the command line may say more (a file), which is checked later."""

    def __contains__(self, value: object) -> bool:
        return True


def choices() -> dict[str, list[str]]:
    """The fields that offer a list, and the list; an empty text leaves the scenario's own."""
    return {
        "scenario": scenarios.names(),
        "target": sorted(file.stem for file in targets.FOLDER.glob("*.yaml")),
        "tier": ["", *OriginSettings().tiers],
    }


def add_arguments(parser: Any) -> None:
    """Our own arguments beside Locust's; each may also come from the environment."""
    lists = choices()
    for option in of(LOCUST):
        parser.add_argument(
            option.flag,
            default=option.default_of(LOCUST),
            choices=_AnyName(lists[option.name]) if option.name in lists else None,
            metavar=option.variable,
            env_var=option.variable,
            include_in_web_ui=option.form,
            help=option.help.replace("%", "%%"),
        )
    parser.set_defaults(web_host=LOOPBACK, master_bind_host=LOOPBACK)  # Locust's own: every interface


def check_host(host: str | None, target: Target) -> None:
    """Locust's own --host changes nothing, so it must not say other than the target. Raises ConfigError."""
    if host and host.rstrip("/") != target.base_url:
        text = f"{short(host)}, allowed: none, or {target.base_url}; the target's file says where load goes"
        raise ConfigError(SOURCE, "--host", text)


def check_stock(options: Any) -> None:
    """None of Locust's options is given that mean nothing here. Raises ConfigError."""
    for name, (called, instead) in MEANINGLESS.items():
        if value := getattr(options, name, None):
            raise ConfigError(SOURCE, called, f"{short(value)}, allowed: none; {instead}")
