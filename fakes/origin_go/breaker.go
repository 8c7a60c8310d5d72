package main

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

var (
	errFailed    = errors.New("the upstream failed")
	errAbandoned = errors.New("the call ended before the upstream could tell")
)

// breakerSettings say when a breaker opens and for how long.
type breakerSettings struct {
	BreakerFailures int     `json:"breaker_failures"`
	BreakerWindow   seconds `json:"breaker_window"`
	BreakerOpen     seconds `json:"breaker_open"`
	BreakerProbes   uint32  `json:"breaker_probes"`
}

// breakerOf names the breaker of an upstream under some settings; other ones have another breaker.
type breakerOf struct {
	upstream string
	settings breakerSettings
}

// breaker is gobreaker's for one upstream.
//
// gobreaker counts failures by intervals of its own and forgets the calls that began before the last one: with
// an interval of 10 s it never hears of a call that waited 30 s for a stalled upstream. So it is given no
// interval, and the window is held here: n failures in a row, the first of them within it.
type breaker struct {
	*gobreaker.TwoStepCircuitBreaker[struct{}]
	settings breakerSettings
	probes   atomic.Int64 // Unix nanoseconds: from when on an open one lets a probe in
	failures []time.Time  // of those in a row; touched under gobreaker's own lock alone
}

func newBreaker(s breakerSettings) *breaker {
	made := &breaker{settings: s}
	made.TwoStepCircuitBreaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:   s.BreakerProbes,
		Timeout:       s.BreakerOpen.span(),
		IsExcluded:    func(err error) bool { return errors.Is(err, errAbandoned) },
		ReadyToTrip:   func(counts gobreaker.Counts) bool { return made.trips(int(counts.ConsecutiveFailures)) },
		OnStateChange: func(string, gobreaker.State, gobreaker.State) { made.changed() },
	})
	return made
}

func (b *breaker) trips(inARow int) bool {
	now := time.Now()
	b.failures = append(b.failures, now)
	if extra := len(b.failures) - min(inARow, b.settings.BreakerFailures); extra > 0 {
		b.failures = b.failures[extra:]
	}
	return len(b.failures) >= b.settings.BreakerFailures &&
		now.Sub(b.failures[0]) <= b.settings.BreakerWindow.span()
}

func (b *breaker) changed() {
	b.failures = nil
	b.probes.Store(time.Now().Add(b.settings.BreakerOpen.span()).UnixNano())
}

// breaker is made at first sight.
func (g *gates) breaker(upstream string, s breakerSettings) *breaker {
	found, there := g.breakers.Load(breakerOf{upstream, s})
	if !there {
		found, _ = g.breakers.LoadOrStore(breakerOf{upstream, s}, newBreaker(s))
	}
	return found.(*breaker)
}

func (g *gates) enterBreaker(about *callContext, upstream string) (release, error) {
	found := g.breaker(upstream, about.snap.settings.Origin.breakerSettings)
	done, err := found.Allow()
	switch {
	case errors.Is(err, gobreaker.ErrTooManyRequests):
		return nil, &refusal{reason: "breaker_open", message: "the upstream is being tried", retryAfter: 1}
	case err != nil:
		left := time.Until(time.Unix(0, found.probes.Load())).Seconds()
		return nil, &refusal{reason: "breaker_open", message: "the upstream keeps failing", retryAfter: max(left, 0.001)}
	}
	evidence := map[ended]error{failedCall: errFailed, abandoned: errAbandoned, notAsked: errAbandoned}
	return func(how ended) { done(evidence[how]) }, nil
}
