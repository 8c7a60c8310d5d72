# The Worker as `workerd serve` runs it. Addresses and sockets are given on the command line (-S, -e);
# what is in force is pushed to the socket `control`, see control.mjs.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "kv", external = (address = "127.0.0.1:0", http = ())),
    (name = "doors", external = (address = "127.0.0.1:0", http = ())),
    (name = "net", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [
    (name = "calls", address = "127.0.0.1:0", http = (), service = "edge"),
    (name = "control", address = "127.0.0.1:0", http = (), service = (name = "edge", entrypoint = "control")),
  ],
);

const edge :Workerd.Worker = (
  modules = [
    (name = "edge.mjs", esModule = embed "edge.mjs"),
    (name = "auth.mjs", esModule = embed "auth.mjs"),
    (name = "burst_limit.mjs", esModule = embed "burst_limit.mjs"),
    (name = "check_burst.mjs", esModule = embed "check_burst.mjs"),
    (name = "control.mjs", esModule = embed "control.mjs"),
    (name = "figures.mjs", esModule = embed "figures.mjs"),
    (name = "forward.mjs", esModule = embed "forward.mjs"),
    (name = "ip_limit.mjs", esModule = embed "ip_limit.mjs"),
    (name = "isolate.mjs", esModule = embed "isolate.mjs"),
    (name = "jwks_cache.mjs", esModule = embed "jwks_cache.mjs"),
    (name = "jwt.mjs", esModule = embed "jwt.mjs"),
    (name = "key_set.mjs", esModule = embed "key_set.mjs"),
    (name = "kv.mjs", esModule = embed "kv.mjs"),
    (name = "mcp_name.mjs", esModule = embed "mcp_name.mjs"),
    (name = "name_limit.mjs", esModule = embed "name_limit.mjs"),
    (name = "refuse.mjs", esModule = embed "refuse.mjs"),
    (name = "streams.mjs", esModule = embed "streams.mjs"),
  ],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["enable_request_signal"],
  globalOutbound = "net",
  bindings = [
    (name = "KV", kvNamespace = "kv"),
    (name = "DOORS", service = "doors"),
    (name = "CONTROL_TOKEN", fromEnvironment = "CONTROL_TOKEN"),
  ],
);
