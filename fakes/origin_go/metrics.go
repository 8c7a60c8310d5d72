package main

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var (
	latency      = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 2.5, 3, 3.5, 5, 10, 20, 30, 35}
	querySeconds = []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30}
	states       = []string{"closed", "open", "half-open"}
)

// metrics are those of docs/architecture.md, and what Prometheus' Go client tells of every Go process.
type metrics struct {
	registry                                           *prometheus.Registry
	requests, hits, refused, dbErrors, consumed, calls *prometheus.CounterVec
	syncs, dropped                                     *prometheus.CounterVec
	seconds, dbSeconds                                 *prometheus.HistogramVec
	inFlight, peak                                     atomic.Int64
}

func newMetrics(o *origin) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.requests = m.counter("mcpist_requests_total", "Requests answered.", "method", "path", "status")
	m.hits = m.counter("mcpist_rate_limit_hits_total", "Requests over a rate limit.", "limit")
	m.refused = m.counter("mcpist_refused_total", "Requests refused.", "reason")
	m.dbErrors = m.counter("mcpist_db_errors_total", "DB errors.", "code")
	m.consumed = m.counter("mcpist_credits_consumed_total", "Credits consumed.")
	m.calls = m.counter("mcpist_upstream_calls_total", "Calls to upstreams.", "upstream", "outcome")
	m.syncs = m.counter("mcpist_rate_limit_sync_total", "Syncs of rate-limit counts.")
	m.dropped = m.counter("mcpist_usage_dropped_total", "Usage rows given up.")
	m.seconds = m.histogram("mcpist_request_duration_seconds", "Duration of requests.", latency)
	m.dbSeconds = m.histogram("mcpist_db_query_duration_seconds", "DB queries, waiting included.", querySeconds)
	m.registry.MustRegister(
		now{o}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.zero()
	return m
}

func (m *metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	made := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(made)
	return made
}

func (m *metrics) histogram(name, help string, buckets []float64) *prometheus.HistogramVec {
	made := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, nil)
	m.registry.MustRegister(made)
	return made
}

// reset zeroes counters and histograms, and starts the peak anew.
func (m *metrics) reset() {
	for _, one := range []*prometheus.CounterVec{
		m.requests, m.hits, m.refused, m.dbErrors, m.consumed, m.calls, m.syncs, m.dropped,
	} {
		one.Reset()
	}
	m.seconds.Reset()
	m.dbSeconds.Reset()
	m.peak.Store(m.inFlight.Load())
	m.zero()
}

// zero shows the metrics without labels from the start.
func (m *metrics) zero() {
	for _, one := range []*prometheus.CounterVec{m.consumed, m.syncs, m.dropped} {
		one.WithLabelValues()
	}
	m.seconds.WithLabelValues()
	m.dbSeconds.WithLabelValues()
}

// begin counts a request in; what it gives counts the answer.
func (m *metrics) begin() func(*http.Request, int) {
	began := time.Now()
	rise(&m.peak, m.inFlight.Add(1))
	return func(r *http.Request, status int) {
		m.inFlight.Add(-1)
		m.seconds.WithLabelValues().Observe(time.Since(began).Seconds())
		path := r.URL.Path
		if path != "/v1/mcp" && path != "/health" {
			path = "other"
		}
		m.requests.WithLabelValues(r.Method, path, strconv.Itoa(status)).Inc()
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true})
}
