// The edge as a Cloudflare Worker. A call passes STEPS from the first to the last; each answers a Response
// that ends the call, or null to let it on. `/health` is forwarded as it is.
//
// The process that clients reach has place 0. It serves by itself, or, where there are several isolates
// (`peers`), hands each request to one of them picked at random; it alone counts requests.

import { connect } from "cloudflare:sockets";
import { authenticate } from "./auth.mjs";
import { burstLimit } from "./burst_limit.mjs";
import { controlDoor } from "./control.mjs";
import { forward } from "./forward.mjs";
import { ipLimit } from "./ip_limit.mjs";
import { Call, Isolate } from "./isolate.mjs";
import { nameLimit } from "./name_limit.mjs";
import { refuse } from "./refuse.mjs";
import { isStream, watched } from "./streams.mjs";

const STEPS = [ipLimit, authenticate, burstLimit, nameLimit, forward];
const HEALTH = [forward];
const isolate = new Isolate(connect);

export const control = { fetch: (request, env) => controlDoor(request, env, isolate) };

export default {
  fetch(request, env, ctx) {
    const path = pathOf(request.url);
    if (path === "/metrics" || path.startsWith("/_control/")) return env.DOORS.fetch(request);
    if (isolate.inForce === null) return new Response("nothing is in force yet", { status: 503 });
    const call = new Call(request, path, env, ctx, isolate);
    return call.inForce.place === 0 ? counted(call) : served(call);
  },
};

async function counted(call) {
  const done = isolate.figures.begin(call.request.method, call.path);
  let status = 499;
  call.request.signal.addEventListener("abort", () => done(status)); // nothing of the call runs after that
  const { peers } = call.inForce;
  const away = peers.length > 0 && call.path !== "/health";
  const response = await (away ? handedOver(call, Math.floor(Math.random() * peers.length)) : served(call));
  status = response.status;
  if (isStream(response)) return watched(response, () => done(status));
  done(status);
  return response;
}

function handedOver(call, place) {
  isolate.figures.add(`mcpist_isolate_requests_total{isolate="${place}"}`);
  const url = new URL(call.request.url);
  return fetch(call.inForce.peers[place] + url.pathname + url.search, call.request);
}

async function served(call) {
  try {
    for (const step of call.path === "/health" ? HEALTH : STEPS) {
      const response = await step(call);
      if (response !== null) return response;
    }
  } catch (error) {
    console.error(error.stack);
    return refuse(call, "internal_error", { message: String(error) });
  }
}

function pathOf(url) {
  const from = url.indexOf("/", 8);
  const to = url.indexOf("?", from);
  return to < 0 ? url.slice(from) : url.slice(from, to);
}
