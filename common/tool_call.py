"""A call of one tool, as scenarios and target files write it: by the standard, or by MCPist's meta tool.

    {name: echo, arguments: {text: hi}}                     any MCP server's tool
    {module: fast, tool: echo, params: {text: hi}}          MCPist's: `run` with these as its arguments

Both have a `label` for reports, and say by `wire` what `tools/call` is given. Their arguments may hold
`{nonce}`, and `expect` says what the answer must hold (`common.expect`).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from common.expect import Expect, check
from common.nonce import holds_nonce
from common.strict import Strict

Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
ToolName = Annotated[str, Field(min_length=1, max_length=200)]
Role = Literal["fast", "slow"]
ROLES: Final[tuple[Role, ...]] = ("fast", "slow")
META_TOOL: Final = "run"


class _Checked(Strict):
    """A call whose answer can be told from another's."""

    expect: Expect | None = Field(default=None, exclude_if=lambda value: value is None)

    @model_validator(mode="after")
    def _sent(self) -> Self:
        check(self.expect, self.wire[1])
        return self

    @property
    def wire(self) -> tuple[str, dict[str, Any]]:
        """(name, arguments) of `tools/call`."""
        raise NotImplementedError

    @property
    def checked(self) -> bool:
        """Its answers are looked at."""
        return self.expect is not None or holds_nonce(self.wire[1])


class ModuleCall(_Checked):
    """A tool of one of MCPist's modules."""

    module: Word
    tool: Word
    params: dict[str, Any] = Field(default_factory=dict)

    @property
    def label(self) -> str:
        """`fast.echo`."""
        return f"{self.module}.{self.tool}"

    @property
    def command(self) -> dict[str, Any] | None:
        """The same call as a line of a batch; None for what no batch can hold."""
        return {"module": self.module, "tool": self.tool, "params": dict(self.params)}

    @property
    def wire(self) -> tuple[str, dict[str, Any]]:
        """(name, arguments) of `tools/call`."""
        return META_TOOL, {"module": self.module, "tool": self.tool, "params": dict(self.params)}


class StandardCall(_Checked):
    """A tool by its own name."""

    name: ToolName
    arguments: dict[str, Any] = Field(default_factory=dict)

    @property
    def label(self) -> str:
        """Its name."""
        return self.name

    @property
    def command(self) -> dict[str, Any] | None:
        """None: a batch is MCPist's own."""
        return None

    @property
    def wire(self) -> tuple[str, dict[str, Any]]:
        """(name, arguments) of `tools/call`."""
        return self.name, dict(self.arguments)


def by_key(written: Any) -> str:
    """Which of the two a mapping is meant to be, as the tags below have it."""
    given = written if isinstance(written, dict) else getattr(written, "__dict__", {})
    return "[standard]" if "name" in given or "arguments" in given else "[module]"


ToolCall = Annotated[
    Annotated[ModuleCall, Tag("[module]")] | Annotated[StandardCall, Tag("[standard]")], Discriminator(by_key)
]
