package main

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const syncRates = "SELECT user_id, count FROM mcpist.sync_rates($1, $2, $3::text[], $4::integer[])"

// rateSettings say how many requests a tier has in a window; -1 and an unknown tier are without limit.
type rateSettings struct {
	RateWindow seconds        `json:"rate_window"`
	Tiers      map[string]int `json:"tiers"`
}

// decision is one request's answer; limit -1 is none, reset Unix seconds, wait whole seconds.
type decision struct {
	allowed                       bool
	limit, remaining, reset, wait int
}

// rateLimit counts a user's requests in fixed windows, aligned to the Unix epoch, in this process's memory.
// It knows of other origins' requests only what the last sync told it. A refused request is not counted.
type rateLimit struct {
	now               func() float64 // Unix seconds
	mutex             sync.Mutex
	window            float64
	index             int64
	own, others, told map[string]int
}

func wall() float64 { return float64(time.Now().UnixNano()) / 1e9 }

func (r *rateLimit) forget() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.window = 0
}

// take admits and counts one request, or refuses it; all are unlimited while limited is false.
func (r *rateLimit) take(user, tier string, s rateSettings, limited bool) decision {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	now := r.turn(s)
	end := float64(r.index+1) * r.window
	reset, wait := int(math.Ceil(end)), max(1, int(math.Ceil(end-now)))
	limit, known := s.Tiers[tier]
	if !limited || !known || limit < 0 {
		return decision{true, -1, -1, reset, wait}
	}
	used := r.own[user] + r.others[user]
	if used >= limit {
		return decision{false, limit, 0, reset, wait}
	}
	r.own[user]++
	return decision{true, limit, limit - used - 1, reset, wait}
}

// turn begins a new window where one is due, or of another length.
func (r *rateLimit) turn(s rateSettings) float64 {
	now, window := r.now(), float64(s.RateWindow)
	if index := int64(math.Floor(now / window)); index != r.index || window != r.window {
		r.index, r.window = index, window
		r.own, r.others, r.told = map[string]int{}, map[string]int{}, map[string]int{}
	}
	return now
}

// dirty are the window's number and the counts that the database has not been told.
func (r *rateLimit) dirty(s rateSettings) (index int64, users []string, counts []int32) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.turn(s)
	users, counts = []string{}, []int32{}
	for user, count := range r.own {
		if r.told[user] != count {
			users, counts = append(users, user), append(counts, int32(count))
		}
	}
	return r.index, users, counts
}

// learn takes what a sync wrote and read; a window that has passed teaches nothing.
func (r *rateLimit) learn(index int64, users []string, counts []int32, others map[string]int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if index != r.index {
		return
	}
	for i, user := range users {
		r.told[user] = int(counts[i])
	}
	r.others = others
}

// sync tells the database this origin's counts and learns the others'.
func (r *rateLimit) sync(ctx context.Context, db *database, s *snapshot) error {
	index, users, counts := r.dirty(s.settings.Origin.rateSettings)
	others := map[string]int{}
	err := db.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, syncRates, s.origin, index, users, counts)
		if err != nil {
			return err
		}
		var user string
		var count int
		_, err = pgx.ForEachRow(rows, []any{&user, &count}, func() error { others[user] = count; return nil })
		return err
	})
	if err == nil {
		r.learn(index, users, counts, others)
	}
	return err
}
