package main

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func reasonOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var refused *refusal
	if !errors.As(err, &refused) {
		t.Fatalf("no refusal: %v", err)
	}
	return refused.reason
}

// call is one of user u under the named protections; with lays its limits.
func call(with func(*settings), on ...string) *callContext {
	snap := &snapshot{on: map[string]bool{}, settings: &settings{}}
	for _, name := range on {
		snap.on[name] = true
	}
	with(snap.settings)
	return &callContext{user: "u", snap: snap}
}

func TestAUserHasSoManyPermitsAndGetsThemBack(t *testing.T) {
	users, limit := newGates(), func(limit int) *callContext {
		return call(func(s *settings) { s.Origin.UserConcurrency = limit }, "user-concurrency")
	}
	first, _ := users.admit(limit(2), "notion")
	if _, err := users.admit(limit(2), "jira"); err != nil {
		t.Fatal(err)
	}
	if _, err := users.admit(limit(2), "notion"); reasonOf(t, err) != "user_concurrency_exceeded" {
		t.Fatal(err)
	}
	other := limit(2)
	other.user = "other"
	if _, err := users.admit(other, "notion"); err != nil {
		t.Fatal(err)
	}
	first(succeeded)
	if _, err := users.admit(limit(2), "notion"); err != nil {
		t.Fatal("a permit was lost")
	}
	if _, err := users.admit(limit(2), "notion"); err == nil {
		t.Fatal("the same limit again must not forget who runs")
	}
	if _, err := users.admit(limit(3), "notion"); err != nil {
		t.Fatal("another limit begins anew")
	}
}

func TestARefusalByOneGateLeavesThoseBeforeIt(t *testing.T) {
	both, limits := newGates(), func(all int) *callContext {
		return call(func(s *settings) { s.Origin.UserConcurrency, s.Origin.GlobalConcurrency = 1, all },
			"user-concurrency", "global-concurrency")
	}
	if _, err := both.admit(limits(0), "notion"); reasonOf(t, err) != "global_concurrency_exceeded" {
		t.Fatal(err)
	}
	left, err := both.admit(limits(1), "notion")
	if err != nil {
		t.Fatal(err)
	}
	left(succeeded)
	if both.running != 0 {
		t.Fatal("a permit was lost")
	}
}

func TestAProtectionThatIsOffAdmits(t *testing.T) {
	if _, err := (newGates()).admit(call(func(*settings) {}), "notion"); err != nil {
		t.Fatal(err)
	}
}

func TestTheRateLimitCountsByWindowAndPlan(t *testing.T) {
	now := 90.0
	limiter := &rateLimit{now: func() float64 { return now }}
	limits := rateSettings{60, map[string]int{"free": 2, "unlimited": -1}}
	want := []decision{{true, 2, 1, 120, 30}, {true, 2, 0, 120, 30}, {false, 2, 0, 120, 30}}
	for i, one := range want {
		if got := limiter.take("u", "free", limits, true); got != one {
			t.Fatalf("request %d: %+v, not %+v", i+1, got, one)
		}
	}
	for _, tier := range []string{"unlimited", "nobody's"} {
		if got := limiter.take("u", tier, limits, true); !got.allowed || got.limit != -1 {
			t.Fatalf("%s: %+v", tier, got)
		}
	}
	if got := limiter.take("u", "free", limits, false); !got.allowed || got.limit != -1 {
		t.Fatalf("switched off: %+v", got)
	}
	now = 120
	if got := limiter.take("u", "free", limits, true); got.remaining != 1 {
		t.Fatalf("a new window: %+v", got)
	}
}

func TestWhatASyncTeachesAndWhatItDoesNot(t *testing.T) {
	now := 0.0
	limiter, limits := &rateLimit{now: func() float64 { return now }}, rateSettings{60, map[string]int{"free": 3}}
	limiter.take("u", "free", limits, true)
	index, users, counts := limiter.dirty(limits)
	if len(users) != 1 || counts[0] != 1 {
		t.Fatal(users, counts)
	}
	limiter.learn(index, users, counts, map[string]int{"u": 2})
	if limiter.take("u", "free", limits, true).allowed {
		t.Fatal("one here and two elsewhere are three")
	}
	if _, users, _ := limiter.dirty(limits); len(users) != 0 {
		t.Fatal("told once is enough")
	}
	now = 61
	limiter.dirty(limits)
	limiter.learn(index, users, counts, map[string]int{"u": 3})
	if !limiter.take("u", "free", limits, true).allowed {
		t.Fatal("a window that has passed teaches nothing")
	}
}

func TestTheBreakerOpensAndHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, limits := newGates(), breakerSettings{3, 10, 5, 1}
		about := call(func(s *settings) { s.Origin.breakerSettings = limits }, "breaker")
		state := func(upstream string) string { return all.breaker(upstream, limits).State().String() }
		call := func(how ended) error {
			left, err := all.admit(about, "notion")
			if err == nil {
				left(how)
			}
			return err
		}
		for _, how := range []ended{failedCall, failedCall, succeeded, failedCall, abandoned, failedCall} {
			if err := call(how); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(11 * time.Second)
		call(failedCall)
		if got := state("notion"); got != "closed" {
			t.Fatalf("the first failure of three was not within the window: %s", got)
		}
		call(failedCall)
		call(failedCall)
		if err := call(succeeded); reasonOf(t, err) != "breaker_open" {
			t.Fatal(err)
		}
		if got := state("jira"); got != "closed" {
			t.Fatalf("another upstream is not concerned: %s", got)
		}
		time.Sleep(5*time.Second + time.Millisecond)
		probe, err := all.admit(about, "notion")
		if err != nil {
			t.Fatal(err)
		}
		if err := call(succeeded); reasonOf(t, err) != "breaker_open" {
			t.Fatal("one probe at a time")
		}
		probe(abandoned)
		if err := call(succeeded); err != nil {
			t.Fatal("an abandoned probe's place is free again")
		}
		if got := state("notion"); got != "closed" {
			t.Fatal(got)
		}
	})
}

func TestACallThatItsUpstreamNeverHeardOfIsNoEvidence(t *testing.T) {
	all, limits := newGates(), breakerSettings{2, 10, 5, 1}
	about := call(func(s *settings) { s.Origin.breakerSettings = limits }, "breaker")
	for _, how := range []ended{failedCall, notAsked, failedCall} {
		left, err := all.admit(about, "notion")
		if err != nil {
			t.Fatal(err)
		}
		left(how)
	}
	if got := all.breaker("notion", limits).State().String(); got != "open" {
		t.Fatal(got)
	}
}

func TestACallThatWaitedLongerThanTheWindowIsEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, limits := newGates(), breakerSettings{2, 10, 5, 1}
		about := call(func(s *settings) { s.Origin.breakerSettings = limits }, "breaker")
		first, _ := all.admit(about, "notion")
		second, _ := all.admit(about, "notion")
		time.Sleep(30 * time.Second)
		first(failedCall)
		second(failedCall)
		if got := all.breaker("notion", limits).State().String(); got != "open" {
			t.Fatal(got)
		}
	})
}
