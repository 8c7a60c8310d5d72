package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	comment = ": keep-alive\n\n"
	resume  = 3000 // milliseconds that a client of the legacy era waits before it resumes a stream
)

// stream sends the body of an answer piece by piece, until it has all, or its client left.
type stream func(left context.Context, send func(string) error)

// streams are those that stand open for the server's messages: one event at once, then a comment line every so often,
// until the client leaves or the session ends. A tool list does not change, so there is nothing else to be told.
type streams struct {
	numbers     atomic.Int64
	get, listen standing
}

// standing are the streams of one kind.
type standing struct {
	open   atomic.Int64
	opened func()
}

func newStreams(m *metrics) *streams {
	made := &streams{}
	counted := m.counter("mcpist_streams_total", "Standing streams opened.", "kind")
	for kind, one := range map[string]*standing{"get": &made.get, "listen": &made.listen} {
		one.opened = func() { counted.WithLabelValues(kind).Inc() }
		m.gauge("mcpist_streams_open", "Standing streams now.", prometheus.Labels{"kind": kind}, one.open.Load)
	}
	return made
}

// ofSession is the stream of a legacy session.
func (s *streams) ofSession(own *session, keepAlive seconds) *reply {
	first := fmt.Sprintf("id: %d\nretry: %d\ndata: \n\n", s.numbers.Add(1), resume)
	return s.get.reply(first, keepAlive, own.ctx.Done())
}

// subscribed is the stream of a modern subscription, acknowledged first. No kind of notice is ever sent.
func (s *streams) subscribed(id any, keepAlive seconds) *reply {
	about := map[string]any{subscriptionKey: fmt.Sprint(id)}
	first := event(notification("notifications/subscriptions/acknowledged",
		map[string]any{"notifications": map[string]any{}, "_meta": about}))
	return s.listen.reply(first, keepAlive, nil)
}

func (s *standing) reply(first string, keepAlive seconds, over <-chan struct{}) *reply {
	return &reply{status: http.StatusOK, stream: func(left context.Context, send func(string) error) {
		s.opened()
		s.open.Add(1)
		defer s.open.Add(-1)
		for next := first; send(next) == nil; next = comment {
			select {
			case <-time.After(keepAlive.span()):
			case <-over:
				return
			case <-left.Done():
				return
			}
		}
	}}
}

// withProgress is the answer of a call with its progress before it, at once and every so often. gone is told that the
// reader left before the end.
func withProgress(one *task, about json.RawMessage, every seconds, gone func(*task)) *reply {
	return &reply{status: http.StatusOK, stream: func(left context.Context, send func(string) error) {
		for told := 0; ; told++ {
			wait := every.span()
			if told == 0 {
				wait = 0
			}
			select {
			case <-one.over:
				if one.made != nil {
					send(event(one.made.body))
				}
				return
			case <-left.Done():
				gone(one)
				return
			case <-time.After(wait):
				send(event(notification("notifications/progress", map[string]any{"progressToken": about, "progress": told})))
			}
		}
	}}
}

// progressToken is what a request's progress is to be told under; nil where it asks for none.
func (asked *request) progressToken() json.RawMessage {
	if about := asked.meta()["progressToken"]; string(about) != "null" {
		return about
	}
	return nil
}

func notification(method string, params any) any {
	return map[string]any{"jsonrpc": "2.0", "method": method, "params": params}
}

// event is a message as one of a stream.
func event(message any) string {
	text, _ := json.Marshal(message)
	return fmt.Sprintf("event: message\ndata: %s\n\n", text)
}
