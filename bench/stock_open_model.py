"""Stock Locust at a wished rate: `python -m bench.stock_open_model URL RATE SECONDS`.

100 of Locust's own FastHttpUsers with `constant_throughput(RATE / 100)`, as its manual advises.
"""

from __future__ import annotations

import sys

from locust import FastHttpUser, constant_throughput, task
from locust.env import Environment

import json  # isort: skip  (Locust patches the standard library first)

import gevent  # isort: skip

from bench.request import BODY, HEADERS, PATH  # isort: skip
from bench.stock_full_speed import cpu_s  # isort: skip

USERS = 100


class Paced(FastHttpUser):
    """A user that waits for each answer, and so cannot hold its rate when answers are slow."""

    @task
    def call(self) -> None:
        self.client.post(PATH, data=BODY, headers=HEADERS)


def main() -> None:
    url, rate, seconds = sys.argv[1:]
    Paced.wait_time = constant_throughput(float(rate) / USERS)
    environment = Environment(user_classes=[Paced], host=url, stop_timeout=10)
    runner = environment.create_local_runner()
    started = cpu_s()
    runner.start(USERS, spawn_rate=USERS)
    gevent.sleep(float(seconds))
    runner.stop()
    runner.greenlet.join(timeout=0)
    print(json.dumps({"cpu_s": cpu_s() - started}))
    runner.quit()


if __name__ == "__main__":
    main()
