package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// config is the part of the stack's file that an origin needs (fakes/control/process_config.py).
type config struct {
	Settings      tree               `json:"settings"`
	Protections   []string           `json:"protections"`
	Addresses     map[string]address `json:"addresses"`
	ControlToken  string             `json:"control_token"`
	GatewaySecret string             `json:"gateway_secret"`
	DSN           string             `json:"db_dsn"`
	name          string
	instance      string // this run's own: another one answers under another
}

// address is ["127.0.0.1", 41001] on the wire.
type address [2]any

func (a address) String() string { return fmt.Sprintf("%v:%v", a[0], a[1]) }

// seconds is a span as JSON has it: a number of seconds.
type seconds float64

func (s seconds) span() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// settings is the part of the settings tree that an origin reads (fakes/settings.py has all, with defaults).
type settings struct {
	Origin struct {
		rateSettings
		breakerSettings
		RateSync          seconds `json:"rate_sync"`
		Timeout           seconds `json:"timeout"`
		UserConcurrency   int     `json:"user_concurrency"`
		UserLimiter       string  `json:"user_limiter"` // as-written: see enterUser
		GlobalConcurrency int     `json:"global_concurrency"`
		BreakerSlow       seconds `json:"breaker_slow"`
		HealthDBTimeout   seconds `json:"health_db_timeout"`
		UsageFlush        seconds `json:"usage_flush"`
	} `json:"origin"`
	MCP      mcpSettings `json:"mcp"`
	Database struct {
		sourceSettings
		Credits int `json:"credits"`
		Quota   int `json:"quota"`
	} `json:"database"`
	Upstreams   modules `json:"upstreams"`
	Protections struct {
		Deadline struct {
			Margin seconds `json:"margin"`
		} `json:"deadline-propagation"`
		Shedding    sheddingSettings `json:"load-shedding"`
		Idempotency struct {
			Keep seconds `json:"keep"`
		} `json:"idempotency"`
		Fair     fairSettings     `json:"fair-queue"`
		Adaptive adaptiveSettings `json:"adaptive-concurrency"`
	} `json:"protections"`
}

// mcpSettings are of sessions, streams and the modern era's hints.
type mcpSettings struct {
	Sessions       string               `json:"sessions"` // off, memory or shared
	CompareHeaders bool                 `json:"compare_headers"`
	Origins        []string             `json:"origins"`
	SSE            float64              `json:"sse"` // the share of event streams
	Progress       seconds              `json:"progress"`
	KeepAlive      seconds              `json:"keep_alive"`
	TTL            seconds              `json:"ttl"`
	Tools          map[string]namedTool `json:"tools"`
}

// namedTool is a module's tool under a name of its own.
type namedTool struct {
	Module   string            `json:"module"`
	Tool     string            `json:"tool"`
	Requires []string          `json:"requires"` // client capabilities
	Headers  map[string]string `json:"headers"`  // parameter → the end of its header's name
	Asks     string            `json:"asks"`     // a question to the user before it answers
}

// loadConfig reads the stack's file, and what is in force at the start.
func loadConfig(path, name string) (*config, *snapshot, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	loaded := &config{name: name, instance: name + "-" + token(2)}
	if err := json.Unmarshal(text, loaded); err != nil {
		return nil, nil, err
	}
	for _, peer := range []string{"upstream", name} {
		if _, there := loaded.Addresses[peer]; !there {
			return nil, nil, fmt.Errorf("addresses: %s: needed", peer)
		}
	}
	if loaded.DSN == "" {
		return nil, nil, errors.New("db_dsn: needed; null until the database is up")
	}
	first, err := newSnapshot(loaded)
	return loaded, first, err
}

// freeMappings are those whose keys are names that anybody may choose (a test holds them against the schema).
var freeMappings = []string{"bugs.", "edge.name_routes.", "mcp.tools.", "origin.tiers.", "ports.", "protections.", "upstreams."}

// tree is the whole settings tree as plain data, so that nothing of it is lost.
type tree map[string]any

func (t tree) read() (*settings, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	read := &settings{}
	return read, json.Unmarshal(text, read)
}

// with is the tree with a part laid over it; a key that the tree has not is refused, but in free mappings.
func (t tree) with(part map[string]any, path string) (tree, error) {
	result := maps.Clone(t)
	free := slices.ContainsFunc(freeMappings, func(one string) bool { return strings.HasPrefix(path, one) })
	for key, value := range part {
		below, known := t[key]
		if !known && !free {
			return nil, fmt.Errorf("settings: %s%s: unknown key", path, key)
		}
		mapping, isMapping := value.(map[string]any)
		old, wasMapping := below.(map[string]any)
		if isMapping && wasMapping {
			merged, err := tree(old).with(mapping, path+key+".")
			if err != nil {
				return nil, err
			}
			value = map[string]any(merged)
		}
		result[key] = value
	}
	return result, nil
}
