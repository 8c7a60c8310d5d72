"""All questions of the plan through the suite's MCP server alone, by a client of the official SDK.

    make assistant && PYTHONPATH=.cache/assistant .venv/bin/python bench/assistant_plan.py [--mode quick]

It searches the breakpoint (P0.3), runs the plan, asks what the plan's mode leaves open of a run of that
question's own scenario, and prints each answer; exit code 1 where there is none.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

import anyio  # type: ignore[import-not-found]
from mcp.client import Client  # type: ignore[import-not-found]
from mcp.client.stdio import StdioServerParameters, stdio_client  # type: ignore[import-not-found]

SERVER: Final = str(Path(__file__).parents[1] / "bin" / "resilience")
ANSWERED: Final = "answered"


async def called(client: Any, tool: str, **arguments: Any) -> Any:
    """A tool's structured answer; RuntimeError with the words of its refusal."""
    begun, heard = time.monotonic(), [0]

    async def tell(done: float, of: float | None, text: str | None) -> None:
        heard[0] += 1
        print(f"  {done:g} of {of:g}: {text}", flush=True)

    done = await client.call_tool(tool, arguments, progress_callback=tell)
    if done.is_error:
        raise RuntimeError(f"{tool}: {done.content[0].text}")
    print(f"{tool}: {time.monotonic() - begun:.0f} s, {heard[0]} notifications of progress", flush=True)
    return done.structured_content


async def ask(mode: str) -> int:
    """How many questions are not answered."""
    async with Client(stdio_client(StdioServerParameters(command=SERVER, args=["mcp"]))) as client:
        found = await called(client, "run_breakpoint", protect="none")
        print(found["sentence"], *found["rows"], sep="\n")
        ran = await called(client, "run_plan", mode=mode)
        plan = await called(client, "plan_answers", plan=ran["plan"])
        answers = {one["id"]: one["values"] for one in plan["questions"] if one["state"] == ANSWERED}
        for one in plan["questions"]:
            if one["id"] not in answers:
                answers[one["id"]] = await of_its_own_run(client, one["id"])
    for id, values in answers.items():
        print(f"{id:6} {'; '.join(values) or 'no answer'}")
    print(plan["headline"], plan["sentence"], sep="\n")
    return sum(not values for values in answers.values())


async def of_its_own_run(client: Any, point: str) -> list[str]:
    """What a run of the scenario that answers this question finds; nothing where none could be seen."""
    asked = await called(client, "explain_point", point=point)
    ran = await called(client, "run", scenario=asked["answered_by"])
    told = await called(client, "explain_point", point=point, run=ran["run"])
    return [f"{one['value']} {one['unit']}" for one in told["findings"] if one["value"] is not None]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mode", default="quick")
    return int(anyio.run(ask, parser.parse_args().mode) > 0)


if __name__ == "__main__":
    sys.exit(main())
