import assert from "node:assert/strict";
import { test } from "node:test";
import { controlDoor } from "../../../../fakes/edge_worker/worker/control.mjs";
import { Figures } from "../../../../fakes/edge_worker/worker/figures.mjs";
import { Isolate } from "../../../../fakes/edge_worker/worker/isolate.mjs";

test("requests, their durations in cumulative buckets, and those in flight", () => {
  let now = 0;
  const figures = new Figures(() => now);
  figures.buckets([0.1, 1]);
  for (const took of [50, 100, 500, 5000]) {
    const done = figures.begin("POST", "/v1/mcp");
    now += took;
    done(200);
    done(499); // only the first counts
  }
  figures.begin("BREW", "/tea")(404);
  figures.begin("GET", "/health");
  assert.deepEqual(figures.all(), {
    'mcpist_requests_total{method="POST",path="/v1/mcp",status="200"}': 4,
    'mcpist_requests_total{method="other",path="other",status="404"}': 1,
    'mcpist_request_duration_seconds_bucket{le="0.1"}': 3,
    'mcpist_request_duration_seconds_bucket{le="1.0"}': 4,
    'mcpist_request_duration_seconds_bucket{le="+Inf"}': 5,
    mcpist_request_duration_seconds_count: 5,
    mcpist_request_duration_seconds_sum: 5.65,
    mcpist_in_flight: 1,
    mcpist_in_flight_peak: 1,
  });
  figures.reset();
  const after = figures.all();
  assert.deepEqual([after.mcpist_in_flight, after.mcpist_request_duration_seconds_count], [1, 0]);
});

test("the door needs its token, and puts in force what it is told", async () => {
  const isolate = new Isolate(null);
  const env = { CONTROL_TOKEN: "t" };
  const ask = async (method, path, body, token = "t") => {
    const headers = { "x-control-token": token };
    return controlDoor(new Request(`http://x${path}`, { method, headers, body }), env, isolate);
  };
  const state = JSON.stringify({ buckets: [1], place: 3 });
  assert.equal((await ask("PUT", "/state", state, "guess")).status, 403);
  assert.equal(isolate.inForce, null);
  assert.equal((await ask("PUT", "/state", state)).status, 200);
  assert.equal(isolate.inForce.place, 3);
  isolate.figures.add("x", 2);
  assert.equal((await (await ask("GET", "/figures")).json()).x, 2);
  await ask("POST", "/reset");
  assert.equal((await (await ask("GET", "/figures")).json()).x, 0);
  assert.equal((await ask("GET", "/state")).status, 404);
});
