// Totals since reset by series, named as Prometheus writes them: `mcpist_refused_total{reason="…"}`.

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const PATHS = new Set(["/v1/mcp", "/health"]);
const SECONDS = "mcpist_request_duration_seconds";

export class Figures {
  #clock;
  #totals = new Map();
  #bounds = [];
  #within = []; // requests by the first bound that holds them, the last beyond all
  #seconds = 0;
  #inFlight = 0;
  #peak = 0;

  constructor(clock) {
    this.#clock = clock;
  }

  add(series, n = 1) {
    this.#totals.set(series, (this.#totals.get(series) ?? 0) + n);
  }

  // A request came in; gives the function to call with the status that it was answered with.
  begin(method, path) {
    const began = this.#clock();
    this.#inFlight += 1;
    this.#peak = Math.max(this.#peak, this.#inFlight);
    let open = true;
    return (status) => {
      if (!open) return;
      open = false;
      this.#inFlight -= 1;
      this.#observe((this.#clock() - began) / 1000);
      const labels = `method="${METHODS.has(method) ? method : "other"}",path="${PATHS.has(path) ? path : "other"}"`;
      this.add(`mcpist_requests_total{${labels},status="${status}"}`);
    };
  }

  // Upper bounds of the durations, seconds.
  buckets(bounds) {
    if (bounds.length === this.#bounds.length) return;
    this.#bounds = bounds;
    this.#within = new Array(bounds.length + 1).fill(0);
  }

  // Zero everything but what is in flight. Series stay, as counters that began again.
  reset() {
    for (const series of this.#totals.keys()) this.#totals.set(series, 0);
    this.#within.fill(0);
    this.#seconds = 0;
    this.#peak = this.#inFlight;
  }

  all() {
    return {
      ...Object.fromEntries(this.#totals),
      ...this.#durations(),
      mcpist_in_flight: this.#inFlight,
      mcpist_in_flight_peak: this.#peak,
    };
  }

  #observe(seconds) {
    this.#seconds += seconds;
    const at = this.#bounds.findIndex((bound) => seconds <= bound);
    this.#within[at < 0 ? this.#bounds.length : at] += 1;
  }

  #durations() {
    let count = 0;
    const series = {};
    this.#within.forEach((n, at) => {
      count += n;
      series[`${SECONDS}_bucket{le="${this.#bounds[at] === undefined ? "+Inf" : float(this.#bounds[at])}"}`] = count;
    });
    return { ...series, [`${SECONDS}_count`]: count, [`${SECONDS}_sum`]: this.#seconds };
  }
}

// As Python writes a float: 1 is "1.0".
function float(value) {
  return Number.isInteger(value) ? `${value}.0` : `${value}`;
}
