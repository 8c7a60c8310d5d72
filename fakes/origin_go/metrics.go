package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
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
)

// metrics are those of docs/architecture.md, and what Prometheus' Go client tells of every Go process.
type metrics struct {
	registry *prometheus.Registry
	resets   []func()

	requests, hits, refused, dbErrors, consumed, calls, syncs, dropped, replayed, sessions, callerLeft *prometheus.CounterVec

	seconds, dbSeconds  *prometheus.HistogramVec
	inFlight, toolCalls *level
	queued              prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.requests = m.counter("mcpist_requests_total", "Requests answered.", "method", "path", "status")
	m.hits = m.counter("mcpist_rate_limit_hits_total", "Requests over a rate limit.", "limit")
	m.refused = m.counter("mcpist_refused_total", "Requests refused.", "reason")
	m.dbErrors = m.counter("mcpist_db_errors_total", "DB errors.", "code")
	m.consumed = m.counter("mcpist_credits_consumed_total", "Credits consumed.")
	m.calls = m.counter("mcpist_upstream_calls_total", "Calls to upstreams.", "upstream", "outcome")
	m.syncs = m.counter("mcpist_rate_limit_sync_total", "Syncs of rate-limit counts.")
	m.dropped = m.counter("mcpist_usage_dropped_total", "Usage rows given up.")
	m.replayed = m.counter("mcpist_replayed_total", "Repeats that got the first call's answer.")
	m.sessions = m.counter("mcpist_sessions_total", "Sessions opened, closed, lost.", "event")
	m.callerLeft = m.counter("mcpist_caller_left_total", "Tool calls whose caller left before the answer.", "call")
	m.seconds = m.histogram("mcpist_request_duration_seconds", "Duration of requests.", latency)
	m.dbSeconds = m.histogram("mcpist_db_query_duration_seconds", "DB queries, waiting included.", querySeconds)
	m.inFlight = m.level("mcpist_in_flight", "Requests in flight now.")
	m.toolCalls = m.level("mcpist_tool_calls", "Tool calls that passed the gates, now.")
	m.queued = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "mcpist_queue_seconds", Help: "Wait that a request has to expect before its upstream (measured).",
	})
	m.registry.MustRegister(m.queued)
	m.gauge("mcpist_memory_bytes", "Memory resident.", nil, resident)
	m.gauge("mcpist_goroutines", "Goroutines.", nil, func() int64 { return int64(runtime.NumGoroutine()) })
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.reset()
	return m
}

func (m *metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	made := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.add(made, func() {
		made.Reset()
		if len(labels) == 0 {
			made.WithLabelValues() // shown from the start
		}
	})
	return made
}

func (m *metrics) histogram(name, help string, buckets []float64) *prometheus.HistogramVec {
	made := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, nil)
	m.add(made, func() { made.Reset(); made.WithLabelValues() })
	return made
}

func (m *metrics) add(one prometheus.Collector, reset func()) {
	m.registry.MustRegister(one)
	m.resets = append(m.resets, reset)
}

// gauge is read when it is scraped.
func (m *metrics) gauge(name, help string, labels prometheus.Labels, read func() int64) {
	options := prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}
	m.registry.MustRegister(prometheus.NewGaugeFunc(options, func() float64 { return float64(read()) }))
}

// reset zeroes counters and histograms, and starts the peaks anew. What was got of a vector by its labels before counts
// for nothing after it.
func (m *metrics) reset() {
	for _, one := range m.resets {
		one()
	}
}

// level is how many there are now, and were at most since reset.
type level struct{ now, peak atomic.Int64 }

func (m *metrics) level(name, help string) *level {
	made := &level{}
	m.gauge(name, help, nil, made.now.Load)
	m.gauge(name+"_peak", "Most since reset.", nil, made.peak.Load)
	m.resets = append(m.resets, func() { made.peak.Store(made.now.Load()) })
	return made
}

// enter counts one in; what it gives counts it out.
func (l *level) enter() (leave func()) {
	now := l.now.Add(1)
	for old := l.peak.Load(); now > old && !l.peak.CompareAndSwap(old, now); {
		old = l.peak.Load()
	}
	return func() { l.now.Add(-1) }
}

// begin counts a request in; what it gives counts the answer.
func (m *metrics) begin() func(*http.Request, int) {
	began, leave := time.Now(), m.inFlight.enter()
	return func(r *http.Request, status int) {
		leave()
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

// resident is in bytes.
func resident() int64 {
	var size, pages int64
	text, _ := os.ReadFile("/proc/self/statm")
	fmt.Sscan(string(text), &size, &pages)
	return pages * int64(os.Getpagesize())
}
