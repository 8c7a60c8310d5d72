package main

import "github.com/prometheus/client_golang/prometheus"

var breakerState = prometheus.NewDesc(
	"mcpist_breaker_state", "State of a breaker.", []string{"upstream", "state"}, nil)

// observe shows what the origin's parts hold, as it is when it is scraped.
func (o *origin) observe() {
	of := func(state string, read func() int64) {
		o.metrics.gauge("mcpist_db_connections", "DB connections.", prometheus.Labels{"state": state}, read)
	}
	of("used", func() int64 { used, _, _ := o.db.counts(); return used })
	of("idle", func() int64 { _, idle, _ := o.db.counts(); return idle })
	of("waiting", func() int64 { _, _, waiting := o.db.counts(); return waiting })
	users := o.gates.users
	o.metrics.gauge("mcpist_user_calls_peak", "Most calls of one user at once since reset.", nil, users.peak)
	o.metrics.gauge("mcpist_user_limiters", "Users of whom user-concurrency keeps something.", nil, func() int64 {
		return users.kept(o.control.snapshot().settings.Origin.UserLimiter == asWritten)
	})
	o.metrics.gauge("mcpist_user_releases_blocked", "Calls over, but blocked there.", nil, users.blocked)
	o.metrics.gauge("mcpist_sessions_open", "Sessions that this instance holds.", nil, o.caller.sessions.count)
	o.metrics.registry.MustRegister(breakerStates{o}, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "mcpist_caller_left_seconds_total", Help: "Seconds of calls after their callers left.",
	}, o.tasks.seconds))
}

// breakerStates are those of the upstreams that the settings name, which may change.
type breakerStates struct{ origin *origin }

// Describe names none, as the upstreams are not known before.
func (breakerStates) Describe(chan<- *prometheus.Desc) {}

// Collect tells 1 for the state that a breaker is in, else 0.
func (b breakerStates) Collect(out chan<- prometheus.Metric) {
	s := b.origin.control.snapshot().settings
	for upstream := range s.Upstreams {
		now := b.origin.gates.breaker(upstream, s.Origin.breakerSettings).State().String()
		for _, state := range []string{"closed", "open", "half-open"} {
			is := map[bool]float64{true: 1}[state == now]
			out <- prometheus.MustNewConstMetric(breakerState, prometheus.GaugeValue, is, upstream, state)
		}
	}
}
