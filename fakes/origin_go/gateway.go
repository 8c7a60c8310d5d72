package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// visit is when a request came, and its place in the queue.
type visit struct {
	came  time.Time
	place *place
}

// gateway is the request path: secret, Origin, rate limit, era, session, deadline, then the method; nil where the
// client left.
func (o *origin) gateway(r *http.Request, v visit, body []byte) *reply {
	asked, wrong := decode(body)
	s := o.control.snapshot()
	user, err := o.user(r.Header, s)
	if err != nil {
		return o.failure(r.Context(), err, asked.ID)
	}
	decided := o.limiter.take(user, r.Header.Get("X-User-Tier"), s.settings.Origin.rateSettings, s.on["rate-limit"])
	var made *reply
	switch {
	case !decided.allowed:
		o.metrics.hits.WithLabelValues("rate-limit").Inc()
		refused := &refusal{reason: "rate_limit_exceeded", retryAfter: float64(decided.wait)}
		made = o.failure(r.Context(), refused, asked.ID)
	case wrong != nil:
		made = o.failure(r.Context(), wrong, asked.ID)
	default:
		made = o.admitted(r, v, s, user, asked)
	}
	if made != nil {
		made.set("X-RateLimit-Limit", decided.limit)
		made.set("X-RateLimit-Remaining", decided.remaining)
		made.set("X-RateLimit-Reset", decided.reset)
	}
	return made
}

// beside is what a session has beside POST: GET, its stream; DELETE, its end. 405 where there is none.
func (o *origin) beside(r *http.Request) *reply {
	s, ctx := o.control.snapshot(), r.Context()
	kept := s.settings.MCP.Sessions
	user, err := o.user(r.Header, s)
	if err != nil {
		return o.failure(ctx, err, nil)
	}
	if kept == sessionsOff || r.Method != "GET" && r.Method != "DELETE" || !saysLegacy(r.Header) {
		return plain(405, "error", "only POST").set("Allow", "POST")
	}
	own, err := o.caller.sessions.find(ctx, r.Header, user, kept == sessionsShared)
	if err != nil {
		return o.failure(ctx, err, nil)
	}
	if r.Method == "GET" {
		return o.streams.ofSession(own, s.settings.MCP.KeepAlive)
	}
	if err := o.caller.sessions.close(ctx, own, kept == sessionsShared); err != nil {
		return o.failure(ctx, err, nil)
	}
	return &reply{status: http.StatusOK}
}

// user is who calls, by the word of the edge. Errors: *refusal, *rpcError.
func (o *origin) user(header http.Header, s *snapshot) (string, error) {
	given, user := header.Get("X-Gateway-Secret"), strings.ToValidUTF8(header.Get("X-User-ID"), "\ufffd")
	switch from := header.Values("Origin"); {
	case subtle.ConstantTimeCompare([]byte(given), []byte(o.config.GatewaySecret)) == 0:
		return "", &refusal{reason: "bad_gateway_secret"}
	case len(from) > 0 && !slices.Contains(s.settings.MCP.Origins, host(from[0])):
		return "", &rpcError{code: invalidRequest, message: "Origin is not allowed", status: 403}
	case user == "":
		return "", &refusal{reason: "missing_token", message: "no X-User-ID"}
	}
	return user, nil
}

// host is the one that an `Origin` names, "" for none.
func host(from string) string {
	if told, err := url.Parse(from); err == nil {
		return strings.ToLower(told.Hostname())
	}
	return ""
}

// admitted is the answer to a request that the rate limit let in. A caller who leaves ends his call, but not in a
// session of the legacy era: there it goes on to its end, unless `notifications/cancelled` names it.
func (o *origin) admitted(r *http.Request, v visit, s *snapshot, user string, asked *request) *reply {
	about, own := s.about(user, r.Header), &s.settings.MCP
	about.place, about.era = v.place, eraOf(r.Header, asked)
	within, err := o.session(r, about, asked)
	switch {
	case err != nil:
		return o.failure(r.Context(), err, asked.ID)
	case about.era == modern && *asked.Method == "subscriptions/listen":
		return o.streams.subscribed(asked.ID, own.KeepAlive)
	case within != nil && *asked.Method == "notifications/cancelled":
		within.cancelCall(asked.Params["requestId"])
	}
	work := func(ctx context.Context) *reply { return o.answered(ctx, r.Header, v.came, about, asked) }
	event := strings.Contains(r.Header.Get("Accept"), "text/event-stream") && rand.Float64() < own.SSE
	progress := asked.progressToken()
	if event && progress != nil {
		about.place = o.queue.enter() // the request's own ends with the answer's head
		one := o.tasks.begin(r.Context(), within, asked.ID, work)
		return withProgress(one, progress, own.Progress, o.tasks.leave)
	}
	var made *reply
	if within == nil {
		made = o.tasks.wait(r.Context(), work)
	} else {
		made = o.tasks.outlive(r.Context(), o.tasks.begin(r.Context(), within, asked.ID, work), asked.ID)
	}
	if made != nil {
		made.event = event && made.status == http.StatusOK
	}
	return made
}

// session is the one that a request belongs to, nil where none is needed; by then its era's rules are kept.
func (o *origin) session(r *http.Request, about *callContext, asked *request) (*session, error) {
	own := &about.snap.settings.MCP
	switch {
	case about.era == modern:
		return nil, checkModern(r.Header, asked, own)
	case own.Sessions == sessionsOff || *asked.Method == "initialize":
		return nil, nil
	}
	return o.caller.sessions.find(r.Context(), r.Header, about.user, own.Sessions == sessionsShared)
}

// answered is a request's answer within its deadline; nil where ctx ended before.
func (o *origin) answered(
	ctx context.Context, header http.Header, came time.Time, about *callContext, asked *request,
) *reply {
	defer about.place.begun()
	limited := ctx
	end, within, callers := about.snap.deadline(header, came)
	about.callersTime = callers
	if within > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithDeadline(ctx, end)
		defer cancel()
	}
	made, err := o.caller.serve(limited, about, asked)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = &refusal{reason: "gateway_timeout", message: fmt.Sprintf("no answer within %g s", within)}
	}
	if err != nil {
		return o.failure(ctx, err, asked.ID)
	}
	return made
}

// about is what a request's calls are known by: the key that it brought, where that is heeded, else its id.
func (s *snapshot) about(user string, header http.Header) *callContext {
	id, key := latin1(header.Get("X-Request-ID")), header.Get("Idempotency-Key")
	if len(key) > longestKey {
		key = ""
	}
	key = latin1(key)
	once := key != "" && s.on["idempotency"]
	switch {
	case once:
		id = user + "/" + key
	case id == "":
		id = token(16)
	}
	return &callContext{user: user, requestID: id, snap: s, intent: key, once: once}
}

// failure is an error as an answer; nil for a caller who left, unless a refusal was on its way to him.
func (o *origin) failure(ctx context.Context, err error, id any) *reply {
	var protocol *rpcError
	var refused *refusal
	switch {
	case errors.As(err, &protocol):
		return protocol.answer(id)
	case errors.As(err, &refused):
	case ctx.Err() != nil:
		return nil
	default:
		refused = &refusal{reason: "internal_error", detail: err.Error()}
	}
	o.metrics.refused.WithLabelValues(refused.reason).Inc()
	return refused.answer(id)
}
