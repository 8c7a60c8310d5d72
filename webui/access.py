"""Who may open the web UI: this machine alone, or whoever knows the password.

Whoever reaches the UI can send load. It listens on loopback unless told otherwise; on any other
address, or when a login was asked for, it must have a password: WEB_PASSWORD.
"""

from __future__ import annotations

import socket
from typing import Final

from common.addresses.url import is_loopback_name
from common.errors import one_line

VARIABLE: Final = "WEB_PASSWORD"
MIN_LENGTH: Final = 8  # characters


class AccessError(ValueError):
    """The UI will not start; one clear line."""


def check(host: str, password: str, login: bool = False) -> None:
    """The UI may listen on `host` ("": every interface). Raises AccessError."""
    if password and len(password) < MIN_LENGTH:
        raise AccessError(f"{VARIABLE}: {len(password)} characters, allowed: {MIN_LENGTH} or more")
    if password:
        return
    if not is_loopback_name(host):
        where = one_line(host) or "every interface"
        raise AccessError(
            f"--web-host: {where} is not on loopback, allowed: 127.0.0.1, or a password in {VARIABLE}"
        )
    if login:
        raise AccessError(f"--web-login: no password, allowed: with a password in {VARIABLE}")


def check_port(host: str, port: int) -> None:
    """The UI can listen there. Raises AccessError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError, UnicodeError) as error:  # no port, no name
            why = getattr(error, "strerror", "") or error
            text = f"{one_line(host) or 'every interface'} port {port}: {why}"
            raise AccessError(
                f"--web-host, --web-port: {text}, allowed: a free port of this machine"
            ) from None
