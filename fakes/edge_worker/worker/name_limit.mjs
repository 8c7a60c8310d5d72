// `name-limit`: at most `per_s` calls a second of one user to one tool, as its name stands in `Mcp-Name`.
//
// Fixed windows of a second, aligned to the wall clock, counted in the isolate's memory. With `compare` 0 the
// header is believed and the body never read: a call without the header passes. With `compare` 1 the body
// gives the name of every tool call, and a header that says otherwise is answered 400 with -32020.

import { nameTold, UTF8 } from "./mcp_name.mjs";
import { headerMismatch, overLimit } from "./refuse.mjs";

const NAMED_BY = { "tools/call": "name", "prompts/get": "name", "resources/read": "uri" };

export async function nameLimit(call) {
  if (!call.on("name-limit")) return null;
  const { per_s: most, compare } = call.inForce.own["name-limit"];
  const told = nameTold(call);
  const name = compare ? await nameIn(call) : told;
  if (told !== name && call.request.headers.has("mcp-name")) return headerMismatch(call, "Mcp-Name");
  const now = call.now();
  if (name === null || admits(call, name, Math.floor(now), most)) return null;
  return overLimit(call, "name-limit", "name_limit_exceeded", 1 - (now % 1));
}

function admits(call, name, window, most) {
  const counts = call.isolate.names.of(window);
  const key = JSON.stringify([call.user, name]);
  const count = counts.get(key) ?? 0;
  if (count >= most) return false;
  counts.set(key, count + 1);
  return true;
}

// The name that the body gives; what is no request is left to the origin.
async function nameIn(call) {
  call.body ??= await call.request.arrayBuffer();
  try {
    const { method, params } = JSON.parse(UTF8.decode(call.body));
    const name = Object.hasOwn(NAMED_BY, method) ? params?.[NAMED_BY[method]] : null;
    return typeof name === "string" ? name : null;
  } catch {
    return null;
  }
}
