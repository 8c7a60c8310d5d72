package main

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestASessionIsItsUsersAloneAndLostOnce(t *testing.T) {
	m := newMetrics()
	all := newSessions(nil, m)
	made, err := all.open(t.Context(), "ann", false)
	if err != nil || all.count() != 1 {
		t.Fatal(err, all.count())
	}
	for _, row := range []struct {
		id, user     string
		code, status int
	}{
		{made.id, "ann", 0, 0}, {made.id, "bob", sessionGone, 404}, {"none", "ann", sessionGone, 404},
		{"none", "ann", sessionGone, 404}, {"", "ann", noSession, 400},
	} {
		found, err := all.find(t.Context(), headers(sessionHeader, row.id), row.user, false)
		var told *rpcError
		if errors.As(err, &told) != (row.code != 0) || told != nil && (told.code != row.code || told.status != row.status) {
			t.Error(row, err)
		}
		if err == nil && found != made {
			t.Error(row)
		}
	}
	if lost := counterOf(t, m, `mcpist_sessions_total{event="lost"}`); lost != 1 {
		t.Error(lost, "lost")
	}
	all.close(t.Context(), made, false)
	if made.ctx.Err() == nil || all.count() != 0 {
		t.Error("it goes on")
	}
}

func TestAnothersUseOfASharedSessionLeavesItToItsUser(t *testing.T) {
	m := newMetrics()
	all, table := newSessions(nil, m), map[string]string{}
	made, _ := all.open(t.Context(), "ann", false)
	table[made.id] = "ann"
	for _, row := range []struct {
		id, user string
		want     *session
	}{
		{made.id, "bob", nil}, {made.id, "ann", made}, {"none", "ann", nil}, {"none", "bob", nil},
	} {
		if found, err := all.known(row.id, row.user, table[row.id], true); found != row.want || (err == nil) != (found != nil) {
			t.Error(row, found, err)
		}
	}
	table["elsewhere"] = "ann"
	if _, err := all.known("elsewhere", "bob", "ann", true); err == nil || all.count() != 1 {
		t.Error(err, all.count())
	}
	if found, err := all.known("elsewhere", "ann", "ann", true); err != nil || found.user != "ann" || all.count() != 2 {
		t.Error(found, err, all.count())
	}
	lost := `mcpist_sessions_total{event="lost"}`
	if counted := counterOf(t, m, lost); counted != 1 {
		t.Error(counted, "lost")
	}
	delete(table, made.id)
	if _, err := all.known(made.id, "ann", "", true); err == nil || all.count() != 1 || counterOf(t, m, lost) != 2 {
		t.Error(err, all.count())
	}
}

func TestWhoLeavesASessionsCallLeavesItToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMetrics()
		c := &tasks{metrics: m, since: time.Now()}
		own := newSession("s", "ann")
		begin := func(within *session, id any) (*task, context.CancelFunc) {
			caller, leave := context.WithCancel(t.Context())
			return c.begin(caller, within, id, func(ctx context.Context) *reply {
				select {
				case <-time.After(10 * time.Second):
					return result(id, "done")
				case <-ctx.Done():
					return nil
				}
			}), leave
		}
		gone := func(one *task) *reply {
			left, leave := context.WithCancel(t.Context())
			leave()
			return c.outlive(left, one, 1.0)
		}
		first, _ := begin(own, 1.0)
		second, _ := begin(own, "two")
		alone, leave := begin(nil, 3.0)
		time.Sleep(time.Second)
		leave()
		if gone(first) != nil {
			t.Error("nobody is there to be answered")
		}
		own.cancelCall(json.RawMessage(`"two"`))
		if gone(second) != nil {
			t.Error("one that is told to stop does not go on without its caller")
		}
		own.cancelCall(json.RawMessage(`{"no":"id"}`))
		if told := c.outlive(t.Context(), second, "two"); text(t, told.body) !=
			`{"error":{"code":-32800,"message":"Request cancelled"},"id":"two","jsonrpc":"2.0"}` {
			t.Error(text(t, told.body))
		}
		<-alone.over
		time.Sleep(2 * time.Second)
		if seconds := c.seconds(); seconds != 2 {
			t.Error(seconds, "s until now")
		}
		<-first.over
		time.Sleep(time.Second)
		if first.made == nil || c.seconds() != 9 {
			t.Error(first.made, c.seconds())
		}
		if c.leave(first); c.seconds() != 9 {
			t.Error("one that is over is no orphan")
		}
		for kind, want := range map[string]float64{"stopped": 2, "went-on": 1} {
			if counted := counterOf(t, m, `mcpist_caller_left_total{call="`+kind+`"}`); counted != want {
				t.Error(kind, counted)
			}
		}
		if len(own.calls) != 0 {
			t.Error(own.calls)
		}
	})
}
