package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// visit is when a request came, and its place in the queue.
type visit struct {
	came  time.Time
	place *place
}

// gateway is the request path: secret, rate limit, deadline, then the method; nil where the client left.
func (o *origin) gateway(r *http.Request, v visit, body []byte) *reply {
	asked, wrong := decode(body)
	given, user := r.Header.Get("X-Gateway-Secret"), r.Header.Get("X-User-ID")
	if subtle.ConstantTimeCompare([]byte(given), []byte(o.config.GatewaySecret)) == 0 {
		return o.failure(r, &refusal{reason: "bad_gateway_secret"}, asked.ID)
	}
	if user == "" {
		return o.failure(r, &refusal{reason: "missing_token", message: "no X-User-ID"}, asked.ID)
	}
	s := o.control.snapshot()
	decided := o.limiter.take(user, r.Header.Get("X-User-Tier"), s.settings.Origin.rateSettings, s.on["rate-limit"])
	made, err := (*reply)(nil), wrong
	switch {
	case !decided.allowed:
		o.metrics.hits.WithLabelValues("rate-limit").Inc()
		err = &refusal{reason: "rate_limit_exceeded", retryAfter: float64(decided.wait)}
	case wrong == nil:
		made, err = o.admitted(r, v, s, user, asked)
	}
	if err != nil {
		made = o.failure(r, err, asked.ID)
	}
	if made != nil {
		made.set("X-RateLimit-Limit", decided.limit)
		made.set("X-RateLimit-Remaining", decided.remaining)
		made.set("X-RateLimit-Reset", decided.reset)
	}
	return made
}

// admitted answers within the deadline. Errors: *rpcError, *refusal, or that the client left.
func (o *origin) admitted(
	r *http.Request, v visit, s *snapshot, user string, asked *request,
) (*reply, error) {
	ctx := r.Context()
	end, within := s.deadline(r.Header, v.came)
	if within > 0 {
		limited, cancel := context.WithDeadline(ctx, end)
		defer cancel()
		ctx = limited
	}
	about := s.about(user, r.Header)
	about.place = v.place
	made, err := o.caller.serve(ctx, about, asked)
	if errors.Is(err, context.DeadlineExceeded) && r.Context().Err() == nil {
		err = &refusal{reason: "gateway_timeout", message: fmt.Sprintf("no answer within %g s", within)}
	}
	return made, err
}

// about is what a request's calls are known by: the key that it brought, where that is heeded, else its id.
func (s *snapshot) about(user string, header http.Header) *callContext {
	id, key := header.Get("X-Request-ID"), header.Get("Idempotency-Key")
	if len(key) > longestKey {
		key = ""
	}
	once := key != "" && s.on["idempotency"]
	switch {
	case once:
		id = user + "/" + key
	case id == "":
		id = token(16)
	}
	return &callContext{user: user, requestID: id, snap: s, intent: key, once: once}
}

// failure is an error as an answer; nil for a client that left.
func (o *origin) failure(r *http.Request, err error, id any) *reply {
	var protocol *rpcError
	var refused *refusal
	switch {
	case errors.As(err, &protocol):
		return failed(id, protocol.code, protocol.message, nil)
	case errors.As(err, &refused):
	case r.Context().Err() != nil:
		return nil
	default:
		refused = &refusal{reason: "internal_error", detail: err.Error()}
	}
	o.metrics.refused.WithLabelValues(refused.reason).Inc()
	return refused.answer(id)
}
