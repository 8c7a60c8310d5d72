"""Where a call says which intent it is for, so that its repeats can be known for what they are.

    intents: {header: Idempotency-Key}        the default: a header of every call of a tool
    intents: {meta: com.example/intent}       in `params._meta`

`{intent}` in a tool's arguments is the same key there. All repeats of a scheduled arrival carry its key.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, model_validator

from common.strict import Strict

INTENT: Final = "{intent}"
"""What stands for the key, in arguments, headers and `_meta`."""
HEADER: Final = "Idempotency-Key"
"""As the draft of the IETF has it, and the bundled stack."""


class IntentPlace(Strict):
    """One of `header` and `meta`."""

    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,64}$")] = ""
    meta: Annotated[str, Field(pattern=r"^[!-~]{0,200}$")] = ""

    @model_validator(mode="after")
    def _one(self) -> IntentPlace:
        if bool(self.header) == bool(self.meta):
            raise ValueError("intents: allowed: one of header, meta")
        return self


USUAL: Final = IntentPlace(header=HEADER)
