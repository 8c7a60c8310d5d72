package main

import (
	"context"
	"math"
	"sync"
	"time"
)

const syncRates = "SELECT user_id, count FROM mcpist.sync_rates($1, $2, $3::text[], $4::integer[])"

// decision is one request's answer; limit -1 is none, reset Unix seconds, wait whole seconds.
type decision struct {
	allowed                       bool
	limit, remaining, reset, wait int
}

// rateLimit counts a user's requests in fixed windows, aligned to the Unix epoch, in this process's memory.
// It knows of other origins' requests only what the last sync told it. A refused request is not counted.
type rateLimit struct {
	mutex             sync.Mutex
	window            float64
	tiers             map[string]int
	now               func() float64
	index             int64
	own, others, told map[string]int
}

func newRateLimit(now func() float64) *rateLimit { return &rateLimit{now: now, index: -1, window: 60} }

func wall() float64 { return float64(time.Now().UnixNano()) / 1e9 }

func (r *rateLimit) configure(window float64, tiers map[string]int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if window != r.window {
		r.index = -1
	}
	r.window, r.tiers = window, tiers
}

func (r *rateLimit) forget() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.index = -1
}

// take admits and counts one request, or refuses it; an unknown tier, and all while limited is false, are unlimited.
func (r *rateLimit) take(user, tier string, limited bool) decision {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	now := r.turn()
	end := float64(r.index+1) * r.window
	reset, wait := int(math.Ceil(end)), max(1, int(math.Ceil(end-now)))
	limit, known := r.tiers[tier]
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

func (r *rateLimit) turn() float64 {
	now := r.now()
	if index := int64(math.Floor(now / r.window)); index != r.index {
		r.index = index
		r.own, r.others, r.told = map[string]int{}, map[string]int{}, map[string]int{}
	}
	return now
}

// dirty are the window's number and the counts that the database has not been told.
func (r *rateLimit) dirty() (index int64, users []string, counts []int32) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.turn()
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
func (r *rateLimit) sync(ctx context.Context, db *database, origin string) error {
	index, users, counts := r.dirty()
	others := map[string]int{}
	err := db.ask(ctx, func(ctx context.Context, conn connection) error {
		rows, err := conn.Query(ctx, syncRates, origin, index, users, counts)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var user string
			var count int64
			if err := rows.Scan(&user, &count); err != nil {
				return err
			}
			others[user] = int(count)
		}
		return rows.Err()
	})
	if err == nil {
		r.learn(index, users, counts, others)
	}
	return err
}
