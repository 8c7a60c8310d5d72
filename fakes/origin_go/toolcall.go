package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// callContext is what all tool calls of one request share: one snapshot, taken when it came in.
type callContext struct {
	user, requestID string
	snap            *snapshot
	intent          string // the key that the call brought, "" without one
	place           *place
	era             *era
	once            bool // what has that key is carried out once: requestID is made of it
	callersTime     bool // its deadline is what its caller waits, not the gateway's own timeout
}

// toolResult is what a tool said; upstreamMS is the upstream's own time, negative where it did not tell.
type toolResult struct {
	status     int
	text       string
	upstreamMS float64
}

// isError says that the tool failed, by a fault of its caller's.
func (t *toolResult) isError() bool { return t.status >= 400 }

// caller makes tool calls: gates, charge, upstream, usage row. The gates stand before the charge, so a refused
// call costs nothing; a call that was charged and then failed stays charged.
type caller struct {
	upstream string
	client   http.Client
	gates    *gates
	memory   *idempotency
	credits  *credits
	usage    *usage
	sessions *sessions
	metrics  *metrics
	instance string
}

// newClient keeps connections alive without a bound in number, and never sends a POST twice.
func newClient() http.Client {
	return http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 1 << 20, IdleConnTimeout: 60 * time.Second, DisableCompression: true,
	}}
}

// call makes one call, charged under id. Errors: *refusal, or the end of ctx.
func (c *caller) call(ctx context.Context, about *callContext, wanted command, id string) (*toolResult, error) {
	if !about.once {
		return c.called(ctx, about, wanted, id)
	}
	keep := about.snap.settings.Protections.Idempotency.Keep
	work := func() (*toolResult, error) { return c.called(ctx, about, wanted, id) }
	return c.memory.once(ctx, id, keep, about.place.begun, work)
}

func (c *caller) called(ctx context.Context, about *callContext, wanted command, id string) (*toolResult, error) {
	began, how := time.Now(), notAsked
	left, err := c.gates.admit(about, wanted.Module)
	if err != nil {
		return nil, err
	}
	defer func() { left(how) }()
	defer c.metrics.toolCalls.enter()()
	if err := c.credits.charge(ctx, about, id); err != nil {
		return nil, err
	}
	about.place.begun()
	asked := time.Now()
	said, err := c.ask(ctx, about, wanted)
	var outcome string
	how, outcome = judged(ctx, about, said, err)
	if outcome == "abandoned" && time.Since(asked) >= about.snap.settings.Origin.BreakerSlow.span() {
		how = failedCall
	}
	c.metrics.calls.WithLabelValues(wanted.Module, outcome).Inc()
	if outcome == "abandoned" {
		return nil, ctx.Err()
	}
	spent := float64(time.Since(began).Microseconds()) / 1000
	c.usage.add(usageRow{id, about.user, wanted.Module, wanted.Tool, outcome, spent, c.instance, about.intent})
	switch {
	case err != nil:
		return nil, &refusal{reason: "upstream_error", detail: "the connection to the upstream broke"}
	case outcome == "failed":
		return nil, &refusal{reason: "upstream_error", detail: fmt.Sprintf("status %d: %.200s", said.status, said.text)}
	}
	return said, nil
}

// judged is how the upstream did, for the breaker, and what is counted. A caller's own deadline tells nothing of the
// upstream, or one impatient caller would open the breaker for all.
func judged(ctx context.Context, about *callContext, said *toolResult, err error) (ended, string) {
	switch {
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && !about.callersTime:
		return failedCall, "abandoned"
	case err != nil && ctx.Err() != nil:
		return abandoned, "abandoned"
	case err != nil || said.status >= 500:
		return failedCall, "failed"
	case said.isError():
		return succeeded, "tool_error"
	}
	return succeeded, "ok"
}

func (c *caller) ask(ctx context.Context, about *callContext, wanted command) (*toolResult, error) {
	url := fmt.Sprintf("http://%s/%s/%s", c.upstream, wanted.Module, wanted.Tool)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(wanted.Params))
	if err != nil {
		return nil, err
	}
	request.GetBody = nil
	if about.intent != "" {
		request.Header.Set("X-Intent", toLatin1(about.intent))
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return &toolResult{answer.StatusCode, string(body), milliseconds(answer.Header)}, err
}

func milliseconds(header http.Header) float64 {
	for _, value := range header.Values("Server-Timing") {
		_, told, _ := strings.Cut(value, "dur=")
		if number, err := strconv.ParseFloat(told, 64); err == nil {
			return number
		}
	}
	return -1
}
