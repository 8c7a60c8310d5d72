package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"

	"github.com/jackc/pgx/v5"
)

const (
	sessionsOff    = "off"
	sessionsShared = "shared"
	sessionHeader  = "Mcp-Session-Id"
	maxLost        = 100_000 // ids remembered as lost
	openSession    = "INSERT INTO mcpist.sessions (id, user_id) VALUES ($1, $2)"
	knownSession   = "SELECT user_id FROM mcpist.sessions WHERE id = $1"
	closeSession   = "DELETE FROM mcpist.sessions WHERE id = $1"
)

// session is one of the legacy era. What goes on in it has its context, and ends with it.
type session struct {
	id, user string
	ctx      context.Context
	end      context.CancelFunc
	turn     sync.Mutex
	calls    map[any]*task // under way, by request id
}

func newSession(id, user string) *session {
	ctx, end := context.WithCancel(context.Background())
	return &session{id: id, user: user, ctx: ctx, end: end, calls: map[any]*task{}}
}

// enter notes a call that is under way.
func (s *session) enter(id any, one *task) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.calls[id] = one
}

// leave forgets a call that is over.
func (s *session) leave(id any, one *task) {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.calls[id] == one {
		delete(s.calls, id)
	}
}

// cancelCall is the client's word that it gives a call up. One that is not known, or done, is passed over.
func (s *session) cancelCall(told json.RawMessage) {
	id, _ := identifier(told)
	s.turn.Lock()
	defer s.turn.Unlock()
	if one := s.calls[id]; id != nil && one != nil {
		one.stop()
	}
}

// sessions are those that this origin knows (fakes/origin/sessions.py tells how they are kept).
type sessions struct {
	db      *database
	metrics *metrics
	turn    sync.Mutex
	held    map[string]*session
	lost    map[string]bool // ids that were used though they are gone
}

func newSessions(db *database, m *metrics) *sessions {
	return &sessions{db: db, metrics: m, held: map[string]*session{}, lost: map[string]bool{}}
}

func (s *sessions) open(ctx context.Context, user string, shared bool) (*session, error) {
	made := newSession(token(16), user)
	if shared {
		if err := s.execute(ctx, openSession, made.id, user); err != nil {
			return nil, err
		}
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	s.held[made.id] = made
	s.metrics.sessions.WithLabelValues("opened").Inc()
	return made, nil
}

// find is the session that a request belongs to. Errors: *rpcError, and what the database says.
func (s *sessions) find(ctx context.Context, header http.Header, user string, shared bool) (*session, error) {
	id := field(header, sessionHeader)
	if id == "" {
		return nil, &rpcError{code: noSession, message: "Mcp-Session-Id is missing", status: 400}
	}
	owner := ""
	if shared {
		var err error
		if owner, err = s.owner(ctx, id); err != nil {
			return nil, err
		}
	}
	return s.known(id, user, owner, shared)
}

// known is the session of that id, if it is this user's; another's is not shown, and goes on. owner is whose it is by
// the table of the shared ones, "" where that has none.
func (s *sessions) known(id, user, owner string, shared bool) (*session, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	found := s.held[id]
	lost := found == nil
	if shared {
		lost = owner == ""
		switch {
		case lost:
			delete(s.held, id)
		case found == nil && owner == user:
			found = newSession(id, user)
			s.held[id] = found
		}
	}
	if lost {
		s.noteLost(id)
	}
	if lost || found == nil || found.user != user {
		return nil, &rpcError{code: sessionGone, message: "Session not found", status: 404}
	}
	return found, nil
}

// close is the client's word that it is done with it.
func (s *sessions) close(ctx context.Context, one *session, shared bool) error {
	if shared {
		if err := s.execute(ctx, closeSession, one.id); err != nil {
			return err
		}
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.held[one.id] != nil {
		delete(s.held, one.id)
		s.metrics.sessions.WithLabelValues("closed").Inc()
	}
	one.end()
	return nil
}

// forget is as after a start: none is known, and all that went on in them has ended.
func (s *sessions) forget() {
	s.turn.Lock()
	defer s.turn.Unlock()
	for _, one := range s.held {
		one.end()
	}
	clear(s.held)
}

func (s *sessions) count() int64 {
	s.turn.Lock()
	defer s.turn.Unlock()
	return int64(len(s.held))
}

func (s *sessions) noteLost(id string) {
	if !s.lost[id] && len(s.lost) < maxLost {
		s.lost[id] = true
		s.metrics.sessions.WithLabelValues("lost").Inc()
	}
}

func (s *sessions) execute(ctx context.Context, query string, values ...any) error {
	return s.db.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, query, values...)
		return err
	})
}

// owner is whose a session is by the table, "" where it has none of that id.
func (s *sessions) owner(ctx context.Context, id string) (owner string, err error) {
	err = s.db.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		err := conn.QueryRow(ctx, knownSession, id).Scan(&owner)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return owner, err
}
