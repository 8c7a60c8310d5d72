"""The one request that every tool sends: an MCP call with a token, as the engine's own look."""

from __future__ import annotations

import json
from collections.abc import Mapping
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

K6_SUMMARY: Final = "summary.json"
K6: Final = ("k6", "run", "--quiet", "--no-usage-report", "--address=")  # tells nobody, listens nowhere
OHA: Final = ("oha", "--no-tui", "--output-format=json", "-m", "POST", "-d", BODY)


def vegeta_target(url: str, folder: Path) -> Path:
    """The request as vegeta's target file."""
    body, target = folder / "body.json", folder / "targets.txt"
    body.write_text(BODY)
    lines = [f"POST {url}{PATH}", *(f"{name}: {value}" for name, value in HEADERS.items()), f"@{body}"]
    target.write_text("\n".join(lines) + "\n")
    return target


def k6_script(url: str, folder: Path, executor: Mapping[str, object]) -> Path:
    """The request as k6's script, for one scenario by this executor; it leaves its summary in `folder`."""
    script, call = folder / "bench.js", {"headers": HEADERS, "timeout": "35s"}
    options = {"discardResponseBodies": True, "scenarios": {"bench": executor}}
    script.write_text(
        "import http from 'k6/http';\n"
        f"export const options = {json.dumps(options)};\n"
        f"export default () => http.post({json.dumps(url + PATH)}, {json.dumps(BODY)}, {json.dumps(call)});\n"
        "export const handleSummary = (data) => "
        f"({{ {json.dumps(str(folder / K6_SUMMARY))}: JSON.stringify(data) }});\n"
    )
    return script


def header_words() -> list[str]:
    """The headers as options of a command line, as curl has them."""
    return [part for name, value in HEADERS.items() for part in ("-H", f"{name}: {value}")]


def wrk_script(folder: Path) -> Path:
    """The request as wrk's Lua script."""
    script = folder / "post.lua"
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in HEADERS.items())
    script.write_text(f"wrk.method = \"POST\"\nwrk.body = '{BODY}'\n{headers}")
    return script
