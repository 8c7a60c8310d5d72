package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// asWritten is the user_limiter that takes the plan's own code in place of ours.
const asWritten = "as-written"

// userLimiter is `user-concurrency`: at most n tool calls of one user run at once; the next is refused. Mended it is
// a count a user, and a user without a call takes no memory; as written it is the plan's (userChannels).
type userLimiter struct {
	turn     sync.Mutex
	running  map[string]int // calls by user, whoever limits them
	most     int            // of one user since reset
	channels *userChannels  // the plan's, nil until its code counts
}

func newUserLimiter() *userLimiter { return &userLimiter{running: map[string]int{}} }

// enter takes one of the user's permits; a *refusal when all are out.
func (l *userLimiter) enter(user string, limit int, asWritten bool) (release, error) {
	if asWritten {
		return l.enterAsWritten(user, limit)
	}
	l.turn.Lock()
	defer l.turn.Unlock()
	if l.running[user] >= limit {
		return nil, tooMany(limit)
	}
	l.begin(user)
	return func(ended) { l.end(user) }, nil
}

// enterAsWritten goes by the plan's code: `defer Release(user)` stands before Acquire is asked, so a refused call's
// Release takes another call's place, and there are as many Releases too many as refusals.
func (l *userLimiter) enterAsWritten(user string, limit int) (release, error) {
	channels := l.channelsOf(limit)
	found, _ := channels.byUser.LoadOrStore(user, make(chan struct{}, limit))
	places := found.(chan struct{})
	select {
	case places <- struct{}{}:
	default:
		channels.release(places)
		return nil, tooMany(limit)
	}
	l.turn.Lock()
	defer l.turn.Unlock()
	l.begin(user)
	return func(ended) { l.end(user); channels.release(places) }, nil
}

func (l *userLimiter) channelsOf(limit int) *userChannels {
	l.turn.Lock()
	defer l.turn.Unlock()
	if l.channels == nil || l.channels.places != limit {
		l.channels.end()
		l.channels = &userChannels{places: limit, over: make(chan struct{})}
	}
	return l.channels
}

func (l *userLimiter) begin(user string) {
	l.running[user]++
	l.most = max(l.most, l.running[user])
}

func (l *userLimiter) end(user string) {
	l.turn.Lock()
	defer l.turn.Unlock()
	if l.running[user]--; l.running[user] == 0 {
		delete(l.running, user)
	}
}

// forget lets the peak begin anew, and the plan's channels, whose blocked calls end; permits stay.
func (l *userLimiter) forget() {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.channels.end()
	l.channels, l.most = nil, 0
	for _, n := range l.running {
		l.most = max(l.most, n)
	}
}

// kept counts users of whom the code in force keeps something.
func (l *userLimiter) kept(asWritten bool) int64 {
	l.turn.Lock()
	defer l.turn.Unlock()
	if !asWritten {
		return int64(len(l.running))
	}
	var users int64
	if l.channels != nil {
		l.channels.byUser.Range(func(_, _ any) bool { users++; return true })
	}
	return users
}

// blocked counts calls that are over and wait to give their place back.
func (l *userLimiter) blocked() int64 {
	l.turn.Lock()
	defer l.turn.Unlock()
	if l.channels == nil {
		return 0
	}
	return l.channels.blocked.Load()
}

// peak is the most of one user at once since reset.
func (l *userLimiter) peak() int64 {
	l.turn.Lock()
	defer l.turn.Unlock()
	return int64(l.most)
}

// userChannels is a buffered channel for every user that ever called, with a place for each call that may run.
type userChannels struct {
	places  int
	byUser  sync.Map // user → chan struct{}
	blocked atomic.Int64
	over    chan struct{} // closed once others count in place of these
}

// end lets go of those that are blocked: no later call could bring them a place. nil has none.
func (c *userChannels) end() {
	if c != nil {
		close(c.over)
	}
}

// release takes a place out; where there is none it waits for the next that is taken, whoever's it is.
func (c *userChannels) release(places chan struct{}) {
	select {
	case <-places:
		return
	default:
	}
	c.blocked.Add(1)
	defer c.blocked.Add(-1)
	select {
	case <-places:
	case <-c.over:
	}
}

func tooMany(limit int) *refusal {
	message := fmt.Sprintf("%d calls of this user are running", limit)
	return &refusal{reason: "user_concurrency_exceeded", message: message, retryAfter: 1}
}
