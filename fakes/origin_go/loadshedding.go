package main

import (
	"sync"
	"time"
)

// sheddingSettings are its bounds. A refusal costs what it costs: `cost` is the model's.
type sheddingSettings struct {
	Target   seconds `json:"target"`
	Interval seconds `json:"interval"`
}

// loadShedding turns requests away at the door by the wait before them, as CoDel does: waits longer than target for
// interval on end are a standing queue, no burst. From then on whoever would wait longer is refused, until one comes
// that would not.
type loadShedding struct {
	turn  sync.Mutex
	above time.Time // since when waits were too long; zero: they are not
}

func (l *loadShedding) forget() {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.above = time.Time{}
}

// admits says whether a request may come in that waits so long: it did, and the first in the queue does.
func (l *loadShedding) admits(wait time.Duration, own sheddingSettings) bool {
	l.turn.Lock()
	defer l.turn.Unlock()
	if wait <= own.Target.span() {
		l.above = time.Time{}
		return true
	}
	if l.above.IsZero() {
		l.above = time.Now()
	}
	return time.Since(l.above) < own.Interval.span()
}
