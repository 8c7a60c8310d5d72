"""`leak-session`: a session is opened for a call, and nobody knows it who could close it."""

from __future__ import annotations

from fakes.bugs.bug import Surroundings, leak


@leak("leak-session")
async def session(surroundings: Surroundings, user: str) -> object:
    """A session of the origin's own table."""
    return await surroundings.open_session(user)
