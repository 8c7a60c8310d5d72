package main

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// adapting is a call under the protection's usual settings, with another bound of the most.
func adapting(most float64) *callContext {
	return call(func(s *settings) {
		s.Protections.Adaptive = adaptiveSettings{Begin: 20, Least: 5, Most: most, Slow: 2, Backoff: 0.9}
	}, "adaptive-concurrency")
}

// rounds are so many rounds of as many calls as are let in; it gives the limit then.
func rounds(g *gates, most float64, count int, lasts time.Duration, how ended) float64 {
	for range count {
		lefts := []release{}
		for {
			left, err := g.admit(adapting(most), "notion")
			if err != nil {
				break
			}
			lefts = append(lefts, left)
		}
		time.Sleep(lasts)
		for _, left := range lefts {
			left(how)
		}
	}
	return g.adaptive.byUpstream["notion"].limit
}

func TestSuccessLiftsItByAboutOneARoundUpToTheMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGates()
		if got := rounds(g, 1000, 20, 3*time.Second, succeeded); math.Abs(got-30) > 2 { // half of each round lifts it
			t.Fatal(got)
		}
		if got := rounds(g, 25, 40, 3*time.Second, succeeded); got != 25 {
			t.Fatal(got)
		}
	})
}

func TestFailureLowersItOnceARoundDownToTheLeast(t *testing.T) {
	for _, how := range []ended{failedCall, abandoned} {
		synctest.Test(t, func(t *testing.T) {
			g := newGates()
			high := rounds(g, 1000, 5, 3*time.Second, succeeded)
			if got := rounds(g, 1000, 1, 3*time.Second, how); math.Abs(got-0.9*high) > 1e-9 {
				t.Fatal(got, high)
			}
			if got := rounds(g, 1000, 60, 3*time.Second, how); got != 5 {
				t.Fatal(got)
			}
		})
	}
}

// What a later gate or the charge refuses never reached the upstream: nothing is learnt of it.
func TestACallThatItsUpstreamNeverHeardOfTeachesNothing(t *testing.T) {
	g, about := newGates(), adapting(1000)
	s := *about.snap
	s.faults = []fault{{"fault": "db-down"}}
	down, m := newControl(&config{}, &s), newMetrics()
	c := &caller{gates: g, metrics: m, credits: &credits{&database{control: down, metrics: m}, down, m}}
	for range 20 {
		if _, err := c.called(t.Context(), about, command{Module: "notion"}, "r"); reasonOf(t, err) != "db_error" {
			t.Fatal(err)
		}
	}
	untouched := func(by string) {
		if got := *g.adaptive.byUpstream["notion"]; got.limit != 20 || got.running != 0 {
			t.Fatalf("refused by %s: %+v", by, got)
		}
	}
	untouched("the charge")
	about.snap.on["breaker"], about.snap.settings.Origin.breakerSettings = true, breakerSettings{1, 10, 5, 1}
	first, _ := g.admit(about, "notion")
	first(failedCall)
	g.adaptive.forget()
	for range 20 {
		if _, err := g.admit(about, "notion"); reasonOf(t, err) != "breaker_open" {
			t.Fatal(err)
		}
	}
	untouched("a later gate")
}

func TestSlownessLowersItToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGates()
		high := rounds(g, 1000, 10, time.Second, succeeded)
		if got := rounds(g, 1000, 1, 2500*time.Millisecond, succeeded); got >= 0.95*high { // once; then that is usual
			t.Fatal(got, high)
		}
	})
}

func TestWhereLittleOfItIsUsedItDoesNotGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGates()
		for range 200 {
			left, err := g.admit(adapting(1000), "notion")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			left(succeeded)
		}
		if got := g.adaptive.byUpstream["notion"].limit; got != 20 {
			t.Fatal(got)
		}
		var err error
		for range 21 {
			_, err = g.admit(adapting(1000), "notion")
		}
		if reasonOf(t, err) != "adaptive_concurrency_exceeded" {
			t.Fatal(err)
		}
	})
}

func TestUpstreamsDoNotShareItAndItBeginsAnew(t *testing.T) {
	g := newGates()
	enter := func(upstream string) release {
		left, err := g.admit(adapting(1000), upstream)
		if err != nil {
			t.Fatal(err)
		}
		return left
	}
	for range 20 {
		enter("notion")
	}
	left := enter("jira")
	g.forget()
	enter("notion")
	left(succeeded)
	if got := g.adaptive.byUpstream["notion"].running; got != 1 {
		t.Fatal(got)
	}
}
