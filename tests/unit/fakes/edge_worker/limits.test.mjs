import assert from "node:assert/strict";
import { test } from "node:test";
import { burstLimit } from "../../../../fakes/edge_worker/worker/burst_limit.mjs";
import { ipLimit } from "../../../../fakes/edge_worker/worker/ip_limit.mjs";
import { nameLimit } from "../../../../fakes/edge_worker/worker/name_limit.mjs";
import { reason, Rig } from "./rig.mjs";

// Statuses of n calls; null is a call that went on.
async function statuses(step, rig, n, options) {
  const found = [];
  for (let i = 0; i < n; i += 1) found.push((await step(rig.call(options)))?.status ?? null);
  return found;
}
const PASS = null;

test("a protection that is off asks nothing of KV", async () => {
  const rig = new Rig({}, { protections: [] });
  assert.deepEqual(await statuses(burstLimit, rig, 9), Array(9).fill(PASS));
  assert.deepEqual(await statuses(ipLimit, rig, 9), Array(9).fill(PASS));
  assert.deepEqual([rig.kv.gets, rig.kv.puts.length], [0, 0]);
});

test("an address has its window, and another address another", async () => {
  const rig = new Rig();
  const one = { headers: { "cf-connecting-ip": "1.1.1.1" } };
  assert.deepEqual(await statuses(ipLimit, rig, 5, one), [PASS, PASS, PASS, 429, 429]);
  assert.deepEqual(await statuses(ipLimit, rig, 1, { headers: { "cf-connecting-ip": "2.2.2.2" } }), [PASS]);
  assert.equal(rig.kv.puts[0][0], `global:1.1.1.1:${1_000_000_000 / 60 | 0}`);
  assert.equal(rig.kv.puts[0][2], 120);
  assert.equal(rig.count('mcpist_rate_limit_hits_total{limit="ip-limit"}'), 2);
  rig.now += 60_000;
  assert.deepEqual(await statuses(ipLimit, rig, 1, one), [PASS]);
});

test("a refusal names its reason, its call and when to come again", async () => {
  const rig = new Rig({ ip_per_min: 1, ip_window: 60 });
  await ipLimit(rig.call());
  const response = await ipLimit(rig.call());
  assert.equal(response.headers.get("retry-after"), String(60 - (1_000_000_000 % 60)));
  const { id, error } = await response.json();
  assert.deepEqual([id, error.data.reason, error.code], [7, "ip_limit_exceeded", -32029]);
});

for (const [id, body] of [[7, '{"id":7}'], ["x", '{"id":"x"}'], [null, '{"id":{}}'], [null, "no json"], [null, "3"]]) {
  test(`the id of ${body} is ${id}`, async () => {
    const rig = new Rig({ ip_per_min: 1 });
    await ipLimit(rig.call());
    assert.equal((await (await ipLimit(rig.call({ body }))).json()).id, id);
  });
}

const NESTED = '"params":{"id":1e3,"a":[{"id":2},"}\\\\",":id"]}';
for (const [id, body] of [
  ["1234567", '{"id":1234567}'], ["9007199254740993", '{"id":9007199254740993}'], ["9007199254740993", "\ufeff{ \"id\" : 9007199254740993 }"],
  ["-123456789012345678901", `{${NESTED},"\\u0069d":-123456789012345678901,"z":{"id":3}}`], ["1.50", `{"id":7,"id":1.50,${NESTED}}`],
  ["7", '{"id":9007199254740993,"id":7}'], ["null", `{${NESTED}}`], ["null", '{"id":[9007199254740993]}'], ['"9007199254740993"', '{"id":"9007199254740993"}'],
]) {
  test(`the id of ${body} is ${id}, digit by digit`, async () => {
    const rig = new Rig({ ip_per_min: 1 }, { protections: ["ip-limit", "name-limit"], own: { compare: 1 } });
    await ipLimit(rig.call());
    const beginning = `{"jsonrpc":"2.0","id":${id},"error":{`;
    for (const step of [ipLimit, nameLimit]) {
      const said = await (await step(rig.call({ body, headers: { "mcp-name": "lie" } }))).text();
      assert.equal(said.slice(0, beginning.length), beginning);
      JSON.parse(said);
    }
  });
}

test("KV at every request: a read and a write for each that is admitted, a read for the rest", async () => {
  const rig = new Rig();
  assert.deepEqual(await statuses(burstLimit, rig, 7), [...Array(5).fill(PASS), 429, 429]);
  assert.deepEqual([rig.kv.gets, rig.kv.puts.length], [7, 5]);
  assert.deepEqual(rig.kv.puts[4], ["burst:ann", `[${1_000_000_000},5]`, 60]);
  rig.now += 1000;
  assert.deepEqual(await statuses(burstLimit, rig, 1), [PASS]);
});

test("memory-cache: one write a window, no read, counts by user", async () => {
  const rig = new Rig({ burst_strategy: "memory-cache" });
  assert.deepEqual(await statuses(burstLimit, rig, 7), [...Array(5).fill(PASS), 429, 429]);
  assert.deepEqual(await statuses(burstLimit, rig, 1, { user: "bob" }), [PASS]);
  assert.deepEqual([rig.kv.gets, rig.kv.puts.length], [0, 2]);
  rig.now += 1000;
  assert.deepEqual(await statuses(burstLimit, rig, 1), [PASS]);
});

const ALL = (status) => Array(7).fill(status);
for (const [strategy, mode, expected] of [
  ["kv-every-request", "throw", ALL(500)],
  ["kv-every-request", "fail-open", ALL(PASS)],
  ["kv-every-request", "fail-closed", ALL(503)],
  ["memory-cache", "throw", [500, PASS, PASS, PASS, PASS, 429, 429]],
  ["memory-cache", "fail-open", [...Array(5).fill(PASS), 429, 429]],
  ["memory-cache", "fail-closed", ALL(503)],
]) {
  test(`a failed write with ${strategy} and ${mode}`, async () => {
    const rig = new Rig({ burst_strategy: strategy, burst_on_failure: mode });
    rig.kv.failure = { put: true };
    assert.deepEqual(await statuses(burstLimit, rig, 7), expected);
  });
}

test("the words of the binding reach the client", async () => {
  const rig = new Rig({ ip_on_failure: "throw" });
  rig.kv.failure = { get: true };
  const { error } = await (await ipLimit(rig.call())).json();
  assert.deepEqual([error.data.reason, error.message], ["kv_error", "KV GET failed: 429 Too Many Requests"]);
});

test("a mistake of ours is no failure of KV", async () => {
  const rig = new Rig({ burst_strategy: "memory-cache", burst_on_failure: "fail-open" });
  rig.isolate.bursts = { of: () => null };
  await assert.rejects(burstLimit(rig.call()), TypeError);
  const call = rig.call();
  call.request = {};
  await assert.rejects(ipLimit(call), TypeError);
});

test("reset forgets the counts", async () => {
  const rig = new Rig({ burst_strategy: "memory-cache" });
  await statuses(burstLimit, rig, 6);
  rig.isolate.reset();
  assert.deepEqual(await statuses(burstLimit, rig, 1), [PASS]);
  assert.equal(rig.count('mcpist_rate_limit_hits_total{limit="burst-limit"}'), 0);
});

test("the reason of a burst", async () => {
  const rig = new Rig({ burst_per_s: 1 });
  await burstLimit(rig.call());
  assert.equal(await reason(await burstLimit(rig.call())), "burst_exceeded");
});

// A call of the tool `name`, whose header says `said`; without, there is none.
function named(name, said, user = "ann") {
  const headers = said === undefined ? {} : { "mcp-name": said };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 7, method: "tools/call", params: { name, arguments: {} } });
  return { user, headers, body };
}
const byName = (own, protections = ["name-limit"]) => new Rig({}, { protections, own });

test("five a second of one user to one name", async () => {
  const rig = byName();
  assert.deepEqual(await statuses(nameLimit, rig, 6, named("slow", "slow")), [...Array(5).fill(PASS), 429]);
  assert.deepEqual(await statuses(nameLimit, rig, 1, named("fast", "fast")), [PASS]);
  assert.deepEqual(await statuses(nameLimit, rig, 1, named("slow", "slow", "bob")), [PASS]);
  const refused = await nameLimit(rig.call(named("slow", "slow")));
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.equal(await reason(refused), "name_limit_exceeded");
  assert.equal(rig.count('mcpist_rate_limit_hits_total{limit="name-limit"}'), 2);
  rig.now += 1000;
  assert.deepEqual(await statuses(nameLimit, rig, 1, named("slow", "slow")), [PASS]);
});

test("names that are off count nothing", async () => {
  assert.deepEqual(await statuses(nameLimit, byName({}, []), 9, named("slow", "slow")), Array(9).fill(PASS));
});

test("the header alone is believed", async () => {
  const rig = byName();
  await statuses(nameLimit, rig, 5, named("slow", "slow"));
  assert.deepEqual(await statuses(nameLimit, rig, 3, named("slow", "fast")), Array(3).fill(PASS));
  assert.deepEqual(await statuses(nameLimit, rig, 9, named("slow")), Array(9).fill(PASS));
});

test("compared, a lie is refused and a missing header evades nothing", async () => {
  const rig = byName({ compare: 1 });
  const lie = await nameLimit(rig.call(named("slow", "fast")));
  const { id, error } = await lie.json();
  assert.deepEqual([lie.status, id, error.code], [400, 7, -32020]);
  assert.deepEqual(await statuses(nameLimit, rig, 6, named("slow")), [...Array(5).fill(PASS), 429]);
  assert.deepEqual(await statuses(nameLimit, rig, 1, named("slow", "slow")), [429]);
});

for (const body of ["", "{", "3", "null", '{"jsonrpc":"2.0","id":1,"method":"tools/list"}', '{"method":"toString"}']) {
  test(`compared, what calls no tool passes: ${body}`, async () => {
    assert.equal(await nameLimit(byName({ compare: 1 }).call({ body })), null);
  });
}

for (const [said, name] of [[" slow ", "slow"], ["=?base64?c2xvdw==?=", "slow"], ["=?base64?w7w=?=", "ü"]]) {
  test(`compared, ${said} stands for ${name}`, async () => {
    assert.equal(await nameLimit(byName({ compare: 1 }).call(named(name, said))), null);
  });
}

for (const said of ["=?base64?c2xvdw?=", "=?base64?/w==?=", "=?base64?-?=", "sl\u00fcw"]) {
  test(`${said} is no name: believed it counts nothing, compared it lies`, async () => {
    assert.deepEqual(await statuses(nameLimit, byName(), 9, named("slow", said)), Array(9).fill(PASS));
    assert.deepEqual(await statuses(nameLimit, byName({ compare: 1 }), 1, named("slow", said)), [400]);
  });
}

test("memory-cache, fail-closed: calls beside the first write count, and the next one tries KV again", async () => {
  const rig = new Rig({ burst_strategy: "memory-cache", burst_on_failure: "fail-closed" });
  const put = rig.kv.put.bind(rig.kv);
  rig.kv.put = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    throw new Error("KV PUT failed: 429 Too Many Requests");
  };
  const statuses = (calls) => calls.map((refused) => refused?.status ?? PASS);
  const atOnce = await Promise.all(Array.from({ length: 7 }, () => burstLimit(rig.call())));
  assert.deepEqual(statuses(atOnce), [503, PASS, PASS, PASS, PASS, 429, 429]);
  rig.kv.put = put;
  const later = [await burstLimit(rig.call()), await burstLimit(rig.call())];
  assert.deepEqual([statuses(later), rig.kv.puts.length], [[PASS, 429], 1]);
});
