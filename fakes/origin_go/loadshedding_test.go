package main

import (
	"testing"
	"testing/synctest"
	"time"
)

const ms = time.Millisecond

var bounds = sheddingSettings{Target: 0.2, Interval: 0.5}

func TestABurstPassesAndAStandingQueueDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shedding := &loadShedding{}
		for _, step := range []struct {
			pause, waited time.Duration
			admitted      bool
		}{
			{0, 3000 * ms, true},
			{400 * ms, 3000 * ms, true},
			{200 * ms, 210 * ms, false},
			{0, 200 * ms, true}, // it is no standing one any more
			{9000 * ms, 3000 * ms, true},
		} {
			time.Sleep(step.pause)
			if got := shedding.admits(step.waited, bounds); got != step.admitted {
				t.Fatal(step, got)
			}
		}
	})
}

func TestWhatWasLearntOfTheQueueIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shedding := &loadShedding{}
		shedding.admits(3*time.Second, bounds)
		time.Sleep(time.Second)
		shedding.forget()
		if !shedding.admits(3*time.Second, bounds) {
			t.Fatal("it remembers")
		}
	})
}

// A processor that bears 50 requests a second, and refuses ten times as many, gets 200 for 20 s: one queue.
func TestUnderFourTimesTheLoadTheQueueStaysNearTheTargetAndTheProcessorIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shedding, began, waits := &loadShedding{}, time.Now(), []time.Duration{}
		for n := range 200 * 20 {
			came := began.Add(time.Duration(n) * 5 * ms)
			time.Sleep(time.Until(came))
			if waited := time.Since(came); shedding.admits(waited, bounds) {
				waits = append(waits, waited)
				time.Sleep(20 * ms)
			} else {
				time.Sleep(2 * ms)
			}
		}
		longest := time.Duration(0)
		for _, one := range waits {
			longest = max(longest, one)
		}
		if longest > time.Second || len(waits) < 20*25 {
			t.Fatal(longest, len(waits))
		}
	})
}

func TestTheQueueIsAsLongAsItsFirstHasWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := &queue{}
		expect := func(want time.Duration) {
			t.Helper()
			if got := waiting.delay(); got != want {
				t.Fatalf("%s, not %s", got, want)
			}
		}
		expect(0)
		first := waiting.enter()
		time.Sleep(300 * ms)
		second := waiting.enter()
		time.Sleep(200 * ms)
		expect(500 * ms)
		first.begun()
		first.begun() // as where a call that went to its upstream ends
		expect(200 * ms)
		second.begun()
		expect(0)
		(*place)(nil).begun()
	})
}
