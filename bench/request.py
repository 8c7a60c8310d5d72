"""The one request that every tool sends: an MCP call with a token, as the engine's own look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from bench.nginx import REQUEST_ID

PATH: Final = "/v1/mcp"
BODY: Final = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": REQUEST_ID,
        "method": "tools/call",
        "params": {
            "name": "run",
            "arguments": {"module": "fast", "tool": "echo", "params": {"text": "bench"}},
        },
    },
    separators=(",", ":"),
)
# as long as an EdDSA token with the usual claims
TOKEN: Final = "Bearer " + "x" * 300
HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "Authorization": TOKEN,
    "CF-Connecting-IP": "198.18.0.1",
}


def vegeta_target(url: str, folder: Path) -> Path:
    """The request as vegeta's target file."""
    body, target = folder / "body.json", folder / "targets.txt"
    body.write_text(BODY)
    lines = [f"POST {url}{PATH}", *(f"{name}: {value}" for name, value in HEADERS.items()), f"@{body}"]
    target.write_text("\n".join(lines) + "\n")
    return target


def wrk_script(folder: Path) -> Path:
    """The request as wrk's Lua script."""
    script = folder / "post.lua"
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in HEADERS.items())
    script.write_text(f"wrk.method = \"POST\"\nwrk.body = '{BODY}'\n{headers}")
    return script
