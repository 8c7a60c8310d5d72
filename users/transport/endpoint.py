"""Where the guard lets us go, as the client takes it."""

from __future__ import annotations

from targets.guard import Pinned
from targets.schema import Target
from users.transport.client import Endpoint
from users.transport.tls import client_context


def endpoint(target: Target, pinned: Pinned) -> Endpoint:
    """The first of the pinned addresses. OSError for a CA file that cannot be read."""
    tls = client_context(target.tls) if pinned.scheme == "https" else None
    return Endpoint(pinned.family, (pinned.addresses[0], pinned.port), pinned.host, tls)
