package main

import (
	"context"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5"
)

const (
	longestKey = 200 // bytes
	findAnswer = `
SELECT text, is_error FROM mcpist.answers
WHERE key = $1 AND at > clock_timestamp() - make_interval(secs => $2)`
	rememberAnswer = `
INSERT INTO mcpist.answers (key, text, is_error) VALUES ($1, $2, $3)
ON CONFLICT (key) DO UPDATE SET text = excluded.text, is_error = excluded.is_error, at = excluded.at`
)

// answerStore is what was answered, kept for all origins.
type answerStore interface {
	find(ctx context.Context, key string, keep seconds) (*toolResult, error) // nil where there is none so young
	remember(ctx context.Context, key string, answer *toolResult)
}

// idempotency carries out once what brings a key: this instance's calls under way, and the answers of all.
type idempotency struct {
	store    answerStore
	replayed func()
	turn     sync.Mutex
	going    map[string]*firstCall
}

func newIdempotency(store answerStore, replayed func()) *idempotency {
	return &idempotency{store: store, replayed: replayed, going: map[string]*firstCall{}}
}

// firstCall is one that others wait for; answer is nil where it came to none, and to be read once over is closed.
type firstCall struct {
	answer *toolResult
	over   chan struct{}
}

// once is the answer of work, or of the call with this key that did it before. What failed is no answer. waits is told
// before it waits for another call.
func (i *idempotency) once(
	ctx context.Context, key string, keep seconds, waits func(), work func() (*toolResult, error),
) (*toolResult, error) {
	for {
		i.turn.Lock()
		other, goes := i.going[key]
		mine := &firstCall{over: make(chan struct{})}
		if !goes {
			i.going[key] = mine
		}
		i.turn.Unlock()
		if !goes {
			return i.first(ctx, mine, key, keep, work)
		}
		waits()
		select {
		case <-other.over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if other.answer != nil {
			return i.repeated(other.answer), nil
		}
		// It failed, or its caller left: whoever comes first now does it.
	}
}

func (i *idempotency) first(
	ctx context.Context, mine *firstCall, key string, keep seconds, work func() (*toolResult, error),
) (*toolResult, error) {
	closing := sync.OnceFunc(func() { close(mine.over) })
	defer func() {
		i.turn.Lock()
		delete(i.going, key)
		i.turn.Unlock()
		closing()
	}()
	known, err := i.store.find(ctx, key, keep)
	if err != nil {
		return nil, err
	}
	if mine.answer = known; known != nil {
		return i.repeated(known), nil
	}
	answer, err := work()
	if err != nil {
		return nil, err
	}
	mine.answer = answer
	closing()
	noted := make(chan struct{})
	go func() { defer close(noted); i.store.remember(context.WithoutCancel(ctx), key, answer) }()
	select {
	case <-noted:
		return answer, nil
	case <-ctx.Done(): // it is noted all the same
		return nil, ctx.Err()
	}
}

// repeated is an answer that the upstream gave another call.
func (i *idempotency) repeated(answer *toolResult) *toolResult {
	i.replayed()
	return &toolResult{answer.status, answer.text, -1}
}

// answers keeps them in the database that both origins share.
type answers struct{ db *database }

func (a answers) find(ctx context.Context, key string, keep seconds) (*toolResult, error) {
	found, isError := &toolResult{200, "", -1}, false
	err := a.db.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		err := conn.QueryRow(ctx, findAnswer, key, float64(keep)).Scan(&found.text, &isError)
		if errors.Is(err, pgx.ErrNoRows) {
			found, err = nil, nil
		}
		return err
	})
	if isError {
		found.status = 400
	}
	return found, err
}

// remember may fail: the caller has its answer all the same.
func (a answers) remember(ctx context.Context, key string, answer *toolResult) {
	a.db.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, rememberAnswer, key, answer.text, answer.isError())
		return err
	})
}
