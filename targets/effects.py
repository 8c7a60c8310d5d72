"""Where a target lists what its calls did, so that effects can be counted by intent once load is over.

    effects: {http: {url: https://gw.example.org/admin/transfers}}     a page
    effects: {tool: {name: list_transfers, arguments: {}}}             a tool; asked by the first account

One answer lists every effect of the run, of all accounts, and each effect once: as many effects of an intent
are counted as its key (`targets.intents`) stands there, in whatever form.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, field_validator, model_validator

from common.addresses.url import split_url
from common.strict import Strict
from common.tool_call import ToolCall

NOT_LISTED: Final = "the target file says nothing under `effects`"


class EffectsPage(Strict):
    """A page that is fetched with the target's `headers`."""

    url: Annotated[str, Field(max_length=1000)]

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        split_url(url)
        return url


class EffectsList(Strict):
    """One of `http` and `tool`."""

    http: EffectsPage | None = None
    tool: ToolCall | None = None

    @model_validator(mode="after")
    def _one(self) -> EffectsList:
        if (self.http is None) == (self.tool is None):
            raise ValueError("effects: allowed: one of http, tool")
        return self
