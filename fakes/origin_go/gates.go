package main

import (
	"fmt"
	"sync"
)

// ended is how the upstream did in a call; abandoned: the call ended before it could tell; notAsked: it never heard of
// the call.
type ended int

const (
	abandoned ended = iota
	succeeded
	failedCall
	notAsked
)

// release gives a permit back; it is called exactly once.
type release func(ended)

// gates are the protections of a tool call. They exist all the time, so that one which is switched off and on
// again still counts the calls that it admitted before; limits are those of the call's snapshot.
type gates struct {
	users    *userLimiter
	turn     sync.Mutex
	running  int
	fair     *fairQueue
	adaptive *adaptive
	breakers sync.Map // breakerOf → *breaker
}

func newGates() *gates {
	made := &gates{users: newUserLimiter(), fair: &fairQueue{}, adaptive: &adaptive{}}
	made.forget()
	return made
}

// forget forgets what was learnt, but not the permits of calls in flight.
func (g *gates) forget() {
	g.users.forget()
	g.fair.forget()
	g.adaptive.forget()
	g.breakers.Clear()
}

// order is theirs: each admits a call to an upstream, or gives a *refusal.
var order = []struct {
	protection string
	enter      func(g *gates, about *callContext, upstream string) (release, error)
}{
	{"user-concurrency", (*gates).enterUser},
	{"global-concurrency", (*gates).enterAll},
	{"fair-queue", (*gates).enterFair},
	{"adaptive-concurrency", (*gates).enterAdaptive},
	{"breaker", (*gates).enterBreaker},
}

// admit enters the gates in force; a refusal by one leaves those before it.
func (g *gates) admit(about *callContext, upstream string) (release, error) {
	entered := make([]release, 0, len(order))
	leaveAll := func(how ended) {
		for i := len(entered) - 1; i >= 0; i-- {
			entered[i](how)
		}
	}
	for _, one := range order {
		if !about.snap.on[one.protection] {
			continue
		}
		left, err := one.enter(g, about, upstream)
		if err != nil {
			leaveAll(notAsked)
			return nil, err
		}
		entered = append(entered, left)
	}
	return leaveAll, nil
}

// enterUser is one count for each user.
func (g *gates) enterUser(about *callContext, _ string) (release, error) {
	s := about.snap.settings.Origin
	return g.users.enter(about.user, s.UserConcurrency, s.UserLimiter == asWritten)
}

// enterAll is one count for the whole process.
func (g *gates) enterAll(about *callContext, _ string) (release, error) {
	g.turn.Lock()
	defer g.turn.Unlock()
	if limit := about.snap.settings.Origin.GlobalConcurrency; g.running >= limit {
		message := fmt.Sprintf("%d calls are running", limit)
		return nil, &refusal{reason: "global_concurrency_exceeded", message: message, retryAfter: 1}
	}
	g.running++
	return func(ended) { g.turn.Lock(); g.running--; g.turn.Unlock() }, nil
}
