// The door of the process beside us, on a socket of its own:
//   PUT /state    what is in force, as a whole:
//                 {"place", "peers": [base URL, …], "protections": [name, …], "settings": {…edge's…},
//                  "own": {protection: {its settings}}, "issuer", "jwks_url", "gateway_secret",
//                  "run": start of the request ids made here,
//                  "lb": {"state", "split", "alive": [origin, …], "retry_other"}, "origins": {origin: "host:port"},
//                  "reasons": {name: [status, code, message]}, "buckets": [seconds, …]}
//   POST /reset   forget counts, keys and figures
//   GET /figures  {series: total}

export async function controlDoor(request, env, isolate) {
  if (request.headers.get("x-control-token") !== env.CONTROL_TOKEN) return new Response("", { status: 403 });
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case "PUT /state":
      isolate.inForce = await request.json();
      isolate.figures.buckets(isolate.inForce.buckets);
      return Response.json({});
    case "POST /reset":
      isolate.reset();
      return Response.json({});
    case "GET /figures":
      return Response.json({ ...isolate.figures.all(), mcpist_burst_entries: isolate.burstEntries() });
  }
  return new Response("", { status: 404 });
}
