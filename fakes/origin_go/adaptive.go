package main

import (
	"fmt"
	"sync"
	"time"
)

const lastSuccess = 0.05 // its weight in the usual time

// adaptiveSettings: calls at once, but slow: times the usual time, and backoff: a share.
type adaptiveSettings struct {
	Begin   float64 `json:"begin"`
	Least   float64 `json:"least"`
	Most    float64 `json:"most"`
	Slow    float64 `json:"slow"`
	Backoff float64 `json:"backoff"`
}

// adaptive is a limit on the calls at once to each upstream, which finds its own height: a success in time lifts it by
// 1 ÷ limit where at least half of it is used; a failure, an upstream that the call did not wait for to its end, or an
// answer that took more than slow times the usual, lowers it to backoff of it, once in the usual time at most.
type adaptive struct {
	turn       sync.Mutex
	byUpstream map[string]*upstreamLimit
}

type upstreamLimit struct {
	limit   float64
	running int
	usual   float64 // seconds; 0 before any success
	lowered time.Time
}

// forget begins anew; calls in flight leave the limits that they entered.
func (a *adaptive) forget() {
	a.turn.Lock()
	defer a.turn.Unlock()
	a.byUpstream = map[string]*upstreamLimit{}
}

func (g *gates) enterAdaptive(about *callContext, upstream string) (release, error) {
	a, own, began := g.adaptive, about.snap.settings.Protections.Adaptive, time.Now()
	a.turn.Lock()
	defer a.turn.Unlock()
	limit, seen := a.byUpstream[upstream]
	if !seen {
		limit = &upstreamLimit{limit: own.Begin}
		a.byUpstream[upstream] = limit
	}
	if limit.running >= int(limit.limit) {
		message := fmt.Sprintf("%d calls of %s are running", limit.running, upstream)
		return nil, &refusal{reason: "adaptive_concurrency_exceeded", message: message, retryAfter: 1}
	}
	limit.running++
	return func(how ended) {
		a.turn.Lock()
		defer a.turn.Unlock()
		limit.leave(time.Now(), time.Since(began).Seconds(), own, how)
	}, nil
}

// leave gives the permit back, and learns from how many seconds the call took.
func (l *upstreamLimit) leave(now time.Time, took float64, own adaptiveSettings, how ended) {
	if how == notAsked {
		l.running--
		return
	}
	usual := l.usual
	if usual == 0 {
		usual = took
	}
	switch {
	case how == succeeded && took <= own.Slow*usual:
		if float64(l.running) >= l.limit/2 {
			l.limit = min(l.limit+1/l.limit, own.Most)
		}
	case now.Sub(l.lowered).Seconds() >= l.usual:
		l.limit, l.lowered = max(l.limit*own.Backoff, own.Least), now
	}
	if how == succeeded {
		l.usual = usual + lastSuccess*(took-usual)
	}
	l.running--
}
