"""`checkBurst`, the code that the plan proposes for the burst limit, as written and mended.

    check-burst  as written. Each isolate counts in a map under user and second, from which nothing is ever
                 removed. The first call of a second sets the count, then awaits a KV write under
                 `burst:{user}` that nobody reads; what KV throws, the call throws. `edge.burst_ttl` is the
                 write's `expirationTtl`, and KV takes none below 60 s; how long it is awaited is
                 `edge.burst_write_wait`
    sliding      mended: each isolate keeps the times of a user's last calls, none older than a window, so no
                 second at all has more than the limit; no KV; who is silent for a window is forgotten

Both give the seconds after which the next call passes, 0 for one that passes now. That each isolate has a
limit of its own stays: only a count in one place ends that.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque

from fakes.edge_runtime.isolate import EdgeCall, Isolate
from fakes.edge_runtime.kv import KvError


async def as_written(call: EdgeCall, isolate: Isolate, now: float) -> float:
    """Raises KvError."""
    settings, edge = call.snapshot.settings, call.snapshot.settings.edge
    window = math.floor(now / edge.burst_window)
    key = (call.user, window)
    count = isolate.burst_counts.get(key, 0)
    if count >= edge.burst_per_s:
        return (window + 1) * edge.burst_window - now
    isolate.burst_counts[key] = count + 1
    if count == 0:
        refused: KvError | None = None
        try:
            isolate.kv.put(settings.kv, f"burst:{call.user}", "1", edge.burst_ttl, isolate.place)
        except KvError as error:
            refused = error
        await asyncio.sleep(edge.burst_write_wait)
        if refused is not None:
            raise refused
    return 0.0


async def sliding(call: EdgeCall, isolate: Isolate, now: float) -> float:
    """Users stand in the order of their last call, so those to forget come first."""
    edge, times = call.snapshot.settings.edge, isolate.burst_times
    since = now - edge.burst_window
    while times and (oldest := next(iter(times))) != call.user and times[oldest][-1] <= since:
        del times[oldest]
    mine = times.pop(call.user, None) or deque()
    times[call.user] = mine
    while mine and mine[0] <= since:
        mine.popleft()
    if len(mine) >= edge.burst_per_s:
        return mine[0] - since
    mine.append(now)
    return 0.0
