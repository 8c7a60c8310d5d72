package main

import (
	"context"
	"sync"
	"sync/atomic"
)

const (
	charge = "SELECT mcpist.charge($1, $2, $3, $4, $5, $6, $7)"
	record = `
INSERT INTO mcpist.usage (request_id, user_id, module, tool, outcome, duration_ms, instance)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::real[], $7::text[])
ON CONFLICT DO NOTHING`
	cost = 1
	keep = 100_000 // usage rows kept while the database is away
)

// credits takes one credit a call: quota, balance and transaction in one round trip, once a request id.
type credits struct {
	db      *database
	origin  string
	metrics *metrics
	hold    atomic.Value // float64: seconds that each transaction holds, as a fault
	holds   func()       // told of each that does
}

func (c *credits) charge(ctx context.Context, user, id string, s *databaseSettings) error {
	var said string
	err := c.db.ask(ctx, func(ctx context.Context, conn connection) error {
		hold := c.hold.Load().(float64) // asked now, so that those that waited for a connection hold nothing
		if hold > 0 {
			c.holds()
		}
		return conn.QueryRow(ctx, charge, user, id, cost, c.origin, s.Credits, s.Quota, hold).Scan(&said)
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

// usage gathers the rows of calls that came to an end, by column, and writes them in batches.
type usage struct {
	db       *database
	metrics  *metrics
	mutex    sync.Mutex
	texts    [6][]string // request, user, module, tool, outcome, instance
	duration []float32   // milliseconds
}

func (u *usage) add(milliseconds float64, texts ...string) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if len(u.duration) >= keep {
		u.metrics.dropped.WithLabelValues().Inc()
		return
	}
	for i, text := range texts {
		u.texts[i] = append(u.texts[i], text)
	}
	u.duration = append(u.duration, float32(milliseconds))
}

func (u *usage) forget() {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.texts, u.duration = [6][]string{}, nil
}

// flush writes what was gathered; rows that could not be written are tried again.
func (u *usage) flush(ctx context.Context) {
	u.mutex.Lock()
	texts, duration := u.texts, u.duration
	u.texts, u.duration = [6][]string{}, nil
	u.mutex.Unlock()
	if len(duration) == 0 {
		return
	}
	err := u.db.ask(ctx, func(ctx context.Context, conn connection) error {
		_, err := conn.Exec(ctx, record, texts[0], texts[1], texts[2], texts[3], texts[4], duration, texts[5])
		return err
	})
	if err != nil {
		u.mutex.Lock()
		defer u.mutex.Unlock()
		for i := range texts {
			u.texts[i] = append(texts[i], u.texts[i]...)
		}
		u.duration = append(duration, u.duration...)
	}
}
