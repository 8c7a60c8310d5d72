import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "./rig.mjs";

const KEYS = new Map([["k", "the key"]]);

function rigged(settings, options = {}) {
  const fetched = { times: 0, up: true, keys: KEYS };
  const fetcher = async () => {
    fetched.times += 1;
    if (!fetched.up) throw new Error("down");
    return fetched.keys;
  };
  const rig = new Rig(settings, { ...options, fetcher });
  const ask = (kid) => rig.isolate.jwks.key(kid, rig.call());
  return { rig, ask, fetched };
}

for (const [mode, known, unknown] of [
  ["cached", 1, 0], ["refetch-unknown", 1, 3], ["cool-down", 1, 0], ["none", 3, 3], ["per-request", 3, 3],
]) {
  test(`${mode}: fetches for three known kids, then three unknown ones`, async () => {
    const { ask, fetched } = rigged({ jwks_mode: mode });
    for (let i = 0; i < 3; i += 1) assert.equal(await ask("k"), "the key");
    assert.equal(fetched.times, known);
    for (let i = 0; i < 3; i += 1) assert.equal(await ask("nobody"), undefined);
    assert.equal(fetched.times, known + unknown);
  });
}

test("cool-down: an unknown kid fetches again once it is over", async () => {
  const { rig, ask, fetched } = rigged({ jwks_mode: "cool-down" });
  await ask("new");
  rig.now += 30_000;
  fetched.keys = new Map([["new", "the new key"]]);
  assert.equal(await ask("new"), "the new key");
  assert.equal(fetched.times, 2);
});

test("a set is fetched anew when it is old, and kept when that fails", async () => {
  const { rig, ask, fetched } = rigged({});
  await ask("k");
  rig.now += 299_000;
  await ask("k");
  assert.equal(fetched.times, 1);
  [rig.now, fetched.up] = [rig.now + 1000, false];
  assert.equal(await ask("k"), "the key");
  assert.equal(rig.count('mcpist_jwks_fetches_total{cause="expired"}'), 1);
});

test("without any set the failure is told", async () => {
  const { ask, fetched } = rigged({});
  fetched.up = false;
  await assert.rejects(ask("k"), /down/);
  fetched.up = true;
  assert.equal(await ask("k"), "the key");
});

test("calls at once share a fetch, unless told not to", async () => {
  for (const [coalesce, times] of [[true, 1], [false, 5]]) {
    const { ask, fetched } = rigged({ jwks_coalesce: coalesce });
    await Promise.all(Array.from({ length: 5 }, () => ask("k")));
    assert.equal(fetched.times, times);
  }
});

test("with the protection off every request fetches", async () => {
  const { ask, fetched } = rigged({}, { protections: [] });
  await ask("k");
  await ask("k");
  assert.equal(fetched.times, 2);
});

test("reset forgets the keys", async () => {
  const { rig, ask, fetched } = rigged({});
  await ask("k");
  rig.isolate.reset();
  await ask("k");
  assert.equal(fetched.times, 2);
});
