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

func TestAUserHasSoManyPermitsAndGetsThemBack(t *testing.T) {
	users := &userConcurrency{}
	users.configure(2)
	first, _ := users.enter("u", "notion")
	if _, err := users.enter("u", "jira"); err != nil {
		t.Fatal(err)
	}
	if _, err := users.enter("u", "notion"); reasonOf(t, err) != "user_concurrency_exceeded" {
		t.Fatal(err)
	}
	if _, err := users.enter("other", "notion"); err != nil {
		t.Fatal(err)
	}
	first(succeeded)
	users.configure(2)
	if _, err := users.enter("u", "notion"); err != nil {
		t.Fatal("a permit was lost")
	}
	if _, err := users.enter("u", "notion"); err == nil {
		t.Fatal("the same limit again must not forget who runs")
	}
	users.configure(3)
	if _, err := users.enter("u", "notion"); err != nil {
		t.Fatal("another limit begins anew")
	}
}

func TestARefusalByOneGateLeavesThoseBeforeIt(t *testing.T) {
	users, all := &userConcurrency{}, &globalConcurrency{}
	users.configure(1)
	all.configure(0)
	if _, err := admit([]gate{users, all}, "u", "notion"); reasonOf(t, err) != "global_concurrency_exceeded" {
		t.Fatal(err)
	}
	all.configure(1)
	left, err := admit([]gate{users, all}, "u", "notion")
	if err != nil {
		t.Fatal(err)
	}
	left(succeeded)
	if all.running != 0 {
		t.Fatal("a permit was lost")
	}
}

func TestTheRateLimitCountsByWindowAndPlan(t *testing.T) {
	now := 90.0
	limiter := newRateLimit(func() float64 { return now })
	limiter.configure(60, map[string]int{"free": 2, "unlimited": -1})
	want := []decision{{true, 2, 1, 120, 30}, {true, 2, 0, 120, 30}, {false, 2, 0, 120, 30}}
	for i, one := range want {
		if got := limiter.take("u", "free", true); got != one {
			t.Fatalf("request %d: %+v, not %+v", i+1, got, one)
		}
	}
	for _, tier := range []string{"unlimited", "nobody's"} {
		if got := limiter.take("u", tier, true); !got.allowed || got.limit != -1 {
			t.Fatalf("%s: %+v", tier, got)
		}
	}
	if got := limiter.take("u", "free", false); !got.allowed || got.limit != -1 {
		t.Fatalf("switched off: %+v", got)
	}
	now = 120
	if got := limiter.take("u", "free", true); got.remaining != 1 {
		t.Fatalf("a new window: %+v", got)
	}
}

func TestWhatASyncTeachesAndWhatItDoesNot(t *testing.T) {
	now := 0.0
	limiter := newRateLimit(func() float64 { return now })
	limiter.configure(60, map[string]int{"free": 3})
	limiter.take("u", "free", true)
	index, users, counts := limiter.dirty()
	if len(users) != 1 || counts[0] != 1 {
		t.Fatal(users, counts)
	}
	limiter.learn(index, users, counts, map[string]int{"u": 2})
	if limiter.take("u", "free", true).allowed {
		t.Fatal("one here and two elsewhere are three")
	}
	if _, users, _ := limiter.dirty(); len(users) != 0 {
		t.Fatal("told once is enough")
	}
	now = 61
	limiter.dirty()
	limiter.learn(index, users, counts, map[string]int{"u": 3})
	if !limiter.take("u", "free", true).allowed {
		t.Fatal("a window that has passed teaches nothing")
	}
}

func TestTheBreakerOpensAndHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := &breakers{}
		all.configure(breakerLimits{failures: 3, window: 10 * time.Second, openFor: 5 * time.Second, probes: 1})
		call := func(how ended) error {
			left, err := all.enter("u", "notion")
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
		if got := all.state("notion"); got != "closed" {
			t.Fatalf("the first failure of three was not within the window: %s", got)
		}
		call(failedCall)
		call(failedCall)
		if err := call(succeeded); reasonOf(t, err) != "breaker_open" {
			t.Fatal(err)
		}
		if got := all.state("jira"); got != "closed" {
			t.Fatalf("another upstream is not concerned: %s", got)
		}
		time.Sleep(5*time.Second + time.Millisecond)
		probe, err := all.enter("u", "notion")
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
		if got := all.state("notion"); got != "closed" {
			t.Fatal(got)
		}
	})
}

func TestACallThatWaitedLongerThanTheWindowIsEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := &breakers{}
		all.configure(breakerLimits{failures: 2, window: 10 * time.Second, openFor: 5 * time.Second, probes: 1})
		first, _ := all.enter("u", "notion")
		second, _ := all.enter("u", "notion")
		time.Sleep(30 * time.Second)
		first(failedCall)
		second(failedCall)
		if got := all.state("notion"); got != "open" {
			t.Fatal(got)
		}
	})
}
