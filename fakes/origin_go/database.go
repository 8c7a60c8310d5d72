package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const forGood = 10000 * time.Hour

// connection is what a query needs of one.
type connection interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// source is where connections come from: pgx's pool, or a connection a query (mode none).
type source struct {
	settings databaseSettings
	config   *pgxpool.Config
	pool     *pgxpool.Pool // nil in mode none
	direct   atomic.Int64
}

// database is the origin's door to Postgres; down makes it refuse, as a fault.
type database struct {
	dsn     string
	metrics *metrics
	turn    sync.Mutex
	source  atomic.Pointer[source]
	running atomic.Int64
	down    atomic.Bool
	refuses func() // told of each query that it refuses as a fault
}

func openDatabase(ctx context.Context, dsn string, s databaseSettings, m *metrics) (*database, error) {
	db := &database{dsn: dsn, metrics: m}
	opened, err := db.open(ctx, s)
	db.source.Store(opened)
	return db, err
}

// configure goes over to new settings; queries under way end on their old connection.
func (db *database) configure(s databaseSettings) {
	db.turn.Lock()
	defer db.turn.Unlock()
	old := db.source.Load()
	if same(old.settings, s) {
		return
	}
	opened, err := db.open(context.Background(), s)
	if err != nil {
		return // the database is away: the old source says so as well
	}
	db.source.Store(opened)
	if old.pool != nil {
		go old.pool.Close()
	}
}

func same(a, b databaseSettings) bool {
	equal := (a.AcquireTimeout == nil) == (b.AcquireTimeout == nil) &&
		(a.AcquireTimeout == nil || *a.AcquireTimeout == *b.AcquireTimeout)
	a.AcquireTimeout, b.AcquireTimeout = nil, nil
	a.Credits, a.Quota = b.Credits, b.Quota // a call reads these from its snapshot
	return equal && a == b
}

func (db *database) open(ctx context.Context, s databaseSettings) (*source, error) {
	config, err := pgxpool.ParseConfig(db.dsn)
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
	return made, made.warm(ctx, min(s.PoolOpen, s.PoolSize))
}

// warm opens connections now, so that no call pays for them.
func (s *source) warm(ctx context.Context, count int32) error {
	held := make([]*pgxpool.Conn, 0, count)
	defer func() {
		for _, conn := range held {
			conn.Release()
		}
	}()
	for range count {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		held = append(held, conn)
	}
	return nil
}

// with runs work on a connection; waiting for one ends with a refusal after acquire_timeout.
func (s *source) with(ctx context.Context, work func(context.Context, connection) error) error {
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
	if s.settings.AcquireTimeout != nil {
		waiting, cancel = context.WithTimeout(ctx, s.settings.AcquireTimeout.span())
	}
	conn, err := s.pool.Acquire(waiting)
	cancel()
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			detail := fmt.Sprintf("all %d connections of the pool in use for %g s: %v",
				s.settings.PoolSize, *s.settings.AcquireTimeout, err)
			return &refusal{reason: "db_pool_timeout", retryAfter: 1, detail: detail}
		}
		return err
	}
	defer conn.Release()
	return work(ctx, conn.Conn())
}

// counts are connections in use, idle ones, and queries that wait for one.
func (db *database) counts() (used, idle, waiting int64) {
	s := db.source.Load()
	if s.pool == nil {
		used = s.direct.Load()
	} else {
		stat := s.pool.Stat()
		used, idle = int64(stat.AcquiredConns()), int64(stat.IdleConns())
	}
	return used, idle, max(0, db.running.Load()-used)
}

// ask runs one query's work; what goes wrong is a refusal db_error or db_pool_timeout, or the context's end.
func (db *database) ask(ctx context.Context, work func(context.Context, connection) error) error {
	began := time.Now()
	db.running.Add(1)
	defer func() {
		db.running.Add(-1)
		db.metrics.dbSeconds.WithLabelValues().Observe(time.Since(began).Seconds())
	}()
	err := errors.New("the database is out of this origin's reach")
	if !db.down.Load() {
		err = db.source.Load().with(ctx, work)
	} else {
		db.refuses()
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err() // our deadline, or a client that left
	}
	return db.refused(err)
}

func (db *database) refused(err error) error {
	var known *refusal
	if errors.As(err, &known) {
		db.metrics.dbErrors.WithLabelValues(known.reason).Inc()
		return known
	}
	code, words := fmt.Sprintf("%T", err), err.Error()
	var told *pgconn.PgError
	if errors.As(err, &told) {
		code, words = told.Code, told.Message // the server's own words
	}
	db.metrics.dbErrors.WithLabelValues(code).Inc()
	return &refusal{reason: "db_error", detail: words}
}
