package main

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
)

// limited is a call of user u under a limit, past the plan's code as written or mended.
func limited(limit int, limiter string) *callContext {
	return call(func(s *settings) {
		s.Origin.UserConcurrency, s.Origin.UserLimiter = limit, limiter
	}, "user-concurrency")
}

func TestTheThirdOfTwoGetsInAsWritten(t *testing.T) {
	for limiter, most := range map[string]int{"as-written": 4, "mended": 2} {
		users, through := newGates(), 0
		for range 6 { // as written the third and the fifth are refused, and let the fourth and the sixth in
			if _, err := users.admit(limited(2, limiter), "notion"); err == nil {
				through++
			}
		}
		if through != most {
			t.Fatalf("%s: %d of 6 got in", limiter, through)
		}
	}
}

func TestAReleaseTooManyBlocksUntilALaterCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users, about := newGates(), limited(1, "as-written")
		left, _ := users.admit(about, "notion")
		users.admit(about, "notion") // refused: it takes the first one's place
		over := make(chan struct{})
		go func() { left(succeeded); close(over) }()
		synctest.Wait()
		select {
		case <-over:
			t.Fatal("a place was there")
		default:
		}
		users.admit(about, "notion")
		synctest.Wait()
		select {
		case <-over:
		default:
			t.Fatal("a later call brings one")
		}
	})
}

// What a user costs for good who called once: a channel of 50 places and an entry of the map.
func BenchmarkUserKept(b *testing.B) {
	users := newGates()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	about := limited(50, "mended")
	for i := range b.N {
		about.user = fmt.Sprintf("00000000-0000-0000-0000-%012d", i)
		left, _ := users.admit(about, "notion")
		left(succeeded)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N), "B/user")
	runtime.KeepAlive(users)
}
