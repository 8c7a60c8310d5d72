package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const clientLeft = 499 // as nginx counts a call whose client hung up

// origin is the whole server: what is steered, what is counted, and the way of a request.
type origin struct {
	config  *config
	control *control
	metrics *metrics
	db      *database
	limiter *rateLimit
	gates   *gates
	caller  *caller
}

// newOrigin connects to the database and begins the work beside the requests.
func newOrigin(ctx context.Context, c *config) (*origin, error) {
	o := &origin{config: c, limiter: newRateLimit(wall), gates: &gates{}}
	o.metrics = newMetrics(o)
	first, err := newSnapshot(c)
	if err != nil {
		return nil, err
	}
	dsn := ""
	if c.DSN != nil {
		dsn = *c.DSN
	}
	if o.db, err = openDatabase(ctx, dsn, first.settings.Database, o.metrics); err != nil {
		return nil, err
	}
	o.caller = &caller{
		upstream: c.Addresses["upstream"].String(), client: newClient(), metrics: o.metrics,
		credits: &credits{db: o.db, origin: c.Name, metrics: o.metrics}, usage: &usage{db: o.db, metrics: o.metrics},
		instance: c.Name + "-" + token(2),
	}
	o.control = newControl(c, first, o.changed, o.forget)
	o.db.refuses = func() { o.control.saw("db-down") }
	o.caller.credits.holds = func() { o.control.saw("db-hold") }
	go o.every(func(s *settings) seconds { return s.Origin.UsageFlush }, o.caller.usage.flush)
	go o.every(func(s *settings) seconds { return s.Origin.RateSync }, o.sync)
	return o, nil
}

func (o *origin) every(span func(*settings) seconds, work func(context.Context)) {
	for {
		time.Sleep(span(o.control.snapshot().settings).span())
		work(context.Background())
	}
}

func (o *origin) sync(ctx context.Context) {
	if o.limiter.sync(ctx, o.db, o.config.Name) == nil {
		o.metrics.syncs.WithLabelValues().Inc()
	}
}

// changed puts a snapshot in force; calls in flight keep the one that they came in with.
func (o *origin) changed(s *snapshot) {
	origin := s.settings.Origin
	o.limiter.configure(float64(origin.RateWindow), origin.Tiers)
	o.gates.users.configure(origin.UserConcurrency)
	o.gates.users.write(origin.UserLimiter == "as-written")
	o.gates.all.configure(origin.GlobalConcurrency)
	o.gates.breakers.configure(limitsOf(s.settings))
	o.db.configure(s.settings.Database)
	hold := 0.0
	if fault := s.fault("db-hold", o.config.Name); fault != nil {
		hold = 30
		if given, isNumber := fault["seconds"].(float64); isNumber {
			hold = given
		}
	}
	o.caller.credits.hold.Store(hold)
	o.db.down.Store(s.fault("db-down", o.config.Name) != nil)
	if s.fault("origin-exit", o.config.Name) != nil {
		time.AfterFunc(lastWords, func() { exit(1, errors.New("told to exit")) })
	}
}

func (o *origin) forget() {
	o.metrics.reset()
	o.limiter.forget()
	o.gates.breakers.forget()
	o.caller.usage.forget()
	o.caller.peak.Store(o.caller.running.Load())
}

func (o *origin) handler() http.Handler {
	pages := o.metrics.handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/metrics":
			pages.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/_control/"):
			o.control.serve(w, r, o.caller.instance)
		default:
			o.serve(w, r)
		}
	})
}

// serve answers one request of the gateway's own, and counts it.
func (o *origin) serve(w http.ResponseWriter, r *http.Request) {
	done := o.metrics.begin()
	made := o.route(r)
	if made == nil {
		done(r, clientLeft)
		panic(http.ErrAbortHandler) // nobody is there to be answered
	}
	done(r, made.status)
	made.set("X-Instance-ID", o.caller.instance)
	wanted := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	drawn := rand.Float64() < o.control.snapshot().settings.MCP.SSE
	event := wanted && made.status == http.StatusOK && r.URL.Path == "/v1/mcp" && drawn
	made.write(w, event)
}

func (o *origin) route(r *http.Request) *reply {
	body, err := io.ReadAll(r.Body) // to its end, so that the server watches the connection from now on
	o.control.saw("origin-stall")
	if err != nil || !o.control.snapshot().waitUntilGoing(r.Context()) {
		return nil
	}
	switch {
	case r.URL.Path == "/health":
		return o.health(r.Context())
	case r.URL.Path != "/v1/mcp":
		return &reply{status: 404, body: map[string]any{"error": "not found"}}
	case r.Method != http.MethodPost:
		made := &reply{status: 405, body: map[string]any{"error": "only POST"}}
		made.set("Allow", "POST")
		return made
	}
	return o.gateway(r, body)
}

func (o *origin) health(ctx context.Context) *reply {
	s := o.control.snapshot()
	ctx, cancel := context.WithTimeout(ctx, s.settings.Origin.HealthDBTimeout.span())
	defer cancel()
	err := o.db.ask(ctx, func(ctx context.Context, conn connection) error {
		_, err := conn.Exec(ctx, "SELECT 1")
		return err
	})
	if o.control.saw("health-fail") || err != nil {
		return &reply{status: 503, body: map[string]any{"status": "unhealthy"}}
	}
	return &reply{status: 200, body: map[string]any{"status": "ok"}}
}

// gateway is the request path: secret, rate limit, deadline, then the method; nil where the client left.
func (o *origin) gateway(r *http.Request, body []byte) *reply {
	given, user := r.Header.Get("X-Gateway-Secret"), r.Header.Get("X-User-ID")
	if subtle.ConstantTimeCompare([]byte(given), []byte(o.config.GatewaySecret)) == 0 {
		return o.refuse(&refusal{reason: "bad_gateway_secret"}, idOf(body))
	}
	if user == "" {
		return o.refuse(&refusal{reason: "missing_token", message: "no X-User-ID"}, idOf(body))
	}
	s := o.control.snapshot()
	decided := o.limiter.take(user, r.Header.Get("X-User-Tier"), s.on["rate-limit"])
	var made *reply
	if decided.allowed {
		made = o.admitted(r, s, user, body)
	} else {
		o.metrics.hits.WithLabelValues("rate-limit").Inc()
		made = o.refuse(&refusal{reason: "rate_limit_exceeded", retryAfter: float64(decided.wait)}, idOf(body))
	}
	if made != nil {
		made.set("X-RateLimit-Limit", strconv.Itoa(decided.limit))
		made.set("X-RateLimit-Remaining", strconv.Itoa(decided.remaining))
		made.set("X-RateLimit-Reset", strconv.Itoa(decided.reset))
	}
	return made
}

func (o *origin) admitted(r *http.Request, s *snapshot, user string, body []byte) *reply {
	asked, err := decode(body)
	if err != nil {
		return o.failure(r, err, idOf(body), s)
	}
	id := r.Header.Get("X-Request-ID")
	if id == "" {
		id = token(16)
	}
	ctx := r.Context()
	if s.on["timeout"] {
		limited, cancel := context.WithTimeout(ctx, s.settings.Origin.Timeout.span())
		defer cancel()
		ctx = limited
	}
	made, err := o.caller.serve(ctx, &callContext{user, id, s, o.gates.inForce(s)}, asked)
	if err != nil {
		return o.failure(r, err, asked.id, s)
	}
	return made
}

// failure is an error as an answer; nil for a client that left.
func (o *origin) failure(r *http.Request, err error, id any, s *snapshot) *reply {
	var protocol *rpcError
	var refused *refusal
	switch {
	case errors.As(err, &protocol):
		return failed(id, protocol.code, protocol.message, nil)
	case errors.As(err, &refused):
		return o.refuse(refused, id)
	case r.Context().Err() != nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		message := fmt.Sprintf("no answer within %g s", s.settings.Origin.Timeout)
		return o.refuse(&refusal{reason: "gateway_timeout", message: message}, id)
	}
	return o.refuse(&refusal{reason: "internal_error", detail: err.Error()}, id)
}

func (o *origin) refuse(r *refusal, id any) *reply {
	o.metrics.refused.WithLabelValues(r.reason).Inc()
	return r.answer(id)
}
