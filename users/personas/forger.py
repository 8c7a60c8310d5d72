"""`forger`: calls with tokens that do not hold, one kind each (`users.accounts.forge`).

Options: `kind`, one of the forge's; `tokens`, how many different ones an account makes before load
starts (default 64) and then uses in turn.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from users.accounts.forge import Kind
from users.mcp.operations import Operation
from users.personas.persona import AccountClient, persona

MAX_TOKENS: Final = 10_000


class ForgerOptions(msgspec.Struct, frozen=True):
    """See above."""

    kind: Annotated[Kind, Meta(title="kind")]
    tokens: Annotated[int, Meta(ge=1, le=MAX_TOKENS, title="tokens", description=f"1 to {MAX_TOKENS:,}")] = 64


@persona("forger", ForgerOptions)
class Forger:
    """One call an arrival, each with the next of its bad tokens."""

    opening = 0

    def __init__(
        self, client: AccountClient, operations: tuple[Operation, ...], options: ForgerOptions
    ) -> None:
        self._options = options
        self._client = client
        self._operation = operations[0]
        self._tokens: list[bytes] = []
        self._next = 0

    def open(self) -> None:
        """Make the tokens; it calls nobody."""
        forge = self._client.forge
        if forge is None:
            raise ValueError("persona forger: the target signs no tokens, allowed: a target with auth")
        account, options = self._client.account, self._options
        self._tokens = [forge.make(options.kind, account, serial) for serial in range(options.tokens)]

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Call with the next token."""
        token = self._tokens[self._next]
        self._next = (self._next + 1) % len(self._tokens)
        operation = self._operation
        self._client.call(operation.message, operation.code, index=index, planned=planned, token=token)
