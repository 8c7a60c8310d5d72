package main

import (
	"encoding/json"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// queued is the wait that a scrape tells which came so long ago.
func queued(t *testing.T, o *origin, ago time.Duration) float64 {
	request := httptest.NewRequest("GET", "/metrics", nil)
	came := &stampedConn{}
	came.arrived.Store(time.Now().Add(-ago).UnixNano())
	request = request.WithContext(withConnection(request.Context(), came))
	page := httptest.NewRecorder()
	o.handler().ServeHTTP(page, request)
	for _, line := range strings.Split(page.Body.String(), "\n") {
		if value, is := strings.CutPrefix(line, "mcpist_queue_seconds "); is {
			told, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return told
		}
	}
	t.Fatal("no mcpist_queue_seconds")
	return 0
}

func TestTheStateTellsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &origin{metrics: newMetrics(), queue: &queue{}, control: newControl(&config{}, call(func(*settings) {}).snap)}
		o.queue.enter()
		time.Sleep(3 * time.Second)
		page := httptest.NewRecorder()
		o.handler().ServeHTTP(page, httptest.NewRequest("GET", "/_control/state", nil))
		said := map[string]any{}
		if err := json.Unmarshal(page.Body.Bytes(), &said); err != nil || said["cpu_queue_s"] != 3.0 {
			t.Fatal(said, err)
		}
	})
}

func TestAScrapeTellsTheWaitThatARequestHasToExpect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &origin{metrics: newMetrics(), queue: &queue{}}
		told := func(step string, ago time.Duration, want float64) {
			if got := queued(t, o, ago); got != want {
				t.Fatal(step, got, want)
			}
		}
		told("nobody waits", 0, 0)
		told("at the door alone", 2*time.Second, 2)
		first := o.queue.enter()
		time.Sleep(3 * time.Second)
		second := o.queue.enter()
		time.Sleep(time.Second)
		told("the first in the queue", 0, 4)
		told("both", 2*time.Second, 6)
		first.begun()
		told("the next one", 0, 1)
		second.begun()
		o.metrics.reset()
		told("all have gone", 0, 0)
	})
}
