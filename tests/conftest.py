"""For every test: importing Locust must not patch the sockets and clocks that asyncio tests use.

The variable is for this process alone: what the tests start runs patched, as it does for a user.
"""

import os

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
import locust  # noqa: F401

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]
