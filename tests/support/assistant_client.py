"""A scripted client of the official SDK: `PYTHON assistant_client.py ROOT URL TARGETS` prints what it saw.

Over standard input and output, as a host does: the list of tools, a short run with its progress, its verdict
and a point, and a run that is cancelled under way. Over Streamable HTTP at URL: what is refused, with clients
that can ask a person (and hear no, or yes) and one that cannot. TARGETS has owned, closed and strange.yaml.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import anyio  # type: ignore[import-not-found]
from mcp.client import Client  # type: ignore[import-not-found]
from mcp.client.stdio import StdioServerParameters, stdio_client  # type: ignore[import-not-found]
from mcp.shared.exceptions import MCPError  # type: ignore[import-not-found]
from mcp_types import ElicitResult  # type: ignore[import-not-found]

ROOT, URL, TARGETS = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
SEEN: dict[str, Any] = {}


async def call(client: Any, tool: str, **arguments: Any) -> Any:
    """A tool's structured answer, or the words of its refusal."""
    try:
        done = await client.call_tool(tool, arguments)
    except MCPError as error:
        return f"{error.error.code}: {error.error.message}"
    return done.content[0].text if done.is_error else done.structured_content


async def over_stdio() -> None:
    command = StdioServerParameters(command=str(ROOT / "bin" / "resilience"), args=["mcp"])
    async with Client(stdio_client(command)) as client:
        SEEN["tools"] = [tool.model_dump(mode="json") for tool in (await client.list_tools()).tools]
        SEEN["docs"] = [str(one.uri) for one in (await client.list_resources()).resources]
        progress: list[tuple[float, float | None, str | None]] = []

        async def tell(done: float, of: float | None, text: str | None) -> None:
            progress.append((done, of, text))

        given = {"scenario": "single-burst", "duration": "3s"}
        done = await client.call_tool("run", given, progress_callback=tell)
        SEEN["run"], SEEN["progress"] = done.structured_content, progress
        name = SEEN["run"]["run"]
        SEEN["verdict"] = await call(client, "verdict", run=name)
        SEEN["point"] = await call(client, "explain_point", point="F1.1", run=name)
        page = await client.read_resource(f"resilience://runs/{name}/report.html")
        SEEN["report"] = page.contents[0].text[:200]
        await cancelled(client)


async def cancelled(client: Any) -> None:
    """A run whose caller leaves once load is sent; what the suite says of it afterwards."""
    async with anyio.create_task_group() as group:

        async def tell(done: float, of: float | None, text: str | None) -> None:
            if done > 0:
                group.cancel_scope.cancel()

        given = {"scenario": "single-burst", "duration": "60s"}
        await client.call_tool("run", given, progress_callback=tell)
    left = time.monotonic()
    told: Any = ""
    while not _is_other(told) and time.monotonic() < left + 120:
        await anyio.sleep(0.5)
        told = await call(client, "verdict")
    SEEN["cancelled"], SEEN["reported_after_s"] = told, time.monotonic() - left


def _is_other(told: Any) -> bool:
    """It is the verdict of the run that was cancelled; words: there is none yet."""
    return isinstance(told, dict) and told["run"] != SEEN["run"]["run"]


async def over_http() -> None:
    asked: list[str] = []

    def answering(yes: bool) -> Any:
        async def answer(_: Any, question: Any) -> Any:
            asked.append(question.message)
            return ElicitResult(action="accept", content={"yes": yes})

        return answer

    def wanted(target: str) -> dict[str, str]:
        return {"scenario": "single-burst", "duration": "1s", "target": str(TARGETS / target)}

    async with Client(URL) as client:
        SEEN["cannot ask"] = await call(client, "run", **wanted("owned.yaml"))
        SEEN["unknown"] = await call(client, "describe_scenario", scenario="brust")
    async with Client(URL, elicitation_callback=answering(False)) as client:
        SEEN["strange"] = await call(client, "run", **wanted("strange.yaml"))
        SEEN["asked for the strange one"] = list(asked)
        SEEN["no"] = await call(client, "run", **wanted("owned.yaml"))
    async with Client(URL, elicitation_callback=answering(True)) as client:
        SEEN["yes"] = await call(client, "run", **wanted("closed.yaml"))
    SEEN["asked"] = asked


async def main() -> None:
    await over_stdio()
    await over_http()  # after it: two loads would make each other late
    print(json.dumps(SEEN))


anyio.run(main)
