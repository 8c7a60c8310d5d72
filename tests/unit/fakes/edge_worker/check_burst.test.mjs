import assert from "node:assert/strict";
import { test } from "node:test";
import { burstLimit } from "../../../../fakes/edge_worker/worker/burst_limit.mjs";
import { reason, Rig } from "./rig.mjs";

const PASS = null;
const START = 1_000_000_000_000; // milliseconds, a whole second

function rigOf(strategy, settings = {}) {
  return new Rig({ burst_strategy: strategy, ...settings });
}

// Statuses of n calls of one user, `at` seconds from START.
async function asked(rig, at, n, user = "ann") {
  rig.now = START + at * 1000;
  const found = [];
  for (let i = 0; i < n; i += 1) found.push((await burstLimit(rig.call({ user })))?.status ?? PASS);
  return found;
}

for (const [strategy, first, puts] of [["check-burst", 500, 2], ["sliding", PASS, 0]]) {
  test(`${strategy}: a ttl below a minute fails the first call of every second, or asks nothing of KV`, async () => {
    const rig = rigOf(strategy, { burst_ttl: 1 });
    let tried = 0;
    const put = rig.kv.put.bind(rig.kv);
    rig.kv.put = (...given) => ((tried += 1), put(...given));
    assert.deepEqual(await asked(rig, 0.1, 6), [first, ...Array(4).fill(PASS), 429]);
    assert.deepEqual(await asked(rig, 1.2, 1), [first]); // one call a second: never served
    assert.deepEqual([tried, rig.kv.gets], [puts, 0]);
  });
}

test("what KV throws the call throws, with the count already set", async () => {
  const rig = rigOf("check-burst");
  rig.kv.failure = { put: true };
  rig.now = START;
  assert.equal(await reason(await burstLimit(rig.call())), "kv_error");
  rig.kv.failure = null;
  assert.deepEqual(await asked(rig, 0, 5), [...Array(4).fill(PASS), 429]);
});

for (const [strategy, most] of [["check-burst", 10], ["sliding", 5]]) {
  test(`${strategy}: at most ${most} around the edge of a second`, async () => {
    const rig = rigOf(strategy);
    const found = [...(await asked(rig, 0.9, 6)), ...(await asked(rig, 1.1, 6))];
    assert.equal(found.filter((status) => status === PASS).length, most);
  });
}

test("sliding says when the oldest call leaves the window", async () => {
  const rig = rigOf("sliding", { burst_window: 3 });
  await asked(rig, 0.5, 5);
  rig.now = START + 1400;
  const refused = await burstLimit(rig.call());
  assert.equal(await reason(refused), "burst_exceeded");
  assert.equal(refused.headers.get("retry-after"), "3"); // 2.1 s, rounded up
  assert.deepEqual(await asked(rig, 3.5, 1), [PASS]);
});

for (const [strategy, kept, later] of [["check-burst", 100, 101], ["sliding", 10, 1]]) {
  test(`${strategy}: of ten users over ten seconds ${kept} counts are kept`, async () => {
    const rig = rigOf(strategy);
    for (let second = 0; second < 10; second += 1) {
      for (let user = 0; user < 10; user += 1) await asked(rig, second, 1, `u${user}`);
    }
    assert.equal(rig.isolate.burstEntries(), kept);
    await asked(rig, 30, 1, "late");
    assert.equal(rig.isolate.burstEntries(), later);
    rig.isolate.reset();
    assert.equal(rig.isolate.burstEntries(), 0);
  });
}

test("as written, the write is awaited, and its failure too", async () => {
  const rig = rigOf("check-burst", { burst_write_wait: 0.02 });
  for (const failure of [null, { put: true }]) {
    rig.kv.failure = failure;
    rig.isolate.reset();
    rig.now = START;
    const began = performance.now();
    const first = burstLimit(rig.call());
    assert.deepEqual(await asked(rig, 0, 1), [PASS]); // one behind it waits for nothing
    await first;
    assert.ok(performance.now() - began >= 19);
  }
});
