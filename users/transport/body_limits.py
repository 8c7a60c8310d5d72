"""How much of answers may be held in memory: of one, and of all that are under way in this process."""

from __future__ import annotations

from typing import Final

MIB: Final = 1 << 20
MAX_BODY: Final = 16 * MIB  # bytes
TOGETHER: Final = 1024 * MIB  # bytes


class TooLargeError(Exception):
    """One answer is larger than a client reads: the target's own doing."""


class OutOfRoomError(Exception):
    """All answers together are more than this process may hold: a limit of ours."""


class BodyLimits:
    """`held`: the bytes of bodies that came in pieces and are not whole yet."""

    __slots__ = ("each", "held", "together")

    def __init__(self, each: int = MAX_BODY, together: int = TOGETHER) -> None:
        self.each = each
        self.together = together
        self.held = 0

    def grow(self, size: int, by: int) -> None:
        """A body has grown by `by` bytes to `size`. Raises TooLargeError, OutOfRoomError."""
        self.held += by
        if size > self.each:
            raise TooLargeError(f"the body is larger than {self.each / MIB:g} MiB (max_body_mib)")
        if self.held > self.together:
            raise OutOfRoomError
