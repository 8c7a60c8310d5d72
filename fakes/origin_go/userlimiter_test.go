package main

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
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

func TestWhatIsKeptAndWhatBlocks(t *testing.T) {
	for limiter, kept := range map[string]int64{asWritten: 3, "mended": 0} {
		synctest.Test(t, func(t *testing.T) {
			users := newGates()
			var calls sync.WaitGroup
			var ended atomic.Int64
			for _, user := range []string{"ann", "bob", "eve"} {
				about := limited(2, limiter)
				about.user = user
				var over []release
				for range 3 { // the third is refused; as written it takes another call's place
					if left, err := users.admit(about, "notion"); err == nil {
						over = append(over, left)
					}
				}
				for _, left := range over {
					calls.Go(func() { left(succeeded); ended.Add(1) })
				}
			}
			synctest.Wait()
			found := []int64{users.users.peak(), users.users.kept(limiter == asWritten), users.users.blocked()}
			if blocked := kept; !slices.Equal(found, []int64{2, kept, blocked}) {
				t.Errorf("%s: %d at once, %d kept, %d blocked", limiter, found[0], found[1], found[2])
			}
			users.forget()
			synctest.Wait()
			if ended.Load() != 6 {
				t.Errorf("%s: %d of 6 calls have ended", limiter, ended.Load())
			}
			again := []int64{users.users.peak(), users.users.kept(limiter == asWritten), users.users.blocked()}
			if !slices.Equal(again, []int64{0, 0, 0}) {
				t.Errorf("%s: after a reset %v", limiter, again)
			}
			calls.Wait()
		})
	}
}

func TestAnotherLimitLetsGoOfThoseThatBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users, about := newGates(), limited(1, asWritten)
		left, _ := users.admit(about, "notion")
		users.admit(about, "notion") // refused: it takes the first one's place
		over := make(chan struct{})
		go func() { left(succeeded); close(over) }()
		synctest.Wait()
		users.admit(limited(2, asWritten), "notion")
		<-over
	})
}

func TestWhatBlockedIsNoCallOfTheNextRun(t *testing.T) {
	o := &origin{
		metrics: newMetrics(), shedding: &loadShedding{}, limiter: &rateLimit{now: wall}, gates: newGates(),
		usage: &usage{}, caller: &caller{client: newClient(), sessions: newSessions(nil, nil)},
	}
	about := limited(1, asWritten)
	left, _ := o.gates.admit(about, "notion")
	o.gates.admit(about, "notion") // refused: it takes the first one's place
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer o.metrics.inFlight.enter()()
		left(succeeded)
	}()
	for o.gates.users.blocked() == 0 {
		runtime.Gosched()
	}
	o.forget()
	<-over
	if got := o.metrics.inFlight.peak.Load(); got != 0 {
		t.Fatal("at most at once since the reset:", got)
	}
}

func TestAPermitOutlivesAResetAndAnothersCode(t *testing.T) {
	users := newGates()
	first, _ := users.admit(limited(1, "mended"), "notion")
	users.forget()
	if _, err := users.admit(limited(1, "mended"), "notion"); err == nil {
		t.Fatal("a reset gave a permit away")
	}
	first(succeeded)
	if left, err := users.admit(limited(1, "mended"), "notion"); err != nil {
		t.Fatal(err)
	} else {
		left(succeeded)
	}
	if users.users.kept(false) != 0 {
		t.Fatal("who has no call is kept")
	}
}

// What a user costs for good who called once: a channel of 50 places and an entry of the map.
func BenchmarkUserKept(b *testing.B) {
	users := newGates()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	about := limited(50, asWritten)
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
