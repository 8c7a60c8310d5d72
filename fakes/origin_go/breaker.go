package main

import (
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

var (
	errFailed    = errors.New("the upstream failed")
	errAbandoned = errors.New("the call ended before the upstream could tell")
)

// breakers is a gobreaker an upstream, made at first sight. Other limits begin with new ones.
//
// gobreaker counts failures by intervals of its own and forgets the calls that began before the last one: with
// an interval of 10 s it never hears of a call that waited 30 s for a stalled upstream. So it is given no
// interval, and the window is held here: n failures in a row, the first of them within it.
type breakers struct {
	mutex      sync.Mutex
	limits     breakerLimits
	byUpstream map[string]*breaker
}

type breaker struct {
	*gobreaker.TwoStepCircuitBreaker[struct{}]
	openFor  time.Duration
	mutex    sync.Mutex
	opened   time.Time
	failures []time.Time // of those in a row; touched under gobreaker's own lock alone
}

func (b *breakers) configure(limits breakerLimits) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.byUpstream == nil || limits != b.limits {
		b.limits, b.byUpstream = limits, map[string]*breaker{}
	}
}

func (b *breakers) forget() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.byUpstream = map[string]*breaker{}
}

func (b *breakers) enter(_, upstream string) (release, error) {
	return b.of(upstream).enter()
}

// state is closed, open or half-open.
func (b *breakers) state(upstream string) string {
	b.mutex.Lock()
	found := b.byUpstream[upstream]
	b.mutex.Unlock()
	if found == nil {
		return gobreaker.StateClosed.String()
	}
	return found.State().String()
}

func (b *breakers) of(upstream string) *breaker {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	found := b.byUpstream[upstream]
	if found == nil {
		found = newBreaker(b.limits)
		b.byUpstream[upstream] = found
	}
	return found
}

func newBreaker(limits breakerLimits) *breaker {
	made := &breaker{openFor: limits.openFor}
	made.TwoStepCircuitBreaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:   limits.probes,
		Timeout:       limits.openFor,
		IsExcluded:    func(err error) bool { return errors.Is(err, errAbandoned) },
		ReadyToTrip:   func(counts gobreaker.Counts) bool { return made.trips(counts, limits) },
		OnStateChange: func(_ string, _, to gobreaker.State) { made.changed(to) },
	})
	return made
}

func (b *breaker) trips(counts gobreaker.Counts, limits breakerLimits) bool {
	now, inARow := time.Now(), int(counts.ConsecutiveFailures)
	b.failures = append(b.failures, now)
	if extra := len(b.failures) - min(inARow, limits.failures); extra > 0 {
		b.failures = b.failures[extra:]
	}
	return len(b.failures) >= limits.failures && now.Sub(b.failures[0]) <= limits.window
}

func (b *breaker) changed(to gobreaker.State) {
	b.failures = nil
	if to == gobreaker.StateOpen {
		b.mutex.Lock()
		b.opened = time.Now()
		b.mutex.Unlock()
	}
}

func (b *breaker) enter() (release, error) {
	done, err := b.Allow()
	switch {
	case errors.Is(err, gobreaker.ErrTooManyRequests):
		return nil, &refusal{reason: "breaker_open", message: "the upstream is being tried", retryAfter: 1}
	case err != nil:
		b.mutex.Lock()
		left := b.openFor - time.Since(b.opened)
		b.mutex.Unlock()
		message := "the upstream keeps failing"
		return nil, &refusal{reason: "breaker_open", message: message, retryAfter: max(left.Seconds(), 0.001)}
	}
	return func(how ended) { done(map[ended]error{failedCall: errFailed, abandoned: errAbandoned}[how]) }, nil
}
