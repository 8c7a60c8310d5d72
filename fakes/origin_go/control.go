package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const lastWords = 50 * time.Millisecond // between the order to exit and the exit

var (
	knownFaults      = []string{"db-down", "db-hold", "health-fail", "origin-exit", "origin-stall"}
	knownProtections = []string{
		"worker-cpu", "ip-limit", "jwks-cache", "burst-limit", "name-limit", "rate-limit", "user-concurrency",
		"global-concurrency", "timeout", "breaker",
	}
)

// fault is one in force: {"id", "fault", "target"?, …options}.
type fault map[string]any

// snapshot is all that a request needs to know of the moment it came in; it is never changed, only replaced.
type snapshot struct {
	on       map[string]bool
	tree     tree
	settings *settings
	faults   []fault
	stall    chan struct{} // nil while no fault stalls this origin; closed when it is lifted
}

func newSnapshot(c *config) (*snapshot, error) {
	read, err := c.Settings.read()
	if err != nil {
		return nil, err
	}
	made := &snapshot{on: map[string]bool{}, tree: c.Settings, settings: read, faults: []fault{}}
	for _, name := range c.Protections {
		made.on[name] = true
	}
	return made, nil
}

// fault is the fault of that name in force for this origin; one without a target is for all.
func (s *snapshot) fault(name, origin string) fault {
	for _, one := range s.faults {
		if one["fault"] == name && (one["target"] == nil || one["target"] == origin) {
			return one
		}
	}
	return nil
}

// waitUntilGoing waits while a stall holds this origin; false where ctx ends before that.
func (s *snapshot) waitUntilGoing(ctx context.Context) bool {
	if s.stall == nil {
		return true
	}
	select {
	case <-s.stall:
		return true
	case <-ctx.Done():
		return false
	}
}

// control holds the one snapshot in force and the door to change it. A bad command changes nothing.
type control struct {
	config  *config
	turn    sync.Mutex
	now     atomic.Pointer[snapshot]
	changed func(*snapshot)
	reset   func()
	seeing  sync.Mutex
	effects map[string]int64 // by a fault's id: how often it changed what would have been
}

func newControl(c *config, first *snapshot, changed func(*snapshot), reset func()) *control {
	made := &control{config: c, changed: changed, reset: reset, effects: map[string]int64{}}
	made.now.Store(first)
	return made
}

func (c *control) snapshot() *snapshot { return c.now.Load() }

// saw is the fault of that name where one is in force here, noted to have had an effect just now; else nil.
func (c *control) saw(name string) fault {
	found := c.snapshot().fault(name, c.config.Name)
	if found != nil {
		c.seeing.Lock()
		defer c.seeing.Unlock()
		c.effects[fmt.Sprint(found["id"])]++
	}
	return found
}

// answer obeys one command and tells the state that it led to.
func (c *control) answer(r *http.Request) *reply {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Control-Token")), []byte(c.config.ControlToken)) == 0 {
		return plain(403, "error", "X-Control-Token is missing or wrong")
	}
	body, _ := io.ReadAll(r.Body)
	if status, err := c.obey(strings.TrimPrefix(r.URL.Path, "/_control/"), body); err != nil {
		return plain(status, "error", err.Error())
	}
	return &reply{status: 200, body: c.state()}
}

func (c *control) obey(command string, body []byte) (int, error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	next, err := *c.snapshot(), error(nil)
	switch command {
	case "state":
		return 200, nil
	case "reset":
		c.reset()
		return 200, nil
	case "protections":
		next.on, err = protections(body)
	case "settings":
		err = next.lay(body)
	case "faults":
		next.faults, err = faults(body)
	default:
		return 404, errors.New("no such door; allowed: state, protections, settings, faults, reset")
	}
	if err != nil {
		return 400, err
	}
	c.swap(&next)
	return 200, nil
}

// swap puts a snapshot in force and lets go of the calls that a lifted stall held.
func (c *control) swap(next *snapshot) {
	before, stalled := c.snapshot().stall, next.fault("origin-stall", c.config.Name) != nil
	switch {
	case !stalled:
		next.stall = nil
	case before == nil:
		next.stall = make(chan struct{})
	}
	c.now.Store(next)
	c.changed(next)
	if !stalled && before != nil {
		close(before)
	}
}

func (c *control) state() map[string]any {
	c.seeing.Lock()
	effects := maps.Clone(c.effects)
	c.seeing.Unlock()
	s := c.snapshot()
	return map[string]any{
		"name": c.config.Name, "pid": os.Getpid(), "protections": slices.Sorted(maps.Keys(s.on)), "settings": s.tree,
		"known_faults": knownFaults, "effects": effects, "faults": s.faults, "instance": c.config.instance,
		"events": []any{},
	}
}

// read takes a command's body apart; an empty one says nothing.
func read(body []byte, into any) error {
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("body: %v; allowed: a JSON object", err)
	}
	return nil
}

// lay puts a part of the settings tree over those of the snapshot.
func (s *snapshot) lay(body []byte) error {
	part := map[string]any{}
	err := read(body, &part)
	if err == nil {
		s.tree, err = s.tree.with(part, "")
	}
	if err == nil {
		s.settings, err = s.tree.read()
	}
	return err
}

func protections(body []byte) (map[string]bool, error) {
	var given struct{ Names []string }
	if err := read(body, &given); err != nil {
		return nil, err
	}
	made := map[string]bool{}
	for _, name := range given.Names {
		if !slices.Contains(knownProtections, name) {
			return nil, fmt.Errorf("unknown protection %q; allowed: %s", name, strings.Join(knownProtections, ", "))
		}
		if made[name] {
			return nil, fmt.Errorf("protection %q is named twice; allowed: once", name)
		}
		made[name] = true
	}
	return made, nil
}

func faults(body []byte) ([]fault, error) {
	given := struct{ Faults []fault }{[]fault{}}
	if err := read(body, &given); err != nil {
		return nil, err
	}
	for _, one := range given.Faults {
		if name, _ := one["fault"].(string); !slices.Contains(knownFaults, name) {
			allowed := strings.Join(knownFaults, ", ")
			return nil, fmt.Errorf("faults: unknown fault %q; allowed: %s", name, allowed)
		}
	}
	return given.Faults, nil
}
