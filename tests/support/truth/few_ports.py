"""Runs a command where there are few ports to call from, with a made target beside it at port 9000.

unshare --net python -m tests.support.truth.few_ports BEHAVIOUR COMMAND …
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

from tests.support.truth.server import Target, known

PORTS = "40000 40029"


def main() -> int:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(PORTS)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(Target(known(sys.argv[1])).start(9000))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return subprocess.run(sys.argv[2:], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
