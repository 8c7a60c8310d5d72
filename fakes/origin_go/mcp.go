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

const (
	protocol    = "2025-06-18"
	maxCommands = 10
)

// command is one tool call, as `run` takes it.
type command struct {
	Module string         `json:"module"`
	Tool   string         `json:"tool"`
	Params map[string]any `json:"params"`
}

type modules = map[string]map[string]any

// serve answers one request. Errors: *rpcError, *refusal, or the end of ctx.
func (c *caller) serve(ctx context.Context, about *callContext, asked *request) (*reply, error) {
	switch asked.method {
	case "tools/call":
		return c.tool(ctx, about, asked)
	case "tools/list":
		return result(asked.id, listing(about.snap.settings.Upstreams)), nil
	case "initialize":
		return initialized(asked), nil
	case "ping":
		return result(asked.id, map[string]any{}), nil
	}
	if strings.HasPrefix(asked.method, "notifications/") {
		return &reply{status: 202}, nil
	}
	return nil, &rpcError{methodNotFound, "unknown method " + asked.method}
}

func (c *caller) tool(ctx context.Context, about *callContext, asked *request) (*reply, error) {
	var name string
	arguments := json.RawMessage("{}")
	if raw, given := asked.params["arguments"]; given {
		arguments = raw
	}
	if err := json.Unmarshal(arguments, &map[string]json.RawMessage{}); err != nil {
		return nil, badArguments("arguments: an object is allowed")
	}
	json.Unmarshal(asked.params["name"], &name)
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
		return timed(textResult(asked.id, said.text, said.isError), said.upstreamMS), nil
	case "batch":
		return c.batch(ctx, about, asked.id, arguments)
	case "get_module_schema":
		text, err := moduleSchema(arguments, known)
		return textResult(asked.id, text, false), err
	}
	return nil, badArguments("name: run, get_module_schema or batch is allowed")
}

// batch runs its commands at once and charges each under `<request id>/<n>`; one line of JSON a command.
func (c *caller) batch(ctx context.Context, about *callContext, id any, arguments json.RawMessage) (*reply, error) {
	wanted, err := commands(arguments, about.snap.settings.Upstreams)
	if err != nil {
		return nil, err
	}
	lines, failures := make([]any, len(wanted)), make([]error, len(wanted))
	timings := make([]float64, len(wanted))
	var group sync.WaitGroup
	for i, one := range wanted {
		group.Go(func() {
			timings[i] = -1
			said, err := c.call(ctx, about, one, fmt.Sprintf("%s/%d", about.requestID, i+1))
			var refused *refusal
			switch {
			case errors.As(err, &refused):
				lines[i] = map[string]any{"ok": false, "reason": refused.reason, "detail": refused.detail}
			case err != nil:
				failures[i] = err
			default:
				lines[i] = map[string]any{"ok": !said.isError, "text": said.text}
				timings[i] = said.upstreamMS
			}
		})
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, ctx.Err()
	}
	texts, failed := make([]string, len(lines)), false
	for i, line := range lines {
		text, _ := json.Marshal(line)
		texts[i] = string(text)
		failed = failed || line.(map[string]any)["ok"] != true
	}
	return timed(textResult(id, strings.Join(texts, "\n"), failed), slices.Max(timings)), nil
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
	var given struct {
		Commands string `json:"commands"`
	}
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

func listing(known modules) any {
	module := map[string]any{"type": "string", "enum": slices.Sorted(maps.Keys(known))}
	text := map[string]any{"type": "string"}
	lines := map[string]any{"type": "string", "description": "JSON Lines, at most 10 commands"}
	run := map[string]any{"module": module, "tool": text, "params": map[string]any{"type": "object"}}
	tool := func(name, about string, schema any) map[string]any {
		return map[string]any{"name": name, "description": about, "inputSchema": schema}
	}
	return map[string]any{"tools": []any{
		tool("run", "Call one tool of a module.", schema(run, "module", "tool")),
		tool("get_module_schema", "The tools of a module.", schema(map[string]any{"module": module}, "module")),
		tool("batch", "Call several tools at once.", schema(map[string]any{"commands": lines}, "commands")),
	}}
}

func moduleSchema(arguments json.RawMessage, known modules) (string, error) {
	var given struct {
		Module any `json:"module"`
	}
	json.Unmarshal(arguments, &given)
	name, _ := given.Module.(string)
	found, there := known[name]
	if !there {
		allowed := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
		return "", badArguments("unknown module %q; allowed: %s", name, allowed)
	}
	tools := []any{}
	for _, tool := range slices.Sorted(maps.Keys(found)) {
		tools = append(tools, map[string]any{"name": tool, "inputSchema": schema(map[string]any{})})
	}
	text, err := json.Marshal(map[string]any{"module": name, "tools": tools})
	return string(text), err
}

func schema(properties map[string]any, required ...string) map[string]any {
	return map[string]any{"type": "object", "properties": properties, "required": append([]string{}, required...)}
}

func initialized(asked *request) *reply {
	version := protocol
	json.Unmarshal(asked.params["protocolVersion"], &version)
	made := result(asked.id, map[string]any{
		"protocolVersion": version,
		"capabilities":    map[string]any{"tools": map[string]any{"listChanged": false}},
		"serverInfo":      map[string]any{"name": "mcpist", "version": "1.0.0"},
	})
	made.set("Mcp-Session-Id", token(16))
	return made
}

// token is a random text of so many bytes, in hex.
func token(bytes int) string {
	made := make([]byte, bytes)
	rand.Read(made)
	return hex.EncodeToString(made)
}
