package main

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

func asWritten(limit int) *userConcurrency {
	users := &userConcurrency{}
	users.configure(limit)
	users.write(true)
	return users
}

func TestTheThirdOfTwoGetsInAsWritten(t *testing.T) {
	users := asWritten(2)
	through := 0
	for range 6 {
		if _, err := users.enter("u", "notion"); err == nil {
			through++
		}
	}
	if through != 4 { // the third and the fifth are refused, and let the fourth and the sixth in
		t.Fatalf("%d of 6 got in", through)
	}
	users.write(false)
	through = 0
	for range 6 {
		if _, err := users.enter("u", "notion"); err == nil {
			through++
		}
	}
	if through != 2 {
		t.Fatalf("%d of 6 got in past the mended one", through)
	}
}

func TestAReleaseTooManyBlocksUntilALaterCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := asWritten(1)
		left, _ := users.enter("u", "notion")
		users.enter("u", "notion") // refused: it takes the first one's place
		over := make(chan struct{})
		go func() { left(succeeded); close(over) }()
		synctest.Wait()
		select {
		case <-over:
			t.Fatal("a place was there")
		default:
		}
		users.enter("u", "notion")
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
	users := &userConcurrency{limit: 50, running: &sync.Map{}}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range b.N {
		left, _ := users.enter(fmt.Sprintf("00000000-0000-0000-0000-%012d", i), "notion")
		left(succeeded)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N), "B/user")
	runtime.KeepAlive(users)
}
