"""One nginx worker that answers every request, POST too, with the same small JSON-RPC result."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.launch.local_workers import free_port

REQUEST_ID: Final = 7  # the one id that it answers to
BODY: Final = (
    f'{{"jsonrpc":"2.0","id":{REQUEST_ID},'
    '"result":{"content":[{"type":"text","text":"bench"}],"isError":false}}'
)
_CONFIG: Final = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  keepalive_timeout 60s;
  default_type application/json;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /_status {{ stub_status; }}
    location / {{ return 200 '{body}'; }}
  }}
}}
"""


@dataclass(frozen=True)
class Server:
    """A running nginx."""

    url: str
    port: int

    def requests(self) -> int:
        """How many requests it has read since it started, by its own count, this one included."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/_status")
            text = connection.getresponse().read().decode()
        return int(text.splitlines()[2].split()[2])


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False


@contextlib.contextmanager
def nginx() -> Iterator[Server]:
    """A server for the length of a `with` block. RuntimeError if nginx is missing or does not start."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if not program:
        raise RuntimeError("nginx is not installed")
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as folder:
        port = free_port()
        config = Path(folder) / "nginx.conf"
        config.write_text(_CONFIG.format(folder=folder, port=port, body=BODY))
        process = subprocess.Popen(
            [program, "-p", folder, "-c", str(config)], stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            for _ in range(100):
                if _answers(port):
                    break
                time.sleep(0.05)
            else:
                raise RuntimeError("nginx did not start")
            yield Server(f"http://127.0.0.1:{port}", port)
        finally:
            process.terminate()
            process.wait(10)
