package main

import (
	"container/list"
	"sync"
	"time"
)

// queue is the requests that were taken up and have not gone to their upstream yet. Where the CPU is full they wait
// there: between their steps, and for a connection to the database, as who holds one waits for the CPU.
type queue struct {
	turn    sync.Mutex
	waiting list.List // of time.Time: since when
}

// place is a request's own in it.
type place struct {
	in *queue
	at *list.Element
}

func (q *queue) enter() *place {
	q.turn.Lock()
	defer q.turn.Unlock()
	return &place{q, q.waiting.PushBack(time.Now())}
}

// begun gives the place up, once.
func (p *place) begun() {
	if p == nil {
		return
	}
	p.in.turn.Lock()
	defer p.in.turn.Unlock()
	p.in.waiting.Remove(p.at)
}

// delay is how long the first in the queue has waited: at least so long will the next.
func (q *queue) delay() time.Duration {
	q.turn.Lock()
	defer q.turn.Unlock()
	if first := q.waiting.Front(); first != nil {
		return time.Since(first.Value.(time.Time))
	}
	return 0
}
