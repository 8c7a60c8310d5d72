package main

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnotherSpanCountsFromWhereItsTurnBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		put := func(span seconds) *snapshot { return call(func(s *settings) { s.Origin.RateSync = span }).snap }
		first := put(600)
		first.replaced = make(chan struct{})
		o := &origin{control: newControl(&config{}, first)}
		o.control.changed = func(*snapshot) {}
		began, turns := time.Now(), []seconds{}
		go o.every(func(s *settings) seconds { return s.Origin.RateSync }, func(context.Context) {
			if turns = append(turns, seconds(time.Since(began).Seconds())); len(turns) == 3 {
				runtime.Goexit()
			}
		})
		for _, step := range []struct{ wait, span seconds }{
			{50, 600}, // what does not concern it
			{50, 60},  // it is over since 40 s
			{30, 60},
			{40, 600}, // 10 s after the second
		} {
			time.Sleep(step.wait.span())
			o.control.swap(put(step.span))
		}
		time.Sleep(1000 * time.Second)
		if !slices.Equal(turns, []seconds{100, 160, 760}) {
			t.Fatal(turns)
		}
	})
}
