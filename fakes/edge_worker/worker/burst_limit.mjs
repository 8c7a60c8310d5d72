// `burst-limit`: at most `burst_per_s` requests a user in a window (5 a second), KV key `burst:{user}`.
//
// Fixed windows aligned to the wall clock. Two strategies, beside the two of check_burst.mjs:
//   kv-every-request  KV holds [window, count]: a read and a write a request. The window stands in the value,
//                     as KV keeps nothing for less than 60 s
//   memory-cache      the isolate's memory holds the counts; the first request of a window writes KV, which
//                     is never read: isolates do not know of each other
// When KV refuses, `burst_on_failure` decides:
//   throw        500 kv_error. With memory-cache the count was already begun: the first call of a window
//                fails and the next four pass (the plan's code as written)
//   fail-open    the call passes
//   fail-closed  503 kv_error, and the call is not counted: the next one tries KV again. With memory-cache,
//                calls that come while a window's first write is under way pass

import { asWritten, sliding } from "./check_burst.mjs";
import { kvGet, KvError, kvPut } from "./kv.mjs";
import { kvRefusal, overLimit } from "./refuse.mjs";

export async function burstLimit(call) {
  if (!call.on("burst-limit")) return null;
  try {
    const wait = await STRATEGIES[call.edge.burst_strategy](call);
    return wait > 0 ? overLimit(call, "burst-limit", "burst_exceeded", wait) : null;
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return kvRefusal(call, error, call.edge.burst_on_failure);
  }
}

// Each gives the seconds until the next call passes, 0 where this one does.
const STRATEGIES = {
  "kv-every-request": (call) => byWindow(call, inKv),
  "memory-cache": (call) => byWindow(call, inMemory),
  "check-burst": asWritten,
  sliding,
};

async function byWindow(call, admitted) {
  const span = call.edge.burst_window;
  const now = call.now();
  return (await admitted(call, Math.floor(now / span))) ? 0 : span - (now % span);
}

async function inKv(call, window) {
  const key = `burst:${call.user}`;
  const [seen, stored] = (await kvGet(call, key)) ?? [window, 0];
  const count = seen === window ? stored : 0;
  if (count >= call.edge.burst_per_s) return false;
  await kvPut(call, key, [window, count + 1]);
  return true;
}

async function inMemory(call, window) {
  const users = call.isolate.bursts.of(window);
  const mine = users.get(call.user) ?? { count: 0, written: false };
  if (mine.count >= call.edge.burst_per_s) return false;
  users.set(call.user, mine);
  mine.count += 1;
  if (!mine.written) await writeFirst(call, window, users, mine);
  return true;
}

// Nobody waits for another call's write: a Worker's requests may not wait for each other.
async function writeFirst(call, window, users, mine) {
  mine.written = true;
  try {
    await kvPut(call, `burst:${call.user}`, [window, 1]);
  } catch (error) {
    if (call.edge.burst_on_failure === "fail-closed") {
      mine.written = false;
      mine.count -= 1;
      if (mine.count === 0) users.delete(call.user);
    }
    throw error;
  }
}
