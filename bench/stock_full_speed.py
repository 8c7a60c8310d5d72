"""Stock Locust at full speed: `python -m bench.stock_full_speed URL SECONDS FOLDER USERS`.

Users of Locust's own FastHttpUser without any wait between calls, statistics on, as it comes.
"""

from __future__ import annotations

import sys

from locust import FastHttpUser, constant, task
from locust.env import Environment

import json  # isort: skip  (Locust patches the standard library first)
import resource  # isort: skip
import time  # isort: skip

import gevent  # isort: skip

from bench.request import BODY, HEADERS, PATH  # isort: skip


class Stock(FastHttpUser):
    """Calls as fast as its answers come."""

    wait_time = constant(0)

    @task
    def call(self) -> None:
        self.client.post(PATH, data=BODY, headers=HEADERS)


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    url, seconds, _, users = sys.argv[1:]
    environment = Environment(user_classes=[Stock], host=url)
    runner = environment.create_local_runner()
    runner.start(int(users), spawn_rate=int(users), wait=True)
    first, began, started = environment.stats.total.num_requests, time.monotonic(), cpu_s()
    gevent.sleep(float(seconds))
    total = environment.stats.total
    done = total.num_requests - total.num_failures - first
    print(json.dumps({"requests": done, "cpu_s": cpu_s() - started, "wall_s": time.monotonic() - began}))
    runner.quit()


if __name__ == "__main__":
    main()
