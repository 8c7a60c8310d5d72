package main

import (
	"fmt"
	"math"
	"sync"
	"time"
)

const (
	firstGuess = 1.0 // seconds that a call lasts, before any was seen
	lastCall   = 0.2 // its weight in what they last
)

// fairSettings: calls at once, the share of them that nobody is refused below, and seconds.
type fairSettings struct {
	Limit float64 `json:"limit"`
	Spare float64 `json:"spare"`
	Burst float64 `json:"burst"`
}

// fairQueue gives each user a fair share of the calls at once: limit ÷ the users who asked within the last burst
// seconds. A share is a bucket of call seconds that fills at that rate and holds burst seconds of it: a call takes
// as many as its upstream's calls last, and settles the difference when it is over. Above spare of the limit, the
// fuller that is the fuller a bucket has to be. Nobody waits.
type fairQueue struct {
	turn    sync.Mutex
	running float64
	lasts   map[string]float64   // seconds that a call of an upstream lasts
	left    map[string]float64   // call seconds of a user
	asked   map[string]time.Time // when a user asked last
	swept   time.Time
}

// forget loses all accounts; permits stay.
func (f *fairQueue) forget() {
	f.turn.Lock()
	defer f.turn.Unlock()
	f.lasts, f.left, f.asked = map[string]float64{}, map[string]float64{}, map[string]time.Time{}
	f.swept = time.Now()
}

// share is the calls at once that a user may have on average.
func (f *fairQueue) share(own fairSettings) float64 { return own.Limit / float64(max(len(f.asked), 1)) }

func (g *gates) enterFair(about *callContext, upstream string) (release, error) {
	f, own, user, began := g.fair, about.snap.settings.Protections.Fair, about.user, time.Now()
	f.turn.Lock()
	defer f.turn.Unlock()
	f.refill(user, began, own)
	if f.running >= own.Limit || f.left[user] < f.needed(own) {
		message := fmt.Sprintf("a share is %.1f calls", f.share(own))
		return nil, &refusal{reason: "fair_share_exceeded", message: message, retryAfter: 1}
	}
	paid, seen := f.lasts[upstream]
	if !seen {
		paid = firstGuess
	}
	f.left[user] -= paid
	f.running++
	return func(how ended) { f.leave(user, upstream, paid, time.Since(began).Seconds(), how) }, nil
}

// needed is the call seconds that a user must have left to be let in now.
func (f *fairQueue) needed(own fairSettings) float64 {
	taken := f.running / own.Limit
	if taken < own.Spare {
		return math.Inf(-1)
	}
	return (taken - own.Spare) / (1 - own.Spare) * own.Burst * f.share(own)
}

// leave gives the permit back, and settles what the call really took.
func (f *fairQueue) leave(user, upstream string, paid, took float64, how ended) {
	f.turn.Lock()
	defer f.turn.Unlock()
	f.running--
	if _, known := f.left[user]; known {
		f.left[user] += paid - took
	}
	if how == succeeded {
		before, seen := f.lasts[upstream]
		if !seen {
			before = took
		}
		f.lasts[upstream] = before + lastCall*(took-before)
	}
}

// refill brings the user's call seconds up to now; one who is new begins with half of what a bucket holds.
func (f *fairQueue) refill(user string, now time.Time, own fairSettings) {
	f.sweep(now, own)
	before, known := f.asked[user]
	f.asked[user] = now
	share := f.share(own)
	if !known {
		before, f.left[user] = now, own.Burst*share/2
	}
	f.left[user] = min(f.left[user]+now.Sub(before).Seconds()*share, own.Burst*share)
}

// sweep forgets who has not asked for burst seconds; once a second.
func (f *fairQueue) sweep(now time.Time, own fairSettings) {
	if now.Sub(f.swept) < time.Second {
		return
	}
	f.swept = now
	for user, asked := range f.asked {
		if now.Sub(asked).Seconds() > own.Burst {
			delete(f.asked, user)
			delete(f.left, user)
		}
	}
}
