package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

const resident = 1 // the field of /proc/self/statm, in pages

// now are the gauges that are read when they are scraped.
type now struct{ origin *origin }

// Describe names none: the breakers' upstreams come from the settings, which may change.
func (n now) Describe(chan<- *prometheus.Desc) {}

func (n now) Collect(out chan<- prometheus.Metric) {
	o := n.origin
	used, idle, waiting := o.db.counts()
	gauge(out, "mcpist_in_flight", "Requests in flight now.", o.metrics.inFlight.Load())
	gauge(out, "mcpist_in_flight_peak", "Most in flight since reset.", o.metrics.peak.Load())
	gauge(out, "mcpist_tool_calls", "Tool calls that passed the gates, now.", o.caller.running.Load())
	gauge(out, "mcpist_tool_calls_peak", "Most since reset.", o.caller.peak.Load())
	gauge(out, "mcpist_memory_bytes", "Memory resident.", memory())
	gauge(out, "mcpist_goroutines", "Goroutines.", int64(runtime.NumGoroutine()))
	for state, count := range map[string]int64{"used": used, "idle": idle, "waiting": waiting} {
		gauge(out, "mcpist_db_connections", "DB connections.", count, "state", state)
	}
	for upstream := range o.control.snapshot().settings.Upstreams {
		state := o.gates.breakers.state(upstream)
		for _, one := range states {
			is := int64(0)
			if one == state {
				is = 1
			}
			gauge(out, "mcpist_breaker_state", "State of a breaker.", is, "upstream", upstream, "state", one)
		}
	}
}

// gauge tells one value; labels are names and values in turn.
func gauge(out chan<- prometheus.Metric, name, help string, value int64, labels ...string) {
	pairs := prometheus.Labels{}
	for i := 0; i < len(labels); i += 2 {
		pairs[labels[i]] = labels[i+1]
	}
	out <- prometheus.MustNewConstMetric(
		prometheus.NewDesc(name, help, nil, pairs), prometheus.GaugeValue, float64(value))
}

func memory() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[resident], 10, 64)
	return pages * int64(os.Getpagesize())
}
