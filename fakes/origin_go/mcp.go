package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// versions of the protocol that are served, the newest first.
var versions = []string{"2025-11-25", "2025-06-18", "2025-03-26"}

const (
	maxCommands = 10
	anything    = `{"type":"object","properties":{},"required":[]}` // the schema of a tool's params
)

// modules are the tools by module and name.
type modules = map[string]map[string]any

// command is one tool call, as `run` takes it.
type command struct {
	Module string         `json:"module"`
	Tool   string         `json:"tool"`
	Params map[string]any `json:"params"`
}

// serve answers one request. Errors: *rpcError, *refusal, or the end of ctx.
func (c *caller) serve(ctx context.Context, about *callContext, asked *request) (*reply, error) {
	switch method := *asked.Method; {
	case method == "tools/call":
		return c.tool(ctx, about, asked)
	case method == "tools/list":
		return result(asked.ID, listed(about.snap.settings.Upstreams)), nil
	case method == "initialize":
		return initialized(asked), nil
	case method == "ping":
		return result(asked.ID, map[string]any{}), nil
	case strings.HasPrefix(method, "notifications/"):
		return &reply{status: 202}, nil
	default:
		return nil, &rpcError{methodNotFound, "unknown method " + method}
	}
}

func (c *caller) tool(ctx context.Context, about *callContext, asked *request) (*reply, error) {
	var name string
	json.Unmarshal(asked.Params["name"], &name)
	arguments := json.RawMessage("{}")
	if raw, given := asked.Params["arguments"]; given {
		arguments = raw
	}
	if err := json.Unmarshal(arguments, &map[string]json.RawMessage{}); err != nil {
		return nil, badArguments("arguments: an object is allowed")
	}
	known := about.snap.settings.Upstreams
	switch name {
	case "run":
		wanted, err := parsed(arguments, known)
		if err != nil {
			return nil, err
		}
		said, err := c.call(ctx, about, wanted, about.requestID)
		if err != nil {
			return nil, err
		}
		return timed(textResult(asked.ID, said.text, said.isError()), said.upstreamMS), nil
	case "batch":
		wanted, err := commands(arguments, known)
		if err != nil {
			return nil, err
		}
		return c.batch(ctx, about, asked.ID, wanted)
	case "get_module_schema":
		text, err := moduleSchema(arguments, known)
		return textResult(asked.ID, text, false), err
	}
	return nil, badArguments("name: run, get_module_schema or batch is allowed")
}

// batch runs its commands at once and charges each under `<request id>/<n>`; one line of JSON a command.
func (c *caller) batch(ctx context.Context, about *callContext, id any, wanted []command) (*reply, error) {
	said, failures := make([]*toolResult, len(wanted)), make([]error, len(wanted))
	var group sync.WaitGroup
	for i, one := range wanted {
		group.Go(func() {
			said[i], failures[i] = c.call(ctx, about, one, fmt.Sprintf("%s/%d", about.requestID, i+1))
		})
	}
	group.Wait()
	lines, failed, slowest := make([]string, len(wanted)), false, -1.0
	for i, one := range said {
		line := map[string]any{}
		var refused *refusal
		switch err := failures[i]; {
		case err == nil:
			line["ok"], line["text"] = !one.isError(), one.text
			slowest = max(slowest, one.upstreamMS)
		case errors.As(err, &refused):
			line["ok"], line["reason"], line["detail"] = false, refused.reason, refused.detail
		default:
			return nil, err
		}
		text, _ := json.Marshal(line)
		lines[i], failed = string(text), failed || line["ok"] != true
	}
	return timed(textResult(id, strings.Join(lines, "\n"), failed), slowest), nil
}

func timed(made *reply, upstreamMS float64) *reply {
	if upstreamMS >= 0 {
		made.set("Server-Timing", fmt.Sprintf("upstream;dur=%.1f", upstreamMS))
	}
	return made
}

func parsed(text []byte, known modules) (command, error) {
	wanted := command{}
	if err := json.Unmarshal(text, &wanted); err != nil {
		return wanted, badArguments("%s", err)
	}
	if _, there := known[wanted.Module][wanted.Tool]; !there {
		return wanted, badArguments("unknown tool %s.%s; see get_module_schema", wanted.Module, wanted.Tool)
	}
	if wanted.Params == nil {
		wanted.Params = map[string]any{}
	}
	return wanted, nil
}

// commands are JSON Lines, 1 to 10; one bad line refuses all.
func commands(arguments json.RawMessage, known modules) ([]command, error) {
	var given struct{ Commands string }
	json.Unmarshal(arguments, &given)
	made := []command{}
	for number, line := range strings.Split(given.Commands, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		wanted, err := parsed([]byte(line), known)
		if err != nil {
			return nil, badArguments("commands, line %d: %s", number+1, err)
		}
		made = append(made, wanted)
	}
	if len(made) == 0 || len(made) > maxCommands {
		return nil, badArguments("commands: JSON Lines, 1 to %d, are allowed; got %d", maxCommands, len(made))
	}
	return made, nil
}

// listing is the answer to tools/list; %[1]s: the modules' names.
const listing = `{"tools": [
	{"name": "run", "description": "Call one tool of a module.", "inputSchema": {"type": "object",
		"properties": {"module": {"type": "string", "enum": %[1]s}, "tool": {"type": "string"}, "params": {"type": "object"}},
		"required": ["module", "tool"]}},
	{"name": "get_module_schema", "description": "The tools of a module.", "inputSchema": {"type": "object",
		"properties": {"module": {"type": "string", "enum": %[1]s}}, "required": ["module"]}},
	{"name": "batch", "description": "Call several tools at once.", "inputSchema": {"type": "object",
		"properties": {"commands": {"type": "string", "description": "JSON Lines, at most 10 commands"}},
		"required": ["commands"]}}
]}`

func listed(known modules) any {
	names, _ := json.Marshal(slices.Sorted(maps.Keys(known)))
	return json.RawMessage(fmt.Sprintf(listing, names))
}

func moduleSchema(arguments json.RawMessage, known modules) (string, error) {
	var given struct{ Module string }
	json.Unmarshal(arguments, &given)
	found, there := known[given.Module]
	if !there {
		allowed := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
		return "", badArguments("unknown module %q; allowed: %s", given.Module, allowed)
	}
	tools := []any{}
	for _, tool := range slices.Sorted(maps.Keys(found)) {
		tools = append(tools, map[string]any{"name": tool, "inputSchema": json.RawMessage(anything)})
	}
	text, err := json.Marshal(map[string]any{"module": given.Module, "tools": tools})
	return string(text), err
}

// initialized gives a version that is served, and no session: none is kept.
func initialized(asked *request) *reply {
	var version string
	json.Unmarshal(asked.Params["protocolVersion"], &version)
	if !slices.Contains(versions, version) {
		version = versions[0]
	}
	return result(asked.ID, map[string]any{
		"protocolVersion": version,
		"capabilities":    map[string]any{"tools": map[string]any{"listChanged": false}},
		"serverInfo":      map[string]any{"name": "mcpist", "version": "1.0.0"},
	})
}

// token is a random text of so many bytes, in hex.
func token(bytes int) string {
	made := make([]byte, bytes)
	rand.Read(made)
	return hex.EncodeToString(made)
}
