"""`forger`: calls with tokens that do not hold, one kind each (`users.accounts.forge`).

Options: `kind`, one of the forge's; `tokens`, how many different ones an account makes before load
starts (default 64) and then uses in turn.
"""

from __future__ import annotations

from typing import Any, Final

from users.accounts.forge import KINDS
from users.personas.persona import Line, Tool, persona

DEFAULT: Final = 64
MOST: Final = 10_000


@persona("forger")
class Forger:
    """One call an arrival, each with the next of its bad tokens."""

    def __init__(self, line: Line, tools: tuple[Tool, ...], options: dict[str, Any]) -> None:
        for name in options:
            if name not in {"kind", "tokens"}:
                raise ValueError(f"persona forger: unknown option {name!r}, allowed: kind, tokens")
        self._kind = options.get("kind")
        if self._kind not in KINDS:
            raise ValueError(f"persona forger: kind {self._kind!r}, allowed: {', '.join(KINDS)}")
        count = options.get("tokens", DEFAULT)
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST:
            raise ValueError(f"persona forger: tokens {count!r}, allowed: 1 to {MOST:,}")
        self._count = count
        self._line = line
        self._tool = tools[0]
        self._tokens: list[bytes] = []
        self._next = 0

    def open(self) -> None:
        """Make the tokens."""
        forge = self._line.forge
        if forge is None:
            raise ValueError("persona forger: the target signs no tokens, allowed: a target with auth")
        account = self._line.account
        self._tokens = [forge.make(self._kind or "", account, serial) for serial in range(self._count)]

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Call with the next token."""
        token = self._tokens[self._next]
        self._next = (self._next + 1) % len(self._tokens)
        self._line.call(self._tool.message, self._tool.code, index=index, planned=planned, token=token)
