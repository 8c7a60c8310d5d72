package main

import (
	"fmt"
	"sync"
	"time"
)

// ended is how the upstream did in a call; abandoned: the call ended before it could tell.
type ended int

const (
	abandoned ended = iota
	succeeded
	failedCall
)

// release gives a permit back; it is called exactly once.
type release func(ended)

// gate admits a call of a user to an upstream, or gives a *refusal.
type gate interface {
	enter(user, upstream string) (release, error)
}

// gates are all of an origin. They exist all the time, so that one which is switched off and on again still
// counts the calls that it admitted before.
type gates struct {
	users    userConcurrency
	all      globalConcurrency
	breakers breakers
}

// inForce are the gates of a call, in their order, by the protections of its snapshot.
func (g *gates) inForce(snap *snapshot) []gate {
	chosen := make([]gate, 0, 3)
	if snap.on["user-concurrency"] {
		chosen = append(chosen, &g.users)
	}
	if snap.on["global-concurrency"] {
		chosen = append(chosen, &g.all)
	}
	if snap.on["breaker"] {
		chosen = append(chosen, &g.breakers)
	}
	return chosen
}

// admit enters the gates in order; a refusal by one leaves those before it.
func admit(gates []gate, user, upstream string) (release, error) {
	entered := make([]release, 0, len(gates))
	leaveAll := func(how ended) {
		for i := len(entered) - 1; i >= 0; i-- {
			entered[i](how)
		}
	}
	for _, one := range gates {
		left, err := one.enter(user, upstream)
		if err != nil {
			leaveAll(abandoned)
			return nil, err
		}
		entered = append(entered, left)
	}
	return leaveAll, nil
}

// userConcurrency is the plan's limiter: a buffered channel a user, in a sync.Map. A user's channel stays for
// good, as in the plan's code. Another limit begins with new channels.
type userConcurrency struct {
	mutex     sync.Mutex
	limit     int
	running   *sync.Map
	asWritten bool // see user_limiter.go
}

func (u *userConcurrency) configure(limit int) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if limit != u.limit {
		u.limit, u.running = limit, &sync.Map{}
	}
}

func (u *userConcurrency) enter(user, _ string) (release, error) {
	u.mutex.Lock()
	limit, running, asWritten := u.limit, u.running, u.asWritten
	u.mutex.Unlock()
	found, _ := running.LoadOrStore(user, make(chan struct{}, limit))
	permits := found.(chan struct{})
	select {
	case permits <- struct{}{}:
		return func(ended) { <-permits }, nil
	default:
		if asWritten {
			<-permits
		}
		message := fmt.Sprintf("%d calls of this user are running", limit)
		return nil, &refusal{reason: "user_concurrency_exceeded", message: message, retryAfter: 1}
	}
}

// globalConcurrency is one count for the whole process.
type globalConcurrency struct {
	mutex          sync.Mutex
	limit, running int
}

func (g *globalConcurrency) configure(limit int) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.limit = limit
}

func (g *globalConcurrency) enter(_, _ string) (release, error) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.running >= g.limit {
		message := fmt.Sprintf("%d calls are running", g.limit)
		return nil, &refusal{reason: "global_concurrency_exceeded", message: message, retryAfter: 1}
	}
	g.running++
	return func(ended) { g.mutex.Lock(); g.running--; g.mutex.Unlock() }, nil
}

// breakerLimits say when to open and for how long.
type breakerLimits struct {
	failures        int
	window, openFor time.Duration
	probes          uint32
}

func limitsOf(s *settings) breakerLimits {
	o := s.Origin
	return breakerLimits{o.BreakerFailures, o.BreakerWindow.span(), o.BreakerOpen.span(), o.BreakerProbes}
}
