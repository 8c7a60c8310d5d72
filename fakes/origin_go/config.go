package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"time"
)

// config is the part of the stack's file that an origin needs (fakes/control/process_config.py).
type config struct {
	Settings      tree               `json:"settings"`
	Protections   []string           `json:"protections"`
	Addresses     map[string]address `json:"addresses"`
	ControlToken  string             `json:"control_token"`
	GatewaySecret string             `json:"gateway_secret"`
	DSN           *string            `json:"db_dsn"`
	Name          string             `json:"-"`
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
		RateWindow        seconds        `json:"rate_window"`
		RateSync          seconds        `json:"rate_sync"`
		Tiers             map[string]int `json:"tiers"`
		Timeout           seconds        `json:"timeout"`
		UserConcurrency   int            `json:"user_concurrency"`
		UserLimiter       string         `json:"user_limiter"`
		GlobalConcurrency int            `json:"global_concurrency"`
		BreakerFailures   int            `json:"breaker_failures"`
		BreakerWindow     seconds        `json:"breaker_window"`
		BreakerOpen       seconds        `json:"breaker_open"`
		BreakerProbes     uint32         `json:"breaker_probes"`
		BreakerSlow       seconds        `json:"breaker_slow"`
		HealthDBTimeout   seconds        `json:"health_db_timeout"`
		UsageFlush        seconds        `json:"usage_flush"`
	} `json:"origin"`
	MCP struct {
		SSE float64 `json:"sse"` // the share of event streams; the rest of this part is the Python origin's
	} `json:"mcp"`
	Database  databaseSettings          `json:"database"`
	Upstreams map[string]map[string]any `json:"upstreams"`
}

type databaseSettings struct {
	Mode              string   `json:"mode"`
	PoolSize          int32    `json:"pool_size"`
	PoolOpen          int32    `json:"pool_open"`
	AcquireTimeout    *seconds `json:"acquire_timeout"`
	SynchronousCommit bool     `json:"synchronous_commit"`
	Credits           int      `json:"credits"`
	Quota             int      `json:"quota"`
}

func loadConfig(path, name string) (*config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	loaded := &config{Name: name}
	if err := json.Unmarshal(text, loaded); err != nil {
		return nil, err
	}
	if _, err := loaded.Settings.read(); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if _, there := loaded.Addresses["upstream"]; !there {
		return nil, fmt.Errorf("addresses: upstream: needed")
	}
	return loaded, nil
}

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
	result := tree(maps.Clone(t))
	for key, value := range part {
		below, known := t[key]
		where := path + key
		if !known && !free(path) {
			return nil, fmt.Errorf("settings: %s: unknown key", where)
		}
		mapping, isMapping := value.(map[string]any)
		old, wasMapping := below.(map[string]any)
		if !isMapping || !wasMapping {
			result[key] = value
			continue
		}
		merged, err := tree(old).with(mapping, where+".")
		if err != nil {
			return nil, err
		}
		result[key] = map[string]any(merged)
	}
	return result, nil
}

// free tells the mappings whose keys are names that anybody may choose.
func free(path string) bool {
	return path == "origin.tiers." || path == "ports." || len(path) >= 10 && path[:10] == "upstreams."
}
