"""ContextForge, a gateway of MCP that nobody here wrote, in front of a server that counts."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from tests.support import needs
from tests.support.outside_servers import CountingServer, OutsideServer

ADMIN: Final = "admin@example.com"
SECRET: Final = "a-secret-of-these-tests-alone-0123456789abcdef"
SETTINGS: Final = {
    "JWT_SECRET_KEY": SECRET,
    "AUTH_ENCRYPTION_SECRET": SECRET[::-1],
    "BASIC_AUTH_PASSWORD": "Long-Pass-1234567890x",
    "PLATFORM_ADMIN_EMAIL": ADMIN,
    "PLATFORM_ADMIN_PASSWORD": "Long-Pass-1234567890y",
    "AUTH_REQUIRED": "true",
    "MCPGATEWAY_UI_ENABLED": "false",
    "MCPGATEWAY_ADMIN_API_ENABLED": "true",
    "SSRF_ALLOW_LOCALHOST": "true",
    "SSRF_ALLOW_PRIVATE_NETWORKS": "true",
    "RATE_LIMITING_ENABLED": "false",  # its 100 a minute are less than any attack
    "LOG_LEVEL": "WARNING",
}
CREATE_TOKEN: Final = ("-m", "mcpgateway.utils.create_jwt_token", "--username", ADMIN, "--secret", SECRET)


class ContextForge(OutsideServer):
    """With `behind` registered at it; its own limiter is off."""

    tools: ClassVar = {
        "fast": {"name": "behind-echo", "arguments": {"text": "hi"}},
        "slow": {"name": "behind-wait", "arguments": {"seconds": 1.2}},
    }

    def __init__(self, folder: Path, behind: CountingServer) -> None:
        super().__init__()
        program = Path(needs.require("contextforge"))
        environment = {**os.environ, **SETTINGS, "DATABASE_URL": f"sqlite:///{folder / 'contextforge.db'}"}
        words = [str(program), "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        with (folder / "contextforge.log").open("w") as log:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=folder
            )
        token = subprocess.run(
            [program.with_name("python"), *CREATE_TOKEN],
            capture_output=True, text=True, check=True, env=environment, cwd=folder,
        )  # fmt: skip
        self._headers = {"Authorization": f"Bearer {token.stdout.strip().splitlines()[-1]}"}
        self._behind = behind

    def counts(self) -> dict[str, int]:
        """Whether it is healthy; it counts nothing. Raises OSError until it is."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10):
            return Counter()

    def __enter__(self) -> Self:
        super().__enter__()
        url = f"http://127.0.0.1:{self._behind.port}/mcp"
        self._asked("/gateways", {"name": "behind", "url": url, "transport": "STREAMABLEHTTP"})
        tools = [tool["id"] for tool in self._asked("/tools")]
        server = self._asked("/servers", {"server": {"name": "all", "associated_tools": tools}})
        self.keys = {"path": f"/servers/{server['id']}/mcp/", "headers": self._headers}
        return self

    def end(self) -> None:
        with self._process:
            self._process.kill()

    def _asked(self, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **self._headers},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
