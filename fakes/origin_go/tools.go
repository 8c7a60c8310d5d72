package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	maxCommands = 10
	anything    = `{"type":"object","properties":{},"required":[]}` // the schema of a tool's params
)

// question is what a named tool that asks has the client ask its user.
const question = `{"method": "elicitation/create", "params": {"message": "Go on?",
	"requestedSchema": {"type": "object", "properties": {"answer": {"type": "string"}}}}}`

// modules are the tools by module and name.
type modules = map[string]map[string]any

// command is one tool call, as `run` takes it; Params are an object, as it was written.
type command struct {
	Module, Tool string
	Params       json.RawMessage
}

func parsed(said map[string]json.RawMessage, known modules) (command, error) {
	module, isText := asText(said["module"])
	tool, isTextToo := asText(said["tool"])
	params, given := said["params"]
	if !given {
		params = json.RawMessage("{}")
	}
	if !isText || !isTextToo || !isObject(params) {
		return command{}, badArguments("module, tool: a text is needed; params: an object")
	}
	wanted := command{module, tool, params}
	return wanted, wanted.check(known)
}

// check is for a tool that there is.
func (c *command) check(known modules) error {
	if _, there := known[c.Module][c.Tool]; !there {
		return badArguments("unknown tool %s.%s; see get_module_schema", c.Module, c.Tool)
	}
	return nil
}

// commands are JSON Lines, 1 to 10; one bad line refuses all.
func commands(arguments json.RawMessage, known modules) ([]command, error) {
	given, _ := asText(object(arguments)["commands"])
	made := []command{}
	for number, line := range strings.Split(given, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var wanted command
		said, err := fields([]byte(line))
		if err == nil {
			wanted, err = parsed(said, known)
		}
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

// metaTools are in every answer to tools/list; %[1]s: the modules' names.
const metaTools = `[
	{"name": "run", "description": "Call one tool of a module.", "inputSchema": {"type": "object",
		"properties": {"module": {"type": "string", "enum": %[1]s}, "tool": {"type": "string"}, "params": {"type": "object"}},
		"required": ["module", "tool"]}},
	{"name": "get_module_schema", "description": "The tools of a module.", "inputSchema": {"type": "object",
		"properties": {"module": {"type": "string", "enum": %[1]s}}, "required": ["module"]}},
	{"name": "batch", "description": "Call several tools at once.", "inputSchema": {"type": "object",
		"properties": {"commands": {"type": "string", "description": "JSON Lines, at most 10 commands"}},
		"required": ["commands"]}}
]`

// listed are all tools, the named ones first.
func listed(s *settings) []any {
	all := []any{}
	for _, name := range slices.Sorted(maps.Keys(s.MCP.Tools)) {
		one, properties := s.MCP.Tools[name], map[string]any{}
		for param, header := range one.Headers {
			properties[param] = map[string]any{"type": "string", "x-mcp-header": header}
		}
		schema := map[string]any{"type": "object", "properties": properties, "required": []string{}}
		description := fmt.Sprintf("%s of %s.", one.Tool, one.Module)
		all = append(all, map[string]any{"name": name, "description": description, "inputSchema": schema})
	}
	names, _ := json.Marshal(slices.Sorted(maps.Keys(s.Upstreams)))
	own := []json.RawMessage{}
	json.Unmarshal(fmt.Appendf(nil, metaTools, names), &own)
	for _, one := range own {
		all = append(all, one)
	}
	return all
}

func moduleSchema(arguments json.RawMessage, known modules) (string, error) {
	module, _ := asText(object(arguments)["module"])
	found, there := known[module]
	if !there {
		allowed := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
		return "", badArguments("unknown module %q; allowed: %s", module, allowed)
	}
	tools := []any{}
	for _, tool := range slices.Sorted(maps.Keys(found)) {
		tools = append(tools, map[string]any{"name": tool, "inputSchema": json.RawMessage(anything)})
	}
	text, err := json.Marshal(map[string]any{"module": module, "tools": tools})
	return string(text), err
}

// asking says whether the user is still to be asked; a *rpcError for a capability that the client lacks.
func (t *namedTool) asking(asked *request) (bool, error) {
	needed, declared, missing := t.Requires, asked.capabilities(), map[string]any{}
	if t.Asks != "" {
		needed = append([]string{"elicitation"}, needed...)
	}
	for _, one := range needed {
		if _, there := declared[one]; !there {
			missing[one] = map[string]any{}
		}
	}
	if len(missing) > 0 {
		data := map[string]any{"requiredCapabilities": missing}
		return false, &rpcError{missingCapability, "Missing client capability", 400, data}
	}
	_, answered := object(asked.Params["inputResponses"])[t.Asks]
	return t.Asks != "" && !answered, nil
}
