package main

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func waiting(value string) http.Header { return http.Header{"X-Request-Timeout": {value}} }

func TestACallersTimeIsAPositiveNumberOfSecondsOrNothing(t *testing.T) {
	for value, want := range map[string]seconds{
		"2": 2, "0.5": 0.5, "0": 0, "-1": 0, "inf": 0, "nan": 0, "2 s": 0, "": 0, "1e400": 0, "1e300": seconds(forGood.Seconds()),
	} {
		if got := told(waiting(value)); math.Abs(float64(got-want)) > 0 {
			t.Errorf("%q: %g, not %g", value, got, want)
		}
	}
}

func TestWhatCouldNotEndInTimeIsNotBegun(t *testing.T) {
	two := waiting("2")
	if passes(two, 1790*ms, 0.2) || !passes(two, 1800*ms, 0.2) || passes(http.Header{}, 99*time.Second, 0.2) {
		t.Fatal("waited and margin are held against the caller's time")
	}
}

func TestACallEndsWithItsCallersTimeOrTheGateways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for _, one := range []struct {
			on      []string
			header  http.Header
			end     time.Duration // from now on; it came half a second ago
			within  seconds
			callers bool
		}{
			{nil, waiting("2"), 0, 0, false},
			{[]string{"deadline-propagation"}, http.Header{}, 0, 0, false},
			{[]string{"deadline-propagation"}, waiting("2"), 1500 * ms, 2, true},
			{[]string{"timeout"}, waiting("2"), 30 * time.Second, 30, false},
			{[]string{"timeout", "deadline-propagation"}, waiting("2"), 1500 * ms, 2, true},
			{[]string{"timeout", "deadline-propagation"}, waiting("60"), 30 * time.Second, 30, false},
		} {
			snap := call(func(s *settings) { s.Origin.Timeout = 30 }, one.on...).snap
			end, within, callers := snap.deadline(one.header, now.Add(-500*ms))
			if callers != one.callers || within != one.within || within > 0 && !end.Equal(now.Add(one.end)) {
				t.Errorf("%v %v: %s, %g, %t", one.on, one.header, end.Sub(now), within, callers)
			}
		}
	})
}

func TestACallersOwnDeadlineIsNoFailureOfTheUpstream(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	for callers, want := range map[bool]ended{false: failedCall, true: abandoned} {
		how, outcome := judged(ctx, &callContext{callersTime: callers}, nil, ctx.Err())
		if how != want || outcome != "abandoned" {
			t.Errorf("the caller's %t: %v, %s", callers, how, outcome)
		}
	}
}

func TestWhoIsTurnedAwayAtTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		snap := call(func(s *settings) {
			s.Protections.Deadline.Margin, s.Protections.Shedding = 0.2, bounds
		}, "deadline-propagation", "load-shedding").snap
		o := &origin{control: newControl(&config{}, snap), shedding: &loadShedding{}}
		asked := func(path string, header http.Header, waited time.Duration) string {
			r := httptest.NewRequest("POST", path, nil)
			r.Header = header
			if refused := o.turnedAway(r, waited); refused != nil {
				return refused.reason
			}
			return ""
		}
		if got := asked("/v1/mcp", waiting("2"), 1900*ms); got != "deadline_exceeded" {
			t.Error(got)
		}
		if got := asked("/v1/mcp", http.Header{}, 1900*ms); got != "" {
			t.Error(got)
		}
		time.Sleep(600 * ms)
		if got := asked("/v1/mcp", waiting("9"), 1900*ms); got != "load_shed" {
			t.Error(got)
		}
		if got := asked("/health", waiting("1"), 1900*ms); got != "" {
			t.Error(got)
		}
	})
}
