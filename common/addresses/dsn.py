"""Where a Postgres is, read so that no two readers can understand it differently.

    postgresql://user[:password]@host[:port]/database[?sslmode=…&sslrootcert=…]
    postgresql://user@/database?host=/folder/of/the/socket[&port=5432]

One host, written out (none of the environment's PG… variables then counts), as `common.addresses.url` takes
one. A DSN holds a password, so no message shows one.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

from common.addresses.url import BadUrlError, checked_host, is_loopback_name

ALLOWED: Final = "allowed: postgresql://user:password@host:port/database, or postgresql://user@/database?host=/socket/folder"
_FORM: Final = re.compile(
    r"postgres(?:ql)?://[^@/?#%\s\\:]+(?::[^@/?#\s\\]*)?@"
    r"(?P<host>\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]*)(?::[0-9]{1,5})?/[^/?#%\s\\]+(?:\?(?P<query>[!-~]+))?"
)
_KEYS: Final = ("host", "port", "sslmode", "sslrootcert")


class DsnError(ValueError):
    """A DSN that is not taken, as one line that does not show it."""


def host_of(dsn: str) -> str:
    """The one host that a DSN names: lower-case, or the folder of a socket (`/…`). Raises DsnError."""
    form = _FORM.fullmatch(dsn)
    if form is None:
        raise DsnError(f"not a database's place (not shown), {ALLOWED}")
    options = parse_qsl(form["query"] or "", keep_blank_values=True)
    keys = [key for key, _ in options]
    if unknown := [key for key in keys if key not in _KEYS or keys.count(key) > 1]:
        raise DsnError(f"unknown or twice: {unknown[0]!r}, allowed: {', '.join(_KEYS)}, each once")
    folder = dict(options).get("host")
    if folder is not None:
        if form["host"] or not folder.startswith("/") or "," in folder:
            raise DsnError(
                "host: not the one place of the database, allowed: a socket's folder, and no other host"
            )
        return str(folder)
    try:
        return checked_host(form["host"].strip("[]").lower(), bracketed="[" in form["host"])
    except BadUrlError as error:
        raise DsnError(str(error)) from None


def is_local(dsn: str) -> bool:
    """It is this machine's: on loopback, or behind a unix socket. Raises DsnError."""
    host = host_of(dsn)
    return host.startswith("/") or is_loopback_name(host)


def refuse_foreign(dsn: str, owned: str | None) -> None:
    """Raises DsnError unless the database is this machine's, or on the host that its owner named."""
    host = host_of(dsn)
    if not is_local(dsn) and host != owned:
        raise DsnError(
            f"{host} is not on loopback, allowed: a database of this machine, or on the host that the target "
            "file names in i_own_this_host"
        )
