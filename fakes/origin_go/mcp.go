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

var offered = map[string]any{"tools": map[string]any{"listChanged": false}}

// serve answers one request. Errors: *rpcError, *refusal, or the end of ctx.
func (c *caller) serve(ctx context.Context, about *callContext, asked *request) (*reply, error) {
	switch method := *asked.Method; {
	case method == "tools/call":
		return c.tool(ctx, about, asked)
	case method == "tools/list":
		return about.toCache(asked.ID, map[string]any{"tools": listed(about.snap.settings)}), nil
	case strings.HasPrefix(method, "notifications/"):
		return &reply{status: 202}, nil
	case method == "initialize" && about.era == legacy:
		return c.initialize(ctx, about, asked)
	case method == "ping" && about.era == legacy:
		return result(asked.ID, map[string]any{}), nil
	case method == "server/discover" && about.era == modern:
		return about.toCache(asked.ID, map[string]any{"supportedVersions": allVersions, "capabilities": offered}), nil
	default:
		message := "unknown method " + method
		return nil, &rpcError{code: methodNotFound, message: message, status: about.era.unknownMethod}
	}
}

// toCache is a list as its era has it: a modern one says how long it may be kept.
func (about *callContext) toCache(id any, value map[string]any) *reply {
	if about.era == modern {
		value["ttlMs"], value["cacheScope"] = about.snap.settings.MCP.TTL.span().Milliseconds(), "public"
	}
	return result(id, about.era.marked(value))
}

func (c *caller) tool(ctx context.Context, about *callContext, asked *request) (*reply, error) {
	name, _ := asText(asked.Params["name"])
	arguments := json.RawMessage("{}")
	if raw, given := asked.Params["arguments"]; given {
		arguments = raw
	}
	if !isObject(arguments) {
		return nil, badArguments("arguments: an object is allowed")
	}
	known := about.snap.settings.Upstreams
	switch name {
	case "run":
		wanted, err := parsed(object(arguments), known)
		if err != nil {
			return nil, err
		}
		return c.one(ctx, about, asked, wanted)
	case "batch":
		wanted, err := commands(arguments, known)
		if err != nil {
			return nil, err
		}
		return c.batch(ctx, about, asked.ID, wanted)
	case "get_module_schema":
		text, err := moduleSchema(arguments, known)
		return textResult(about, asked.ID, text, false), err
	}
	named, there := about.snap.settings.MCP.Tools[name]
	if !there {
		others := slices.Sorted(maps.Keys(about.snap.settings.MCP.Tools))
		allowed := append([]string{"run", "get_module_schema", "batch"}, others...)
		return nil, badArguments("name: allowed are %s", strings.Join(allowed, ", "))
	}
	if about.era == modern {
		if asking, err := named.asking(asked); asking || err != nil {
			asks := map[string]any{named.Asks: json.RawMessage(question)}
			value := modern.marked(map[string]any{"inputRequests": asks})
			value["resultType"] = "input_required"
			return result(asked.ID, value), err
		}
	}
	wanted := command{named.Module, named.Tool, arguments}
	if err := wanted.check(known); err != nil {
		return nil, err
	}
	return c.one(ctx, about, asked, wanted)
}

// one is the answer to a single tool call.
func (c *caller) one(ctx context.Context, about *callContext, asked *request, wanted command) (*reply, error) {
	said, err := c.call(ctx, about, wanted, about.requestID)
	if err != nil {
		return nil, err
	}
	return timed(textResult(about, asked.ID, said.text, said.isError()), said.upstreamMS), nil
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
	return timed(textResult(about, id, strings.Join(lines, "\n"), failed), slowest), nil
}

func timed(made *reply, upstreamMS float64) *reply {
	if upstreamMS >= 0 {
		made.set("Server-Timing", fmt.Sprintf("upstream;dur=%.1f", upstreamMS))
	}
	return made
}

// initialize gives a version that is served, and a session where they are kept.
func (c *caller) initialize(ctx context.Context, about *callContext, asked *request) (*reply, error) {
	version, _ := asText(asked.Params["protocolVersion"])
	if !slices.Contains(legacyVersions, version) {
		version = legacyVersions[0]
	}
	made := result(asked.ID, map[string]any{"protocolVersion": version, "capabilities": offered, "serverInfo": server})
	kept := about.snap.settings.MCP.Sessions
	if kept == sessionsOff {
		return made, nil
	}
	opened, err := c.sessions.open(ctx, about.user, kept == sessionsShared)
	if err != nil {
		return nil, err
	}
	return made.set(sessionHeader, opened.id), nil
}

// token is a random text of so many bytes, in hex.
func token(bytes int) string {
	made := make([]byte, bytes)
	rand.Read(made)
	return hex.EncodeToString(made)
}
