// The last step: the call goes on to an origin that the balancer allows, and its answer back as it comes.
//
// Sent on are the client's headers but for framing, the token, and any that only the edge may set; added are
// X-User-ID, X-User-Tier (if the token names one), X-Gateway-Secret and X-Request-ID (unless the client
// brought one). No answer within `forward_timeout` seconds: 504 gateway_timeout; for an event stream that counts
// until its head is there. `name_routes` sends a call to the origin that its `Mcp-Name` names; the header is believed.
//
// A Worker cannot tell a refused connection from one that broke: both are "Network connection lost." So the
// first lost call of an origin is 502 (with `retry_other` it is sent again to the other, which may repeat what
// the first did), and until one is answered, later calls knock with a bare connection first: where that is
// refused nothing was sent, and the other origin is tried at once.

import { nameTold } from "./mcp_name.mjs";
import { refuse } from "./refuse.mjs";
import { Deadline, isStream } from "./streams.mjs";

const KEPT_BACK = [
  "connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer", "upgrade",
  "x-user-id", "x-user-tier", "x-gateway-secret", "x-backend", "x-lb-state",
  "host", "authorization", "expect", "cf-connecting-ip",
];
const BODILESS = new Set(["GET", "HEAD"]);

export async function forward(call) {
  const { request, inForce, isolate } = call;
  if (!BODILESS.has(request.method)) call.body ??= await request.arrayBuffer();
  isolate.figures.add("mcpist_forwarded_total");
  const deadline = new Deadline(call.edge.forward_timeout);
  const message = {
    method: request.method,
    headers: onward(call),
    body: BODILESS.has(request.method) ? undefined : call.body, // a step before may have read one that is empty
    redirect: "manual",
    signal: deadline.signal,
  };
  let lost = { status: 503, message: "no origin is alive" };
  for (const origin of route(call)) {
    isolate.figures.add(`mcpist_lb_forwarded_total{origin="${origin}"}`);
    const answer = await ask(call, origin, message);
    if (answer instanceof Response) {
      if (isStream(answer)) deadline.letGo();
      return stamped(answer, origin, inForce.lb.state);
    }
    if (answer.timedOut) return refuse(call, "gateway_timeout");
    lost = answer;
    if (answer.status === 502 && !inForce.lb.retry_other) break;
  }
  return refuse(call, "origin_unavailable", lost);
}

// The origin's Response, or why there is none.
async function ask(call, origin, message) {
  const { isolate, inForce } = call;
  const address = inForce.origins[origin];
  if (isolate.suspects.has(origin) && !(await answersKnocks(isolate, address))) {
    return { status: 503, message: `${origin} refuses` };
  }
  try {
    const answer = await fetch(`http://${address}${target(call)}`, message);
    isolate.suspects.delete(origin);
    return answer;
  } catch (error) {
    if (error.name === "TimeoutError") return { timedOut: true };
    isolate.suspects.add(origin);
    return { status: 502, message: `${origin} reset: ${error.message}` };
  }
}

async function answersKnocks(isolate, address) {
  try {
    const socket = isolate.connect(address);
    await socket.opened;
    await socket.close();
    return true;
  } catch {
    return false;
  }
}

// The origins to try, best first.
function route(call) {
  const order = turned(call);
  const routes = call.edge.name_routes;
  if (Object.keys(routes).length === 0) return order;
  const wanted = routes[nameTold(call) ?? ""];
  return order.includes(wanted) ? [wanted, ...order.filter((origin) => origin !== wanted)] : order;
}

function turned(call) {
  const { alive, split } = call.inForce.lb;
  if (!split || alive.length < 2) return alive;
  call.isolate.turn ^= 1;
  return call.isolate.turn ? alive : [alive[1], alive[0]];
}

function onward(call) {
  const headers = new Headers(call.request.headers);
  for (const name of KEPT_BACK) headers.delete(name);
  headers.set("x-gateway-secret", call.inForce.gateway_secret);
  if (call.user) headers.set("x-user-id", call.user);
  if (call.tier) headers.set("x-user-tier", call.tier);
  if (!headers.has("x-request-id")) headers.set("x-request-id", `${call.inForce.run}-${(call.isolate.calls += 1)}`);
  return headers;
}

function stamped(answer, origin, state) {
  const response = new Response(answer.body, answer);
  response.headers.delete("date");
  response.headers.delete("server");
  response.headers.set("x-backend", origin);
  response.headers.set("x-lb-state", state);
  return response;
}

function target(call) {
  const { url } = call.request;
  return url.slice(url.indexOf("/", 8));
}
