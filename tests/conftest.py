"""For every test: importing Locust must not patch the sockets and clocks that asyncio tests use."""

import os

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
