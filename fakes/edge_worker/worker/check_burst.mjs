// `checkBurst`, the code that the plan proposes for the burst limit, as written and mended.
//
//   asWritten  `check-burst`. Each isolate counts in a map under user and second, from which nothing is ever
//              removed. The first call of a second sets the count, then awaits a KV write under `burst:{user}`
//              that nobody reads; what KV throws, the call throws. `burst_ttl` is the write's `expirationTtl`,
//              and KV takes none below 60 s. `burst_write_wait` is awaited beside what the write here takes
//   sliding    mended: each isolate keeps the times of a user's last calls, none older than a window; no KV;
//              who is silent for a window is forgotten
//
// Both give the seconds after which the next call passes, 0 for one that passes now.

import { kvPut } from "./kv.mjs";

// Throws KvError.
export async function asWritten(call) {
  const { burst_window: span, burst_per_s: most, burst_ttl: ttl, burst_write_wait: wait } = call.edge;
  const counts = call.isolate.burstCounts;
  const now = call.now();
  const window = Math.floor(now / span);
  const key = `${call.user}:${window}`;
  const count = counts.get(key) ?? 0;
  if (count >= most) return (window + 1) * span - now;
  counts.set(key, count + 1);
  if (count === 0) {
    try {
      await kvPut(call, `burst:${call.user}`, 1, ttl);
    } finally {
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
  }
  return 0;
}

// Users stand in the order of their last call, so those to forget come first.
export function sliding(call) {
  const { burst_window: span, burst_per_s: most } = call.edge;
  const times = call.isolate.burstTimes;
  const now = call.now();
  const since = now - span;
  for (const [user, at] of times) {
    if (user === call.user || at.at(-1) > since) break;
    times.delete(user);
  }
  const mine = (times.get(call.user) ?? []).filter((at) => at > since);
  times.delete(call.user);
  times.set(call.user, mine);
  if (mine.length >= most) return mine[0] - since;
  mine.push(now);
  return 0;
}
