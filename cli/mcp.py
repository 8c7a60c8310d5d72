"""`bin/resilience mcp`: the suite as an MCP server, for AI assistants; see docs/assistant.md.

    bin/resilience mcp                 over standard input and output, as hosts start it
    bin/resilience mcp --http          Streamable HTTP on 127.0.0.1:8765/mcp [--port N]

It needs the official SDK, which `make assistant` adds beside the environment. Exit code: 0 the host closed
it; 2 bad usage; 3 the SDK is missing.
"""

from __future__ import annotations

import importlib
import socket
import sys
from collections.abc import Sequence
from typing import Final

from cli.launch.parser import Parser, forget_environment, refusing
from common import ending, exit_codes
from common.errors import ConfigError
from common.paths import CACHE, ROOT
from scenarios.option import SOURCE, whole
from scenarios.options import LOOPBACK

SITE: Final = CACHE / "assistant"
READY: Final = "ready"
PORT: Final = "8765"
MISSING: Final = "the MCP server needs the official SDK, which is not installed: make assistant (once)"


def parser() -> Parser:
    """All options, with their help."""
    made = Parser(prog="bin/resilience mcp", description="The suite as an MCP server.", allow_abbrev=False)
    made.add_argument(
        "--http", action="store_true", help="Streamable HTTP on loopback, not standard input and output"
    )
    made.add_argument("--port", default=PORT, metavar="N", help=f"of --http (default: {PORT})")
    return made


def check_port(port: int) -> None:
    """It can be listened on. Raises ConfigError."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            text = f"{LOOPBACK} port {port}: {error.strerror}, allowed: a free port of this machine"
            raise ConfigError(SOURCE, "--port", text) from None


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the host closes it; the exit code."""
    options = parser().parse_args(arguments)
    try:
        port = int(whole(1, 65_535)(options.port))
    except ValueError as error:
        raise ConfigError(SOURCE, "--port", str(error)) from None
    if options.http:
        check_port(port)
    if not (SITE / READY).exists():
        print(MISSING, file=sys.stderr)
        return exit_codes.OURS
    forget_environment()  # a run is what was agreed to, whatever the host's configuration sets
    sys.path.append(str(SITE))  # last: what runs use comes first
    serving = importlib.import_module("cli.assistant.server")
    server = serving.make((ROOT / "VERSION").read_text().strip())
    try:
        if options.http:
            ending.say(f"MCP: http://{LOOPBACK}:{port}/mcp\n", sys.stderr)
            serving.serve_http(server, LOOPBACK, port)
        else:
            server.run("stdio")
    except* BrokenPipeError:
        pass  # the host left without a word
    finally:
        serving.LOADS.see_out()
    return exit_codes.PASS
