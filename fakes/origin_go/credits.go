package main

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/jackc/pgx/v5"
)

const (
	charge = "SELECT mcpist.charge($1, $2, $3, $4, $5, $6, $7, nullif($8, ''))"
	record = `
INSERT INTO mcpist.usage (request_id, user_id, module, tool, outcome, duration_ms, instance, intent)
SELECT request_id, user_id, module, tool, outcome, duration_ms, instance, nullif(intent, '') FROM json_to_recordset($1::json) AS row (
	request_id text, user_id text, module text, tool text, outcome text, duration_ms real, instance text,
	intent text)
ON CONFLICT DO NOTHING`
	cost    = 1
	holding = 30.0    // seconds that db-hold holds a transaction, unless it says so
	keep    = 100_000 // usage rows kept while the database is away
)

// credits takes one credit a call: quota, balance and transaction in one round trip, once a request id.
type credits struct {
	db      *database
	control *control
	metrics *metrics
}

func (c *credits) charge(ctx context.Context, about *callContext, id string) error {
	var said string
	s := &about.snap.settings.Database
	err := c.db.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		hold := c.hold() // asked now, so that those that waited for a connection hold nothing
		row := conn.QueryRow(ctx, charge, about.user, id, cost, about.snap.origin, s.Credits, s.Quota, hold,
			about.intent)
		return row.Scan(&said)
	})
	switch {
	case err != nil:
		return err
	case said == "charged":
		c.metrics.consumed.WithLabelValues().Add(cost)
	case said == "quota":
		return &refusal{reason: "quota_exceeded"}
	case said == "credits":
		return &refusal{reason: "insufficient_credits"}
	}
	return nil
}

// hold is in seconds: how long a transaction that begins now must last.
func (c *credits) hold() float64 {
	found := c.control.saw("db-hold")
	if found == nil {
		return 0
	}
	if given, isNumber := found["seconds"].(float64); isNumber {
		return given
	}
	return holding
}

// usageRow is a call that came to an end.
type usageRow struct {
	RequestID    string  `json:"request_id"`
	User         string  `json:"user_id"`
	Module       string  `json:"module"`
	Tool         string  `json:"tool"`
	Outcome      string  `json:"outcome"`
	Milliseconds float64 `json:"duration_ms"`
	Instance     string  `json:"instance"`
	Intent       string  `json:"intent"` // the key that the call brought, "" without one
}

// usage gathers rows and writes them in batches.
type usage struct {
	db      *database
	metrics *metrics
	mutex   sync.Mutex
	rows    []usageRow
}

func (u *usage) add(row usageRow) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if len(u.rows) >= keep {
		u.metrics.dropped.WithLabelValues().Inc()
		return
	}
	u.rows = append(u.rows, row)
}

// take gives what was gathered, and begins anew.
func (u *usage) take() []usageRow {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	rows := u.rows
	u.rows = nil
	return rows
}

// flush writes what was gathered; rows that could not be written are tried again.
func (u *usage) flush(ctx context.Context) {
	rows := u.take()
	if len(rows) == 0 {
		return
	}
	text, _ := json.Marshal(rows)
	err := u.db.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, record, string(text))
		return err
	})
	if err != nil {
		u.mutex.Lock()
		defer u.mutex.Unlock()
		u.rows = append(rows, u.rows...)
	}
}
