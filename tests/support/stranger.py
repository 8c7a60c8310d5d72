"""A stranger: a server that nobody may load. It only counts who comes, whatever they say.

    python -m tests.support.stranger [--host 127.0.0.2] [--port 0]

Without a host it listens on every address of the machine, IPv4 and IPv6. The first line on stdout is its
port; `GET /_stats`, which is not counted, tells what it got; it ends when stdin closes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import threading


class Stranger:
    """Counts connections and what their first bytes were."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = (await reader.read(4096)).decode("latin-1").partition("\r\n")[0]
        except ConnectionError:
            first = "reset"
        if first.startswith("GET /_stats "):
            body = json.dumps({"seen": self.seen})
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        else:
            self.seen.append(first)
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status":"ok"}')
        writer.close()


def listeners(host: str | None, port: int) -> list[socket.socket]:
    if host is not None:
        return [socket.create_server((host, port))]
    first = socket.create_server(("0.0.0.0", port))
    second = socket.create_server(("::", first.getsockname()[1]), family=socket.AF_INET6)
    return [first, second]


async def serve(host: str | None, port: int) -> None:
    stranger = Stranger()
    sockets = listeners(host, port)
    for one in sockets:
        await asyncio.start_server(stranger.met, sock=one)
    print(sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    threading.Thread(target=end_with_parent, daemon=True).start()
    asyncio.run(serve(options.host, options.port))


if __name__ == "__main__":
    main()
