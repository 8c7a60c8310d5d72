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

const forGood = 10000 * time.Hour

// sourceSettings are what connections to the database depend on; other ones need a new pool.
type sourceSettings struct {
	Mode              string  `json:"mode"`
	PoolSize          int32   `json:"pool_size"`
	PoolOpen          int32   `json:"pool_open"`
	AcquireTimeout    seconds `json:"acquire_timeout"` // 0 (null): a call waits for a connection without end
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

// configure goes over to settings that are new; queries under way end on their old connection.
func (db *database) configure(ctx context.Context, s sourceSettings) error {
	old := db.source.Load()
	if old != nil && old.settings == s {
		return nil
	}
	opened, err := open(ctx, db.dsn, s)
	if err != nil {
		return err
	}
	db.source.Store(opened)
	if old != nil && old.pool != nil {
		go old.pool.Close()
	}
	return nil
}

// open opens connections at once, so that no call pays for them.
func open(ctx context.Context, dsn string, s sourceSettings) (*source, error) {
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
		config.ConnConfig.RuntimeParams["synchronous_commit"] = map[bool]string{true: "on", false: "off"}[s.SynchronousCommit]
	}
	made := &source{settings: s, config: config}
	if s.Mode == "none" {
		return made, nil
	}
	if made.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	for range min(s.PoolOpen, s.PoolSize) {
		conn, err := made.pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		defer conn.Release()
	}
	return made, nil
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
