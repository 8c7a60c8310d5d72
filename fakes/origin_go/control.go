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

var (
	knownFaults      = []string{"answer-drop", "db-down", "db-hold", "health-fail", "origin-exit", "origin-stall"}
	knownProtections = []string{
		"worker-cpu", "ip-limit", "jwks-cache", "burst-limit", "name-limit", "deadline-propagation", "load-shedding",
		"rate-limit", "idempotency", "user-concurrency", "global-concurrency", "fair-queue", "adaptive-concurrency",
		"timeout", "breaker",
	}
)

// fault is one in force: {"id", "fault", "target"?, …options}.
type fault map[string]any

// snapshot is all that a request needs to know of the moment it came in; it is never changed, only replaced.
type snapshot struct {
	origin   string
	on       map[string]bool
	tree     tree
	settings *settings
	faults   []fault
	replaced chan struct{} // closed when another one is in force
}

func newSnapshot(c *config) (*snapshot, error) {
	read, err := c.Settings.read()
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	made := &snapshot{
		origin: c.name, on: map[string]bool{}, tree: c.Settings, settings: read, faults: []fault{},
		replaced: make(chan struct{}),
	}
	for _, name := range c.Protections {
		made.on[name] = true
	}
	return made, nil
}

// fault is the fault of that name in force for this origin, nil for none; one without a target is for all.
func (s *snapshot) fault(name string) fault {
	for _, one := range s.faults {
		if one["fault"] == name && (one["target"] == nil || one["target"] == s.origin) {
			return one
		}
	}
	return nil
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
	answers map[string]int64 // by a fault's id: those of tools while it was in force
}

func newControl(c *config, first *snapshot) *control {
	made := &control{config: c, effects: map[string]int64{}, answers: map[string]int64{}}
	made.now.Store(first)
	return made
}

func (c *control) snapshot() *snapshot { return c.now.Load() }

// saw is the fault of that name where one is in force here, noted to have had an effect just now; else nil.
func (c *control) saw(name string) fault {
	found := c.snapshot().fault(name)
	if found != nil {
		c.seeing.Lock()
		defer c.seeing.Unlock()
		c.effects[fmt.Sprint(found["id"])]++
	}
	return found
}

// answer obeys one command and tells the state that it led to. wait is what the request had to expect.
func (c *control) answer(r *http.Request, wait time.Duration) *reply {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Control-Token")), []byte(c.config.ControlToken)) == 0 {
		return plain(403, "error", "X-Control-Token is missing or wrong")
	}
	body, _ := io.ReadAll(r.Body)
	if status, err := c.obey(strings.TrimPrefix(r.URL.Path, "/_control/"), body); err != nil {
		return plain(status, "error", err.Error())
	}
	return &reply{status: 200, body: c.state(wait)}
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
		err = next.protect(body)
	case "settings":
		err = next.lay(body)
	case "faults":
		err = next.suffer(body)
	default:
		return 404, errors.New("no such door; allowed: state, protections, settings, faults, reset")
	}
	if err != nil {
		return 400, err
	}
	c.swap(&next)
	return 200, nil
}

// swap puts a snapshot in force.
func (c *control) swap(next *snapshot) {
	next.replaced = make(chan struct{})
	before := c.now.Swap(next)
	c.changed(next)
	close(before.replaced)
}

// waitUntilGoing waits while a stall holds this origin; false where ctx ends before that.
func (c *control) waitUntilGoing(ctx context.Context) bool {
	c.saw("origin-stall")
	for s := c.snapshot(); s.fault("origin-stall") != nil; s = c.snapshot() {
		select {
		case <-s.replaced:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// waitFor waits for a span of the settings from now on; one that changes meanwhile counts from the same beginning.
func (c *control) waitFor(span func(*settings) seconds) {
	began := time.Now()
	for {
		s := c.snapshot()
		left := time.Until(began.Add(span(s.settings).span()))
		if left <= 0 {
			return
		}
		select {
		case <-time.After(left):
		case <-s.replaced:
		}
	}
}

func (c *control) state(wait time.Duration) map[string]any {
	c.seeing.Lock()
	effects := maps.Clone(c.effects)
	c.seeing.Unlock()
	s := c.snapshot()
	return map[string]any{
		"name": c.config.name, "pid": os.Getpid(), "protections": slices.Sorted(maps.Keys(s.on)), "settings": s.tree,
		"known_faults": knownFaults, "effects": effects, "faults": s.faults, "instance": c.config.instance,
		"events": []any{}, "cpu_queue_s": wait.Seconds(),
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

// protect puts exactly the protections of {"names": […]} in force.
func (s *snapshot) protect(body []byte) error {
	var given struct{ Names []string }
	if err := read(body, &given); err != nil {
		return err
	}
	s.on = map[string]bool{}
	for _, name := range given.Names {
		switch {
		case !slices.Contains(knownProtections, name):
			return fmt.Errorf("unknown protection %q; allowed: %s", name, strings.Join(knownProtections, ", "))
		case s.on[name]:
			return fmt.Errorf("protection %q is named twice; allowed: once", name)
		}
		s.on[name] = true
	}
	return nil
}

// suffer puts exactly the faults of {"faults": […]} in force.
func (s *snapshot) suffer(body []byte) error {
	given := struct{ Faults []fault }{[]fault{}}
	if err := read(body, &given); err != nil {
		return err
	}
	for _, one := range given.Faults {
		if name, _ := one["fault"].(string); !slices.Contains(knownFaults, name) {
			return fmt.Errorf("faults: unknown fault %q; allowed: %s", name, strings.Join(knownFaults, ", "))
		}
	}
	s.faults = given.Faults
	return nil
}
