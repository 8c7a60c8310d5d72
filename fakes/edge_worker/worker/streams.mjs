// Answers that come as event streams: they last as long as their client stays.

export function isStream(response) {
  return (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
}

// The response; `ended` is called when the last of its body has gone out, or it breaks.
export function watched(response, ended) {
  const through = new TransformStream();
  response.body.pipeTo(through.writable).then(ended, ended);
  return new Response(through.readable, response);
}

// An end to what is under way after so many seconds, unless it is let go before.
export class Deadline {
  #late;
  #stop;
  #aborter = new AbortController();

  constructor(seconds) {
    this.#late = AbortSignal.timeout(seconds * 1000);
    this.#stop = () => this.#aborter.abort(this.#late.reason);
    this.#late.addEventListener("abort", this.#stop);
  }

  get signal() {
    return this.#aborter.signal;
  }

  letGo() {
    this.#late.removeEventListener("abort", this.#stop);
  }
}
