// A small MCP origin on net/http, so that memory against goroutines can be measured on a real Go server.
//
//	go-origin -listen 127.0.0.1:0 -answer 3s [-upstream http://127.0.0.1:9000/v1/mcp]
//
// A tool call takes `answer`, or as long as the upstream takes, which is asked over net/http's own client.
// Prints its base URL as the first line. /metrics shows what Prometheus' Go client would: go_goroutines,
// process_resident_memory_bytes, process_cpu_seconds_total, and the heap's own figures.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

const resident = 1 // the field of /proc/self/statm, in pages

type request struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
}

type origin struct {
	answer   time.Duration
	upstream string
	client   http.Client
	inFlight int64
	peak     int64
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	answer := flag.Duration("answer", 3*time.Second, "how long a tool call takes")
	upstream := flag.String("upstream", "", "ask this URL instead of waiting")
	flag.Parse()
	transport := &http.Transport{MaxIdleConnsPerHost: 100_000, MaxIdleConns: 100_000}
	o := &origin{answer: *answer, upstream: *upstream, client: http.Client{Transport: transport}}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/mcp", o.mcp)
	mux.HandleFunc("/metrics", o.metrics)
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"status":"ok"}`) })
	log.Fatal(http.Serve(listener, mux))
}

func (o *origin) mcp(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var asked request
	if err != nil || json.Unmarshal(body, &asked) != nil {
		http.Error(w, `{"error":"not JSON-RPC"}`, http.StatusBadRequest)
		return
	}
	if len(asked.ID) == 0 {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	var result any
	switch asked.Method {
	case "initialize":
		info := map[string]string{"name": "go-origin", "version": "1"}
		result = map[string]any{"protocolVersion": "2025-03-26", "capabilities": map[string]any{}, "serverInfo": info}
	case "tools/list":
		result = map[string]any{"tools": []any{}}
	default:
		result = o.call(r, body)
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": asked.ID, "result": result})
}

func (o *origin) call(r *http.Request, body []byte) any {
	now := atomic.AddInt64(&o.inFlight, 1)
	defer atomic.AddInt64(&o.inFlight, -1)
	for peak := atomic.LoadInt64(&o.peak); now > peak && !atomic.CompareAndSwapInt64(&o.peak, peak, now); {
		peak = atomic.LoadInt64(&o.peak)
	}
	failed := !o.wait(r, body)
	content := []any{map[string]string{"type": "text", "text": "done"}}
	return map[string]any{"content": content, "isError": failed}
}

// wait for the tool; false if its upstream failed or the caller left.
func (o *origin) wait(r *http.Request, body []byte) bool {
	if o.upstream == "" {
		select {
		case <-time.After(o.answer):
			return true
		case <-r.Context().Done():
			return false
		}
	}
	asked, err := http.NewRequestWithContext(r.Context(), http.MethodPost, o.upstream, bytes.NewReader(body))
	if err != nil {
		return false
	}
	asked.Header.Set("Content-Type", "application/json")
	answer, err := o.client.Do(asked)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err == nil && answer.StatusCode == http.StatusOK
}

func (o *origin) metrics(w http.ResponseWriter, _ *http.Request) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	figure := func(name, kind string, value any) { fmt.Fprintf(w, "# TYPE %s %s\n%s %v\n", name, kind, name, value) }
	figure("go_goroutines", "gauge", runtime.NumGoroutine())
	figure("go_memstats_heap_alloc_bytes", "gauge", memory.HeapAlloc)
	figure("go_memstats_stack_inuse_bytes", "gauge", memory.StackInuse)
	figure("process_resident_memory_bytes", "gauge", residentBytes())
	figure("process_cpu_seconds_total", "counter", cpuSeconds())
	figure("mcpist_in_flight", "gauge", atomic.LoadInt64(&o.inFlight))
	figure("mcpist_in_flight_peak", "gauge", atomic.LoadInt64(&o.peak))
}

func residentBytes() int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var pages [2]int
	fmt.Sscan(string(text), &pages[0], &pages[resident])
	return pages[resident] * os.Getpagesize()
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}
