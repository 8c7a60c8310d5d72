package main

import (
	"errors"
	"testing"
)

func TestANamedToolNeedsCapabilitiesAndAsksOnce(t *testing.T) {
	tool := namedTool{Module: "fast", Tool: "echo", Requires: []string{"sampling"}, Asks: "name"}
	with := func(capabilities, answers string) *request {
		return requested(t, `{"id":1,"method":"tools/call","params":{"_meta":{"`+capabilitiesKey+`":`+capabilities+
			`},"inputResponses":`+answers+`}}`)
	}
	for _, row := range []struct {
		capabilities, answers string
		asks                  bool
		missing               string
	}{
		{`{}`, `{}`, false, `{"requiredCapabilities":{"elicitation":{},"sampling":{}}}`},
		{`{"sampling":{}}`, `{}`, false, `{"requiredCapabilities":{"elicitation":{}}}`},
		{`{"sampling":{},"elicitation":{}}`, `{}`, true, ``},
		{`{"sampling":{},"elicitation":{}}`, `null`, true, ``},
		{`{"sampling":{},"elicitation":{}}`, `{"name":{"action":"accept"}}`, false, ``},
	} {
		asks, err := tool.asking(with(row.capabilities, row.answers))
		var told *rpcError
		missing := ""
		if errors.As(err, &told) {
			missing = text(t, told.data)
		}
		if asks != row.asks || missing != row.missing {
			t.Error(row, asks, missing)
		}
	}
	if asks, err := (&namedTool{}).asking(with(`{}`, `{}`)); asks || err != nil {
		t.Error(asks, err)
	}
}

func TestNamedToolsStandFirstInTheList(t *testing.T) {
	made := listed(&settings{Upstreams: known, MCP: mcpSettings{Tools: map[string]namedTool{
		"find": {Module: "notion", Tool: "search", Headers: map[string]string{"place": "Place"}},
		"echo": {Module: "fast", Tool: "echo"},
	}}})
	want := `{"description":"search of notion.","inputSchema":{"properties":{"place":{"type":"string","x-mcp-header":"Place"}},` +
		`"required":[],"type":"object"},"name":"find"}`
	if len(made) != 5 || text(t, made[1]) != want {
		t.Fatal(text(t, made))
	}
}
