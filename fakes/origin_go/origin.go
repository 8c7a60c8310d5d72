package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	clientLeft = 499                   // as nginx counts a call whose client hung up
	lastWords  = 50 * time.Millisecond // between the order to exit and the exit
)

// origin is the whole server: its parts, and what it answers by path.
type origin struct {
	config   *config
	control  *control
	metrics  *metrics
	db       *database
	queue    *queue
	shedding *loadShedding
	limiter  *rateLimit
	gates    *gates
	usage    *usage
	caller   *caller
	tasks    *tasks
	streams  *streams
}

// newOrigin connects to the database and begins the work beside the requests.
func newOrigin(ctx context.Context, c *config, first *snapshot) (*origin, error) {
	steered, counted, gates := newControl(c, first), newMetrics(), newGates()
	db := &database{dsn: c.DSN, control: steered, metrics: counted}
	if err := db.open(ctx, first.settings.Database.sourceSettings); err != nil {
		return nil, err
	}
	rows := &usage{db: db, metrics: counted}
	memory := newIdempotency(answers{db}, func() { counted.replayed.WithLabelValues().Inc() })
	calls := &caller{
		upstream: c.Addresses["upstream"].String(), client: newClient(), gates: gates, memory: memory,
		credits: &credits{db, steered, counted}, usage: rows, sessions: newSessions(db, counted), metrics: counted,
		instance: c.instance,
	}
	o := &origin{
		c, steered, counted, db, &queue{}, &loadShedding{}, &rateLimit{now: wall}, gates, rows, calls,
		&tasks{metrics: counted, since: time.Now()}, newStreams(counted),
	}
	o.observe()
	steered.changed, steered.reset = o.changed, o.forget
	o.changed(first)
	go o.every(func(s *settings) seconds { return s.Origin.UsageFlush }, rows.flush)
	go o.every(func(s *settings) seconds { return s.Origin.RateSync }, o.sync)
	return o, nil
}

func (o *origin) every(span func(*settings) seconds, work func(context.Context)) {
	for {
		o.control.waitFor(span)
		work(context.Background())
	}
}

func (o *origin) sync(ctx context.Context) {
	if o.limiter.sync(ctx, o.db, o.control.snapshot()) == nil {
		o.metrics.syncs.WithLabelValues().Inc()
	}
}

// changed puts in force what no call asks its snapshot for.
func (o *origin) changed(s *snapshot) {
	o.db.configure(context.Background(), s.settings.Database.sourceSettings)
	if s.fault("origin-exit") != nil {
		time.AfterFunc(lastWords, func() { exit(1, errors.New("told to exit")) })
	}
}

// forget begins anew, with what a run before left in memory given back: it is none of the next one's. Counts are the
// last, as calls of the run before end by what goes before.
func (o *origin) forget() {
	o.shedding.forget()
	o.limiter.forget()
	o.gates.forget()
	o.usage.take()
	o.caller.sessions.forget()
	o.caller.client.CloseIdleConnections()
	runtime.GC() // what lies in a sync.Pool, as net/http's buffers do, outlives one collection
	debug.FreeOSMemory()
	o.metrics.reset()
}

func (o *origin) handler() http.Handler {
	pages := http.NewServeMux()
	pages.Handle("/metrics", o.scraped(o.metrics.handler()))
	pages.HandleFunc("/_control/", func(w http.ResponseWriter, r *http.Request) {
		o.control.answer(r, o.wait(arrival(r))).write(w, r.Context())
	})
	pages.HandleFunc("/", o.serve)
	return pages
}

// scraped tells the wait that a request has to expect: a scrape comes through the same door as all.
func (o *origin) scraped(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.metrics.queued.Set(o.wait(arrival(r)).Seconds())
		page.ServeHTTP(w, r)
	})
}

// wait is what a request that came at some time and is taken up now has to expect: it waited until now, and the first
// in the queue does still.
func (o *origin) wait(came time.Time) time.Duration {
	return time.Since(came) + o.queue.delay()
}

// serve answers one request of the gateway's own, and counts it.
func (o *origin) serve(w http.ResponseWriter, r *http.Request) {
	done := o.metrics.begin()
	made := o.route(r, arrival(r))
	if made == nil || o.control.losesAnswer(made) {
		done(r, clientLeft)
		panic(http.ErrAbortHandler) // nobody is there to be answered, or is to be
	}
	made.set("X-Instance-ID", o.config.instance)
	if made.stream == nil {
		done(r, made.status)
	} else {
		defer done(r, made.status) // it lasts as long as its reader stays
	}
	made.write(w, r.Context())
}

// route is the answer to a request that came at some time; nil where the client left.
func (o *origin) route(r *http.Request, came time.Time) *reply {
	refused := o.turnedAway(r, o.wait(came))
	body, err := io.ReadAll(r.Body) // to its end, so that the server watches the connection from now on
	if err != nil {
		return nil
	}
	if refused != nil {
		asked, _ := decode(body)
		return o.failure(r.Context(), refused, asked.ID)
	}
	if !o.control.waitUntilGoing(r.Context()) {
		return nil
	}
	own := o.queue.enter()
	defer own.begun()
	switch {
	case r.URL.Path == "/health":
		return o.health(r.Context())
	case r.URL.Path != "/v1/mcp":
		return plain(404, "error", "not found")
	case r.Method != http.MethodPost:
		return o.beside(r)
	}
	return o.gateway(r, visit{came, own}, body)
}

// turnedAway is why a request that has to wait so long is refused before it has cost more than a look at it; nil: it comes in.
func (o *origin) turnedAway(r *http.Request, wait time.Duration) *refusal {
	s := o.control.snapshot()
	own := &s.settings.Protections
	switch {
	case r.URL.Path == "/health":
	case s.on["deadline-propagation"] && passes(r.Header, wait, own.Deadline.Margin):
		detail := fmt.Sprintf("a wait of %.1f s, measured", wait.Seconds())
		return &refusal{reason: "deadline_exceeded", detail: detail}
	case s.on["load-shedding"] && !o.shedding.admits(wait, own.Shedding):
		return &refusal{reason: "load_shed", retryAfter: 1}
	}
	return nil
}

func (o *origin) health(ctx context.Context) *reply {
	s := o.control.snapshot()
	ctx, cancel := context.WithTimeout(ctx, s.settings.Origin.HealthDBTimeout.span())
	defer cancel()
	if o.control.saw("health-fail") != nil || o.db.ping(ctx) != nil {
		return plain(503, "status", "unhealthy")
	}
	return plain(200, "status", "ok")
}
