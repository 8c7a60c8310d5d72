package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

func text(t *testing.T, value any) string {
	t.Helper()
	made, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}

func TestARefusalOnTheWire(t *testing.T) {
	made := (&refusal{reason: "rate_limit_exceeded", retryAfter: 1.2, detail: "said"}).answer("a")
	seen := httptest.NewRecorder()
	made.write(seen, t.Context())
	want := `{"error":{"code":-32029,"data":{"detail":"said","reason":"rate_limit_exceeded","retry_after":2},` +
		`"message":"Rate limit of the plan exceeded"},"id":"a","jsonrpc":"2.0"}`
	if seen.Code != 429 || seen.Body.String() != want || seen.Header().Get("Retry-After") != "2" {
		t.Fatal(seen.Code, seen.Header(), seen.Body)
	}
}

func TestAnAnswerAsAnEvent(t *testing.T) {
	seen := httptest.NewRecorder()
	made := result(7.0, "x")
	made.event = true
	made.write(seen, t.Context())
	if seen.Body.String() != "event: message\ndata: {\"id\":7,\"jsonrpc\":\"2.0\",\"result\":\"x\"}\n\n" ||
		seen.Header().Get("Content-Type") != "text/event-stream" {
		t.Fatal(seen.Header(), seen.Body)
	}
}

var known = modules{"fast": {"echo": nil}, "notion": {"search": nil}}

func TestWhatABatchMayHold(t *testing.T) {
	line := `{"module":"fast","tool":"echo"}`
	for lines, said := range map[string]string{
		"":                              "1 to 10",
		strings.Repeat(line+"\n", 11):   "got 11",
		line + "\n{":                    "line 2",
		`{"module":"fast","tool":"no"}`: "unknown tool fast.no",
	} {
		_, err := commands(json.RawMessage(text(t, map[string]string{"commands": lines})), known)
		if err == nil || !strings.Contains(err.Error(), said) {
			t.Errorf("%q: %v", lines, err)
		}
	}
	made, err := commands(json.RawMessage(text(t, map[string]string{"commands": "\n" + line + "\n"})), known)
	if err != nil || len(made) != 1 || made[0].Module != "fast" {
		t.Fatal(made, err)
	}
}

func TestSettingsAreMergedAndUnknownOnesRefused(t *testing.T) {
	whole := tree{
		"origin":    map[string]any{"timeout": 30.0, "tiers": map[string]any{"free": 30.0}},
		"upstreams": map[string]any{},
	}
	part := map[string]any{
		"origin":    map[string]any{"timeout": 1.0, "tiers": map[string]any{"gold": 9.0}},
		"upstreams": map[string]any{"a": map[string]any{"b": 1.0}},
	}
	merged, err := whole.with(part, "")
	want := `{"origin":{"tiers":{"free":30,"gold":9},"timeout":1},"upstreams":{"a":{"b":1}}}`
	if err != nil || text(t, merged) != want {
		t.Fatal(text(t, merged), err)
	}
	if text(t, whole) != `{"origin":{"tiers":{"free":30},"timeout":30},"upstreams":{}}` {
		t.Fatal("the tree before must not change")
	}
	if _, err := whole.with(map[string]any{"origin": map[string]any{"timeuot": 1.0}}, ""); err == nil ||
		err.Error() != "settings: origin.timeuot: unknown key" {
		t.Fatal(err)
	}
}

func TestAStallHoldsAndLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &config{name: "origin-a", Settings: tree{}}
		first, err := newSnapshot(c)
		if err != nil {
			t.Fatal(err)
		}
		made := newControl(c, first)
		made.changed = func(*snapshot) {}
		obey := func(want int, command, body string) {
			if status, err := made.obey(command, []byte(body)); status != want {
				t.Fatal(status, err)
			}
		}
		obey(200, "faults", `{"faults":[{"id":"s","fault":"origin-stall"}]}`)
		held := make(chan bool, 1)
		go func() { held <- made.waitUntilGoing(t.Context()) }()
		for range 2 {
			synctest.Wait()
			if len(held) > 0 {
				t.Fatal("it goes on")
			}
			obey(200, "settings", "{}")
		}
		left, leave := context.WithCancel(t.Context())
		leave()
		if made.waitUntilGoing(left) {
			t.Fatal("a client that leaves is not held")
		}
		obey(200, "faults", `{"faults":[{"id":"s","fault":"origin-stall","target":"origin-b"}]}`)
		if !<-held || !made.waitUntilGoing(t.Context()) {
			t.Fatal("it is still held")
		}
		if counted := text(t, made.state(0)["effects"]); counted != `{"s":2}` {
			t.Fatal(counted)
		}
		obey(400, "faults", `{"faults":[{"fault":"no"}]}`)
		obey(400, "protections", `{"names":["timeout","timeout"]}`)
		obey(400, "settings", `{`)
		obey(404, "door", "")
	})
}

func TestSoManyAnswersAreLost(t *testing.T) {
	c := newControl(&config{}, &snapshot{origin: "origin-a", faults: []fault{
		{"id": "1", "fault": "answer-drop", "target": "origin-a", "every": 2.0, "count": 2.0},
	}})
	tool := result(1, nil).set("Server-Timing", "upstream;dur=1.0")
	lost := ""
	for range 7 {
		lost += map[bool]string{true: "x", false: "."}[c.losesAnswer(tool)]
		if c.losesAnswer(result(1, nil)) {
			t.Error("an answer that no upstream gave was lost")
		}
	}
	if lost != ".x.x..." || c.effects["1"] != 2 {
		t.Errorf("lost %s, seen %d", lost, c.effects["1"])
	}
}
