package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// keptAnswers is what all origins know.
type keptAnswers struct {
	turn sync.Mutex
	by   map[string]*toolResult
}

func (k *keptAnswers) find(_ context.Context, key string, _ seconds) (*toolResult, error) {
	k.turn.Lock()
	defer k.turn.Unlock()
	return k.by[key], nil
}

func (k *keptAnswers) remember(_ context.Context, key string, answer *toolResult) {
	k.turn.Lock()
	defer k.turn.Unlock()
	k.by[key] = answer
}

// onceRig is an origin whose work waits for going, and is counted.
type onceRig struct {
	*idempotency
	done, replays int
	fails         error
	going         chan struct{}
}

func newOnceRig(store *keptAnswers) *onceRig {
	made := &onceRig{going: make(chan struct{})}
	made.idempotency = newIdempotency(store, func() { made.replays++ })
	return made
}

// ask is one call with a key: what it was answered, and `repeat` where another did it.
func (o *onceRig) ask(ctx context.Context, key string) string {
	said, err := o.once(ctx, key, 600, func() {}, func() (*toolResult, error) {
		select {
		case <-o.going:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if o.fails != nil {
			return nil, o.fails
		}
		o.done++
		return &toolResult{200, fmt.Sprint("answer ", o.done), 1}, nil
	})
	switch {
	case err != nil:
		return err.Error()
	case said.upstreamMS < 0:
		return said.text + " repeat"
	}
	return said.text
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("%q, not %q", got, want)
	}
}

func TestARepeatGetsTheAnswerThatTheFirstWasGivenAtEitherOrigin(t *testing.T) {
	store := &keptAnswers{by: map[string]*toolResult{}}
	here, there := newOnceRig(store), newOnceRig(store)
	close(here.going)
	expect(t, here.ask(t.Context(), "k"), "answer 1")
	expect(t, here.ask(t.Context(), "k"), "answer 1 repeat")
	expect(t, there.ask(t.Context(), "k"), "answer 1 repeat")
	if here.done != 1 || there.done != 0 || here.replays != 1 || there.replays != 1 {
		t.Fatal(here.done, there.done, here.replays, there.replays)
	}
	expect(t, here.ask(t.Context(), "another"), "answer 2")
	if len(here.idempotency.going) != 0 {
		t.Fatal("calls that are over are kept")
	}
}

// both begin two calls of one key, the second once the first is under way.
func (o *onceRig) both(first context.Context) (one, two chan string) {
	one, two = make(chan string, 1), make(chan string, 1)
	go func() { one <- o.ask(first, "k") }()
	synctest.Wait()
	go func() { two <- o.ask(context.Background(), "k") }()
	synctest.Wait()
	return one, two
}

func TestARepeatWaitsForTheFirstThatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := newOnceRig(&keptAnswers{by: map[string]*toolResult{}})
		one, two := rig.both(t.Context())
		if len(two) != 0 {
			t.Fatal("it did not wait")
		}
		close(rig.going)
		expect(t, <-one, "answer 1")
		expect(t, <-two, "answer 1 repeat")
	})
}

func TestARepeatThatWaitsForAnUpstreamIsNotInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, waiting := &firstCall{over: make(chan struct{})}, &queue{}
		c := &caller{memory: newIdempotency(&keptAnswers{}, func() {})}
		c.memory.going["k"] = first
		about := call(func(*settings) {}, "idempotency")
		about.once, about.place = true, waiting.enter()
		said := make(chan *toolResult)
		go func() { answer, _ := c.call(t.Context(), about, command{}, "k"); said <- answer }()
		time.Sleep(3 * time.Second)
		if got := waiting.delay(); got != 0 {
			t.Error("who comes next has to expect", got)
		}
		first.answer = &toolResult{200, "answer 1", 1}
		close(first.over)
		expect(t, (<-said).text, "answer 1")
	})
}

func TestARepeatThatWaitedForOneWhoseCallerLeftDoesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := newOnceRig(&keptAnswers{by: map[string]*toolResult{}})
		first, leave := context.WithCancel(t.Context())
		one, two := rig.both(first)
		leave()
		expect(t, <-one, "context canceled")
		close(rig.going)
		expect(t, <-two, "answer 1")
	})
}

func TestARepeatWhoseCallerLeavesWaitsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := newOnceRig(&keptAnswers{by: map[string]*toolResult{}})
		one, _ := rig.both(t.Context())
		gone, leave := context.WithCancel(t.Context())
		leave()
		expect(t, rig.ask(gone, "k"), "context canceled")
		close(rig.going)
		expect(t, <-one, "answer 1")
	})
}

func TestWhatFailedIsNoAnswer(t *testing.T) {
	rig := newOnceRig(&keptAnswers{by: map[string]*toolResult{}})
	close(rig.going)
	rig.fails = errors.New("upstream_error")
	expect(t, rig.ask(t.Context(), "k"), "upstream_error")
	rig.fails = nil
	expect(t, rig.ask(t.Context(), "k"), "answer 1")
}

func TestWhatHasAKeyIsChargedUnderItWhereTheProtectionIsOn(t *testing.T) {
	header := func(key string) http.Header {
		return http.Header{"X-Request-Id": {"edge-1"}, "Idempotency-Key": {key}}
	}
	on, off := call(func(*settings) {}, "idempotency").snap, call(func(*settings) {}).snap
	for _, one := range []struct {
		snap *snapshot
		key  string
		want callContext
	}{
		{on, "k", callContext{user: "u", requestID: "u/k", snap: on, intent: "k", once: true}},
		{off, "k", callContext{user: "u", requestID: "edge-1", snap: off, intent: "k"}},
		{on, "", callContext{user: "u", requestID: "edge-1", snap: on}},
		{on, strings.Repeat("x", 201), callContext{user: "u", requestID: "edge-1", snap: on}},
	} {
		if got := one.snap.about("u", header(one.key)); *got != one.want {
			t.Errorf("%q: %+v", one.key, got)
		}
	}
	if got := off.about("u", http.Header{}); len(got.requestID) != 32 {
		t.Error("a request without an id gets one: ", got.requestID)
	}
}
