import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { forward } from "../../../../fakes/edge_worker/worker/forward.mjs";
import { nameLimit } from "../../../../fakes/edge_worker/worker/name_limit.mjs";
import { reason, Rig } from "./rig.mjs";

const LOST = new Error("Network connection lost.");
const genuine = globalThis.fetch;
afterEach(() => (globalThis.fetch = genuine));

// Each origin answers what `says` has for it, or throws it.
function origins(says) {
  const sent = [];
  globalThis.fetch = async (url, message) => {
    sent.push([url, message]);
    const said = says[new URL(url).hostname];
    if (said instanceof Error) throw said;
    return new Response("from " + said, { headers: { date: "now", server: "me", "x-instance-id": "one" } });
  };
  return sent;
}

test("what goes on, and what does not", async () => {
  const sent = origins({ a: "a" });
  const rig = new Rig();
  const headers = {
    authorization: "Bearer x", "x-user-id": "root", "x-user-tier": "unlimited", "cf-connecting-ip": "1.1.1.1", accept: "x",
  };
  const call = rig.call({ headers });
  call.tier = "pro";
  const response = await forward(call);
  const [url, message] = sent[0];
  assert.equal(url, "http://a:1/v1/mcp?a=1");
  assert.deepEqual(Object.fromEntries(message.headers), {
    accept: "x", "content-type": "text/plain;charset=UTF-8", "x-gateway-secret": "secret", "x-request-id": "run-1",
    "x-user-id": "ann", "x-user-tier": "pro",
  });
  assert.equal(await response.text(), "from a");
  assert.deepEqual(Object.fromEntries(response.headers), {
    "content-type": "text/plain;charset=UTF-8", "x-backend": "origin-a", "x-instance-id": "one", "x-lb-state": "primary",
  });
});

test("who the caller is comes from the token alone", async () => {
  const sent = origins({ a: "a" });
  const forged = { "x-user-id": "root", "x-user-tier": "unlimited" };
  await forward(new Rig().call({ user: "", headers: forged }));
  assert.deepEqual([...sent[0][1].headers.keys()].filter((name) => name.startsWith("x-user")), []);
});

test("a split alternates; a dead origin gets nothing; none alive is 503", async () => {
  const sent = origins({ a: "a", b: "b" });
  const hosts = async (lb) => {
    sent.length = 0;
    const rig = new Rig({}, { lb });
    for (let i = 0; i < 4; i += 1) await forward(rig.call());
    return sent.map(([url]) => new URL(url).hostname).join("");
  };
  assert.equal(await hosts({}), "aaaa");
  assert.equal(await hosts({ split: true }), "abab");
  assert.equal(await hosts({ split: true, alive: ["origin-b"] }), "bbbb");
  assert.equal(await hosts({ alive: [] }), "");
  const refused = await forward(new Rig({}, { lb: { alive: [] } }).call());
  assert.deepEqual([refused.status, await reason(refused)], [503, "origin_unavailable"]);
});

test("a lost call is 502 and never sent twice; then the origin is knocked at first", async () => {
  const sent = origins({ a: LOST, b: "b" });
  const rig = new Rig();
  assert.equal((await forward(rig.call())).status, 502);
  assert.deepEqual([sent.length, rig.knocks.length], [1, 0]);
  rig.refuses = true;
  assert.equal((await forward(rig.call())).headers.get("x-backend"), "origin-b");
  assert.deepEqual([sent.length, rig.knocks], [2, ["a:1"]]);
  origins({ a: "a" });
  rig.refuses = false;
  assert.equal((await forward(rig.call())).headers.get("x-backend"), "origin-a");
  await forward(rig.call());
  assert.equal(rig.knocks.length, 2); // it answered: no more knocks
});

test("with retry_other a lost call goes to the other; both lost is 502", async () => {
  origins({ a: LOST, b: "b" });
  const lb = { retry_other: true };
  assert.equal((await forward(new Rig({}, { lb }).call())).headers.get("x-backend"), "origin-b");
  origins({ a: LOST, b: LOST });
  assert.equal((await forward(new Rig({}, { lb }).call())).status, 502);
});

test("no answer in time is 504, and the other is not asked", async () => {
  const sent = origins({ a: new DOMException("late", "TimeoutError"), b: "b" });
  const response = await forward(new Rig().call());
  assert.deepEqual([response.status, await reason(response), sent.length], [504, "gateway_timeout", 1]);
});

for (const method of ["GET", "HEAD"]) {
  test(`a ${method} whose body was looked into goes on without one`, async () => {
    const sent = []; // a Request refuses a body with these methods, as workerd's fetch does
    globalThis.fetch = async (url, message) => (sent.push(new Request(url, message)), new Response(""));
    const rig = new Rig({}, { protections: ["name-limit"], own: { compare: 1 } });
    const call = rig.call({ method });
    assert.equal(await nameLimit(call), null);
    assert.equal((await forward(call)).status, 200);
    assert.deepEqual([sent[0].method, sent[0].body, [...rig.isolate.suspects]], [method, null, []]);
  });
}

// What a call of the tool "search" asks of its headers on its way to the origin that it gets to.
async function routed(name_routes) {
  origins({ a: "a", b: "b" });
  const call = new Rig({ name_routes }).call({ headers: { "mcp-name": "search" } });
  const asked = [];
  const { headers } = call.request;
  const get = headers.get.bind(headers);
  headers.get = (name) => (asked.push(name), get(name));
  const origin = (await forward(call)).headers.get("x-backend");
  return [origin, asked];
}

test("a name has its route, and is read where there are routes alone", async () => {
  assert.deepEqual(await routed({ search: "origin-b" }), ["origin-b", ["mcp-name"]]);
  assert.deepEqual(await routed({ other: "origin-b" }), ["origin-a", ["mcp-name"]]);
  assert.deepEqual(await routed({}), ["origin-a", []]);
});
