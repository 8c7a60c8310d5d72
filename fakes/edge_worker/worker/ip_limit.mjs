// `ip-limit`: at most `ip_per_min` requests an address in a window (1,000 a minute).
//
// Fixed windows aligned to the wall clock, counted in KV under `global:{ip}:{window}`: a read and a write a
// request, a read alone once the limit is reached. `ip_on_failure` says what a KV that fails leads to.

import { kvGet, KvError, kvPut, MIN_TTL } from "./kv.mjs";
import { kvRefusal, overLimit } from "./refuse.mjs";

export async function ipLimit(call) {
  if (!call.on("ip-limit")) return null;
  const span = call.edge.ip_window;
  const now = call.now();
  try {
    if (await admitted(call, Math.floor(now / span))) return null;
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return kvRefusal(call, error, call.edge.ip_on_failure);
  }
  return overLimit(call, "ip-limit", "ip_limit_exceeded", span - (now % span));
}

async function admitted(call, window) {
  const key = `global:${call.request.headers.get("cf-connecting-ip") ?? "local"}:${window}`;
  const count = (await kvGet(call, key)) ?? 0;
  if (count >= call.edge.ip_per_min) return false;
  await kvPut(call, key, count + 1, Math.max(MIN_TTL, Math.ceil(2 * call.edge.ip_window)));
  return true;
}
