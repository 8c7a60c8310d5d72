"""What `python -m fakes.stack` does once its options are read: see there."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from common import exit_codes, protections
from common.addresses.dsn import DsnError, refuse_foreign
from common.merge import merged
from common.yaml_file import mapping_of, read_mapping
from fakes.control.process_config import first_complaint
from fakes.http.server import HttpServer
from fakes.processes.children import StartError
from fakes.processes.nursery import Nursery
from fakes.processes.sockets import PortTakenError
from fakes.settings import StackSettings
from fakes.stack import programs
from fakes.stack.control_api import ControlApi
from fakes.stack.supervisor import Stack, write_private

POLL_INTERVAL: Final = 0.5  # seconds between two looks whether the parent is still there
DAY: Final = 86400.0


class SettingsError(ValueError):
    """Settings or protections that do not fit, as one line."""


def run_stack(options: argparse.Namespace) -> int:
    """Run the stack; gives the exit code."""
    try:
        settings, names = read(options.settings, options.protections)
        if settings.database.dsn is not None:
            refuse_foreign(settings.database.dsn.reveal(), options.i_own_this_host)
        nursery = Nursery(programs.forked(settings.parts))
        try:
            asyncio.run(_run(settings, names, nursery, options))
        finally:
            nursery.close()
    except DsnError as error:
        return _say(exit_codes.USAGE, f"database.dsn: {error}")
    except (SettingsError, PortTakenError) as error:
        return _say(exit_codes.USAGE, error)
    except StartError as error:
        return _say(exit_codes.OURS, error)
    return 0


def _say(code: int, error: object) -> int:
    print(f"stack: {error}", file=sys.stderr)
    return code


def read(where: str | None, protect: str) -> tuple[StackSettings, tuple[str, ...]]:
    """Settings and protections; what a preset brings along lies over the file. Raises SettingsError."""
    try:
        choice = protections.parse(protect)
        return StackSettings.model_validate(merged(_tree(where), choice.settings)), choice.names
    except ValidationError as error:
        raise SettingsError(f"{where}: {first_complaint(error)}") from None
    except ValueError as error:
        raise SettingsError(str(error).replace("\n", " ")) from None


def _tree(where: str | None) -> dict[str, Any]:
    if where is None:
        return {}
    return mapping_of(sys.stdin.read(), "settings") if where == "-" else read_mapping(Path(where))


async def _run(
    settings: StackSettings, names: tuple[str, ...], nursery: Nursery, options: argparse.Namespace
) -> None:
    end = _end(options.life_fd)
    stack = Stack(settings, names, nursery, options.shared_config)
    try:
        work = asyncio.create_task(_serve(stack, options))
        await asyncio.wait({work, asyncio.create_task(end.wait())}, return_when=asyncio.FIRST_COMPLETED)
        await _over(work)
    finally:
        await stack.database.settle()
        clean = stack.stop()
    if not clean:
        raise StartError(f"could not remove everything of {stack.folder}")


async def _over(work: asyncio.Task[None]) -> None:
    """Pass on what the work failed of; a work under way is given up."""
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work


def _end(life_fd: int | None) -> asyncio.Event:
    """Set when the stack is to end."""
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end.set)
    if life_fd is not None:
        os.set_blocking(life_fd, False)
        loop.add_reader(life_fd, _on_life, life_fd, end)
    else:
        _watch_parent(loop, end, os.getppid())
    return end


def _on_life(fd: int, end: asyncio.Event) -> None:
    with suppress(BlockingIOError):
        if not os.read(fd, 4096):
            asyncio.get_running_loop().remove_reader(fd)
            end.set()


def _watch_parent(loop: asyncio.AbstractEventLoop, end: asyncio.Event, parent: int) -> None:
    if os.getppid() != parent:
        end.set()
    else:
        loop.call_later(POLL_INTERVAL, _watch_parent, loop, end, parent)


async def _serve(stack: Stack, options: argparse.Namespace) -> None:
    await stack.start(options.timeout)
    address = stack.addresses["stack"]
    await HttpServer(ControlApi(stack)).listen(address.socket())
    state = describe(stack)
    path = options.state_file or stack.folder / "state.json"
    write_private(path, json.dumps(state))
    with suppress(OSError):  # a starter that does not listen is no reason to end
        print(curl_lines(stack) if options.keep else f"ready {path}", flush=True)
    await asyncio.gather(stack.watch(), stack.outsiders.watch())


def describe(stack: Stack) -> dict[str, Any]:
    """The content of the state file."""
    signing = stack.identity.signing
    return {
        "base_url": stack.addresses["edge"].base_url,
        "metrics": {name: f"{address.base_url}/metrics" for name, address in stack.addresses.items()},
        "control_url": stack.addresses["stack"].base_url,
        "control_token": stack.identity.control_token,
        "signing": {
            "key": signing.key, "kid": signing.kid, "issuer": signing.issuer, "algorithm": signing.algorithm,
        },
        "pids": stack.pids(),
    }  # fmt: skip


def curl_lines(stack: Stack) -> str:
    """Lines to paste into a shell; the token is good for a day."""
    base, control = stack.addresses["edge"].base_url, stack.addresses["stack"].base_url
    token = f"X-Control-Token: {stack.identity.control_token}"
    fault = {"fault": "upstream-stall", "target": "notion"}
    tool = {"name": "run", "arguments": {"module": "notion", "tool": "get_page", "params": {"page_id": "x"}}}
    lines = [
        ("health", ["curl", "-s", f"{base}/health"]),
        ("list the tools", _mcp(stack, base, "tools/list", {})),
        ("call a slow tool", _mcp(stack, base, "tools/call", tool)),
        ("metrics of the edge", ["curl", "-s", f"{base}/metrics"]),
        ("metrics of every process", ["curl", "-s", f"{control}/metrics"]),
        ("state", ["curl", "-s", "-H", token, f"{control}/state"]),
        ("stall Notion", ["curl", "-s", "-H", token, "-d", json.dumps(fault), f"{control}/faults"]),
        ("heal it", ["curl", "-s", "-X", "DELETE", "-H", token, f"{control}/faults"]),
    ]
    text = "\n".join(f"\n# {what}\n{shlex.join(line)}" for what, line in lines)
    return f"stack is up: {base}/v1/mcp\n{text}\n\nCtrl-C ends it."


def _mcp(stack: Stack, base: str, method: str, params: dict[str, Any]) -> list[str]:
    token = stack.identity.signing.token("00000000-0000-4000-8000-000000000001", DAY, tier="unlimited")
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return [
        "curl", "-s", "-H", f"Authorization: Bearer {token}", "-H", "Content-Type: application/json",
        "-H", "Accept: application/json, text/event-stream", "-d", json.dumps(body), f"{base}/v1/mcp",
    ]  # fmt: skip
