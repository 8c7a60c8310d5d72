package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// callContext is what all tool calls of one request share: one snapshot, taken when it came in.
type callContext struct {
	user, requestID string
	snap            *snapshot
	gates           []gate
}

// toolResult is what a tool said; upstreamMS is the upstream's own time, negative where it did not tell.
type toolResult struct {
	text       string
	isError    bool
	upstreamMS float64
}

// caller makes tool calls: gates, charge, upstream, usage row. The gates stand before the charge, so a refused
// call costs nothing; a call that was charged and then failed stays charged.
type caller struct {
	upstream      string
	client        http.Client
	credits       *credits
	usage         *usage
	metrics       *metrics
	instance      string
	running, peak atomic.Int64
}

// newClient keeps connections alive without a bound in number, and never sends a POST twice.
func newClient() http.Client {
	return http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 1 << 20, IdleConnTimeout: 60 * time.Second, DisableCompression: true,
	}}
}

// call makes one call, charged under id. Errors: *refusal, or the end of ctx.
func (c *caller) call(ctx context.Context, about *callContext, wanted command, id string) (*toolResult, error) {
	began, how := time.Now(), abandoned
	left, err := admit(about.gates, about.user, wanted.Module)
	if err != nil {
		return nil, err
	}
	defer func() { left(how) }()
	rise(&c.peak, c.running.Add(1))
	defer c.running.Add(-1)
	if err := c.credits.charge(ctx, about.user, id, &about.snap.settings.Database); err != nil {
		return nil, err
	}
	asked := time.Now()
	status, said, timing, err := c.ask(ctx, wanted)
	if ctx.Err() != nil && err != nil {
		slow := about.snap.settings.Origin.BreakerSlow.span()
		if ctx.Err() == context.DeadlineExceeded || time.Since(asked) >= slow {
			how = failedCall
		}
		c.metrics.calls.WithLabelValues(wanted.Module, "abandoned").Inc()
		return nil, ctx.Err()
	}
	outcome := "ok"
	switch how = succeeded; {
	case err != nil || status >= 500:
		how, outcome = failedCall, "failed"
	case status >= 400:
		outcome = "tool_error"
	}
	c.metrics.calls.WithLabelValues(wanted.Module, outcome).Inc()
	spent := float64(time.Since(began).Microseconds()) / 1000
	c.usage.add(spent, id, about.user, wanted.Module, wanted.Tool, outcome, c.instance)
	if err != nil {
		return nil, &refusal{reason: "upstream_error", detail: "the connection to the upstream broke"}
	}
	if status >= 500 {
		detail := fmt.Sprintf("status %d: %.200s", status, said)
		return nil, &refusal{reason: "upstream_error", detail: detail}
	}
	return &toolResult{string(said), status >= 400, timing}, nil
}

func (c *caller) ask(ctx context.Context, wanted command) (status int, body []byte, timing float64, err error) {
	params, _ := json.Marshal(wanted.Params)
	url := fmt.Sprintf("http://%s/%s/%s", c.upstream, wanted.Module, wanted.Tool)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(params))
	if err != nil {
		return 0, nil, 0, err
	}
	request.GetBody = nil
	answer, err := c.client.Do(request)
	if err != nil {
		return 0, nil, 0, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, body, milliseconds(answer.Header), err
}

func milliseconds(header http.Header) float64 {
	for _, value := range header.Values("Server-Timing") {
		if _, told, found := strings.Cut(value, "dur="); found {
			if number, err := strconv.ParseFloat(told, 64); err == nil {
				return number
			}
		}
	}
	return -1
}

// rise keeps the highest value.
func rise(peak *atomic.Int64, value int64) {
	for {
		old := peak.Load()
		if value <= old || peak.CompareAndSwap(old, value) {
			return
		}
	}
}
