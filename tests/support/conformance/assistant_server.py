"""`bin/resilience mcp` with what the official conformance suite asks for by name, for the suite alone.

    PYTHON -m tests.support.conformance.assistant_server --http --port N

Only what the server does is here: refusals, progress, questions for a person, a missing capability, pages.
Each goes the way that the server's own goes.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any, Final

from cli import mcp

sys.path.append(str(mcp.SITE))

from mcp.server.mcpserver import Context, Elicit, Resolve  # type: ignore[import-not-found]
from mcp.shared.exceptions import MCPError  # type: ignore[import-not-found]
from mcp_types import MISSING_REQUIRED_CLIENT_CAPABILITY  # type: ignore[import-not-found]
from pydantic import BaseModel

from cli.assistant import load, server
from common.errors import RefusedInputError

MADE: Final = server.make
ASKING: Final = (
    "test_input_required_result_elicitation", "test_input_required_result_request_state",
    "test_input_required_result_tampered_state", "test_streaming_elicitation",
)  # fmt: skip
SAMPLING: Final[dict[str, Any]] = {"requiredCapabilities": {"sampling": {}}}


class Person(BaseModel):
    """Who somebody says that they are."""

    username: str
    email: str


class Named(BaseModel):
    """What somebody is called."""

    name: str


def test_simple_text() -> str:
    """A text."""
    return "This is a simple text response for testing."


def test_error_handling() -> str:
    """A refusal."""
    raise RefusedInputError("This tool intentionally returns an error for testing")


async def test_tool_with_progress(ctx: Context) -> str:
    """Progress in three steps."""
    tell = server._teller(ctx)
    for done in (0, 50, 100):
        await tell(load.LoadProgress(done, 100, f"Completed step {done} of 100"))
        await asyncio.sleep(0.05)
    return "done"


def test_missing_capability(ctx: Context) -> str:
    """A refusal of who cannot sample."""
    if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
        raise MCPError(code=MISSING_REQUIRED_CLIENT_CAPABILITY, message="no sampling", data=SAMPLING)
    return "sampling"


def ask_person(message: str) -> Elicit[Person]:
    """The question with the client's own words."""
    return Elicit(message, Person)


def test_elicitation(person: Annotated[Person, Resolve(ask_person)], message: str) -> str:
    """What a person answered."""
    return f"User response: action=accept, content={person.model_dump_json()}"


def ask_name() -> Elicit[Named]:
    """A question."""
    return Elicit("What is your name?", Named)


def greet(named: Annotated[Named, Resolve(ask_name)]) -> str:
    """A greeting."""
    return f"Hello, {named.name}! state-ok"


def page() -> str:
    """A page."""
    return "This is the content of the static text resource."


def template(key: str) -> str:
    """Data of a key."""
    return f'{{"id":"{key}","templateTest":true,"data":"Data for ID: {key}"}}'


def make(version: str) -> Any:
    """The server, and those."""
    made = MADE(version)
    for tool in (
        test_simple_text,
        test_error_handling,
        test_tool_with_progress,
        test_missing_capability,
        test_elicitation,
    ):
        made.add_tool(server.told(tool))
    for name in ASKING:
        made.add_tool(server.told(greet), name=name)
    made.resource("test://static-text", mime_type="text/plain")(page)
    made.resource("test://template/{key}/data", mime_type="application/json")(template)
    return made


if __name__ == "__main__":
    server.make = make
    sys.exit(mcp.main(sys.argv[1:]))
