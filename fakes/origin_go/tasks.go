package main

import (
	"context"
	"sync"
	"time"
)

// task is the work for one request, beside who waits for it.
type task struct {
	ctx    context.Context // done once it is over, or told to stop
	stop   context.CancelFunc
	over   chan struct{}
	within *session // nil for none
	made   *reply   // nil where it was stopped; to be read once it is over
	orphan bool     // its caller left, and it goes on
}

// tasks count those whose caller left before the answer, and for how long they went on without him.
type tasks struct {
	metrics *metrics
	turn    sync.Mutex
	since   time.Time
	orphans int
	sum     float64 // seconds from since on to the ends of orphans, less those to the beginnings
}

// begin starts one: in a session it ends with that, else with ctx.
func (t *tasks) begin(ctx context.Context, within *session, id any, work func(context.Context) *reply) *task {
	if within != nil {
		ctx = within.ctx
	}
	ctx, stop := context.WithCancel(ctx)
	one := &task{ctx: ctx, stop: stop, over: make(chan struct{}), within: within}
	if within != nil {
		within.enter(id, one)
	}
	go func() {
		one.made = work(ctx)
		stop()
		t.end(one)
		if within != nil {
			within.leave(id, one)
		}
	}()
	return one
}

// wait is the answer to work that ends with its caller; nil where he left.
func (t *tasks) wait(caller context.Context, work func(context.Context) *reply) *reply {
	made := work(caller)
	if made == nil {
		t.stopped()
	}
	return made
}

// outlive is the answer to a task that its caller may leave without ending it; nil where he did.
func (t *tasks) outlive(caller context.Context, one *task, id any) *reply {
	select {
	case <-one.over:
	case <-caller.Done():
		t.leave(one)
		return nil
	}
	if one.made == nil { // the caller said so, and waits all the same
		return (&rpcError{code: cancelled, message: "Request cancelled"}).answer(id)
	}
	return one.made
}

// leave is for a task whose caller left: in a session it goes on without him.
func (t *tasks) leave(one *task) {
	if one.within == nil {
		one.stop()
		return
	}
	t.turn.Lock()
	defer t.turn.Unlock()
	if one.ctx.Err() != nil {
		return
	}
	t.metrics.callerLeft.WithLabelValues("went-on").Inc()
	one.orphan = true
	t.orphans++
	t.sum -= time.Since(t.since).Seconds()
}

func (t *tasks) end(one *task) {
	t.turn.Lock()
	defer t.turn.Unlock()
	close(one.over)
	switch {
	case one.orphan:
		t.orphans--
		t.sum += time.Since(t.since).Seconds()
	case one.made == nil:
		t.stopped()
	}
}

// stopped counts a task that ended with its caller.
func (t *tasks) stopped() { t.metrics.callerLeft.WithLabelValues("stopped").Inc() }

// seconds is how long tasks went on without their callers, those under way up to now.
func (t *tasks) seconds() float64 {
	t.turn.Lock()
	defer t.turn.Unlock()
	return t.sum + float64(t.orphans)*time.Since(t.since).Seconds()
}
