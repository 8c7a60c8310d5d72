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

// snapshot is all that a request needs to know of the moment it came in; it is never changed, only replaced.
type snapshot struct {
	on       map[string]bool
	tree     tree
	settings *settings
	faults   []map[string]any
	going    chan struct{} // closed while no fault stalls this origin
}

func newSnapshot(c *config) (*snapshot, error) {
	read, err := c.Settings.read()
	if err != nil {
		return nil, err
	}
	going := make(chan struct{})
	close(going)
	made := &snapshot{on: map[string]bool{}, tree: c.Settings, settings: read, going: going}
	for _, name := range c.Protections {
		made.on[name] = true
	}
	return made, nil
}

// fault is the fault of that name in force for this origin; one without a target is for all.
func (s *snapshot) fault(name, origin string) map[string]any {
	for _, one := range s.faults {
		if one["fault"] == name && (one["target"] == nil || one["target"] == origin) {
			return one
		}
	}
	return nil
}

func (s *snapshot) waitUntilGoing(ctx context.Context) bool {
	select {
	case <-s.going:
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
	effects sync.Map // a fault's id → *atomic.Int64: how often it changed what would have been
}

func newControl(c *config, first *snapshot, changed func(*snapshot), reset func()) *control {
	made := &control{config: c, changed: changed, reset: reset}
	made.now.Store(first)
	changed(first)
	return made
}

func (c *control) snapshot() *snapshot { return c.now.Load() }

// saw notes that the fault of that name had an effect just now, where one is in force here.
func (c *control) saw(name string) bool {
	fault := c.snapshot().fault(name, c.config.Name)
	if fault == nil {
		return false
	}
	count, _ := c.effects.LoadOrStore(fmt.Sprint(fault["id"]), new(atomic.Int64))
	count.(*atomic.Int64).Add(1)
	return true
}

func (c *control) counted() map[string]int64 {
	counts := map[string]int64{}
	c.effects.Range(func(id, count any) bool {
		counts[id.(string)] = count.(*atomic.Int64).Load()
		return true
	})
	return counts
}

// serve obeys one command and answers the state that it led to.
func (c *control) serve(w http.ResponseWriter, r *http.Request, instance string) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Control-Token")), []byte(c.config.ControlToken)) == 0 {
		(&reply{status: 403, body: map[string]any{"error": "X-Control-Token is missing or wrong"}}).write(w, false)
		return
	}
	text, _ := io.ReadAll(r.Body)
	body := map[string]any{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &body); err != nil {
			said := fmt.Sprintf("body: %v; allowed: a JSON object", err)
			(&reply{status: 400, body: map[string]any{"error": said}}).write(w, false)
			return
		}
	}
	status, err := c.obey(strings.TrimPrefix(r.URL.Path, "/_control/"), body)
	if err != nil {
		(&reply{status: status, body: map[string]any{"error": err.Error()}}).write(w, false)
		return
	}
	(&reply{status: 200, body: c.state(instance)}).write(w, false)
}

func (c *control) obey(command string, body map[string]any) (int, error) {
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
		next.on, err = protections(body["names"])
	case "settings":
		if next.tree, err = next.tree.with(body, ""); err == nil {
			next.settings, err = next.tree.read()
		}
	case "faults":
		next.faults, err = faults(body["faults"])
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
	before, stalled := c.snapshot().going, next.fault("origin-stall", c.config.Name) != nil
	held := true
	select {
	case <-before:
		held = false
	default:
	}
	if stalled && !held {
		next.going = make(chan struct{})
	}
	c.now.Store(next)
	c.changed(next)
	if !stalled && held {
		close(before)
	}
}

func (c *control) state(instance string) map[string]any {
	s := c.snapshot()
	faults := s.faults
	if faults == nil {
		faults = []map[string]any{}
	}
	return map[string]any{
		"name": c.config.Name, "pid": os.Getpid(), "protections": slices.Sorted(maps.Keys(s.on)), "settings": s.tree,
		"known_faults": knownFaults, "effects": c.counted(), "faults": faults, "instance": instance, "events": []any{},
	}
}

func protections(names any) (map[string]bool, error) {
	made := map[string]bool{}
	list, _ := names.([]any)
	for _, one := range list {
		name, _ := one.(string)
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

func faults(given any) ([]map[string]any, error) {
	made := []map[string]any{}
	list, _ := given.([]any)
	for _, one := range list {
		fault, _ := one.(map[string]any)
		name, _ := fault["fault"].(string)
		if !slices.Contains(knownFaults, name) {
			allowed := strings.Join(knownFaults, ", ")
			return nil, fmt.Errorf("faults: unknown fault %q; allowed: %s", name, allowed)
		}
		made = append(made, fault)
	}
	return made, nil
}
