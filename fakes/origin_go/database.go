package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	forGood   = 10000 * time.Hour
	fillTime  = time.Second // to go over to other settings, answers of the door included
	fillPause = 20 * time.Millisecond
)

// sourceSettings are what connections to the database depend on; other ones need a new pool.
type sourceSettings struct {
	Mode              string  `json:"mode"`
	PoolSize          int32   `json:"pool_size"`
	PoolOpen          int32   `json:"pool_open"`
	AcquireTimeout    seconds `json:"acquire_timeout"` // 0 (null): a call waits for a connection without end
	LockTimeout       seconds `json:"lock_timeout"`    // 0 (null): a statement waits for a row's lock without end
	SynchronousCommit bool    `json:"synchronous_commit"`
}

// source is where connections come from: pgx's pool, or a connection a query (mode none).
type source struct {
	settings sourceSettings
	config   *pgxpool.Config
	pool     *pgxpool.Pool // nil in mode none
	direct   atomic.Int64
}

// database is the origin's door to Postgres.
type database struct {
	dsn     string
	control *control
	metrics *metrics
	source  atomic.Pointer[source]
	running atomic.Int64
}

// open connects, so that no call pays for it.
func (db *database) open(ctx context.Context, s sourceSettings) error {
	made, err := newSource(ctx, db.dsn, s)
	if err != nil {
		return err
	}
	db.source.Store(made)
	return made.fill(ctx)
}

// configure goes over to settings that are new, for every query that begins from now on; those under way end on their
// old connection. The old ones are closed first: the server may not bear both. What cannot be opened in time is opened
// when it is needed.
func (db *database) configure(ctx context.Context, s sourceSettings) error {
	old := db.source.Load()
	if old.settings == s {
		return nil
	}
	made, err := newSource(ctx, db.dsn, s)
	if err != nil {
		return err
	}
	db.source.Store(made)
	ctx, cancel := context.WithTimeout(ctx, fillTime)
	defer cancel()
	old.close(ctx)
	for made.fill(ctx) != nil && ctx.Err() == nil {
		time.Sleep(fillPause)
	}
	return nil
}

// newSource opens nothing yet.
func newSource(ctx context.Context, dsn string, s sourceSettings) (*source, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = s.PoolSize, 0
	config.MaxConnLifetime, config.MaxConnIdleTime, config.HealthCheckPeriod = forGood, forGood, forGood
	if s.Mode == "pooler" { // a transaction-mode pooler: nothing prepared, one message a query
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	} else {
		config.ConnConfig.RuntimeParams["application_name"] = "mcpist-origin"
		if s.LockTimeout > 0 {
			config.ConnConfig.RuntimeParams["lock_timeout"] = fmt.Sprintf("%.0fms", s.LockTimeout*1000)
		}
		config.ConnConfig.RuntimeParams["synchronous_commit"] = map[bool]string{true: "on", false: "off"}[s.SynchronousCommit]
	}
	made := &source{settings: s, config: config}
	if s.Mode == "none" {
		return made, nil
	}
	if made.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	return made, nil
}

// fill opens connections at once.
func (s *source) fill(ctx context.Context) error {
	if s.pool == nil {
		return nil
	}
	for range min(s.settings.PoolOpen, s.settings.PoolSize) {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
	}
	return nil
}

// close gives all connections back to the server, those in use when their query is done, which ctx does not wait for.
func (s *source) close(ctx context.Context) {
	if s.pool == nil {
		return
	}
	closed := make(chan struct{})
	go func() { s.pool.Close(); close(closed) }()
	select {
	case <-closed:
	case <-ctx.Done():
	}
}

// with runs work on a connection; waiting for one ends with a refusal after acquire_timeout.
func (s *source) with(ctx context.Context, work func(context.Context, *pgx.Conn) error) error {
	if s.pool == nil {
		s.direct.Add(1)
		defer s.direct.Add(-1)
		conn, err := pgx.ConnectConfig(ctx, s.config.ConnConfig)
		if err != nil {
			return err
		}
		defer conn.Close(context.Background())
		return work(ctx, conn)
	}
	waiting, cancel := ctx, context.CancelFunc(func() {})
	if s.settings.AcquireTimeout > 0 {
		waiting, cancel = context.WithTimeout(ctx, s.settings.AcquireTimeout.span())
	}
	conn, err := s.pool.Acquire(waiting)
	cancel()
	switch {
	case err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		detail := fmt.Sprintf("all %d connections of the pool in use for %g s: %v",
			s.settings.PoolSize, s.settings.AcquireTimeout, err)
		return &refusal{reason: "db_pool_timeout", retryAfter: 1, detail: detail}
	case err != nil:
		return err
	}
	defer conn.Release()
	return work(ctx, conn.Conn())
}

// counts are connections in use, idle ones, and queries that wait for one.
func (db *database) counts() (used, idle, waiting int64) {
	s := db.source.Load()
	used = s.direct.Load()
	if s.pool != nil {
		stat := s.pool.Stat()
		used, idle = int64(stat.AcquiredConns()), int64(stat.IdleConns())
	}
	return used, idle, max(0, db.running.Load()-used)
}

func (db *database) ping(ctx context.Context) error {
	return db.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT 1")
		return err
	})
}

// ask runs one query's work; what goes wrong is a refusal db_error or db_pool_timeout, or the context's end.
func (db *database) ask(ctx context.Context, work func(context.Context, *pgx.Conn) error) error {
	began := time.Now()
	db.running.Add(1)
	defer func() {
		db.running.Add(-1)
		db.metrics.dbSeconds.WithLabelValues().Observe(time.Since(began).Seconds())
	}()
	err := errors.New("the database is out of this origin's reach")
	if db.control.saw("db-down") == nil {
		err = db.source.Load().with(ctx, work)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err() // our deadline, or a client that left
	}
	return db.refused(err)
}

func (db *database) refused(err error) error {
	var told *pgconn.PgError
	var known *refusal
	made, code := &refusal{reason: "db_error", detail: err.Error()}, fmt.Sprintf("%T", err)
	switch {
	case errors.As(err, &known):
		made, code = known, known.reason
	case errors.As(err, &told):
		made.detail, code = told.Message, told.Code // the server's own words
	}
	db.metrics.dbErrors.WithLabelValues(code).Inc()
	return made
}
