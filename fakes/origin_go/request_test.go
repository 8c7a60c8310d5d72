package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWhatIsNoRequest(t *testing.T) {
	for body, code := range map[string]int{
		`{`: parseError, ``: parseError, `[]`: invalidRequest, `{"id":1}`: invalidRequest, `{"method":1}`: invalidRequest,
		`null`: invalidRequest, `{"method":null}`: invalidRequest, `{"METHOD":"a"}`: invalidRequest,
		`{"method":"a","id":{}}`: invalidRequest, `{"method":"a","id":true}`: invalidRequest, `{"method":"a","id":1e999}`: invalidRequest,
		`{"method":"a","params":[]}`: invalidRequest, `{"method":"a","params":null}`: invalidRequest,
		`{"method":"a","params":{"x":[1e999]}}`: invalidRequest, `{"method":"a","params":{"x":-1.5E+400}}`: invalidRequest,
		`{"method":"a","params":{"x":"\"","y":` + strings.Repeat("9", 310) + `}}`: invalidRequest,
		`{"jsonrpc":2.0,"method":"a"}`:                                            invalidRequest, `{"jsonrpc":null,"method":"a"}`: invalidRequest,
		"{\"method\":\"a\",\"params\":{\"x\":\"\xff\"}}": parseError, "\ufeff{\"method\":\"a\"}": parseError,
		`{"method":"a","params":{"x":"\ud83d"}}`: parseError, `{"method":"a","params":{"x":"\uDE00"}}`: parseError,
		`{"method":"a","params":{"x":"\\\ud83d\n"}}`: parseError, `{"method":"a","params":{"x":"\ud83d\ud83d\ude00"}}`: parseError,
		`{"method":"a","params":{"x":"\ud83d\ude00\ude00"}}`: parseError,
	} {
		_, err := decode([]byte(body))
		refused, is := err.(*rpcError)
		if !is || refused.code != code {
			t.Errorf("%s: %v, not %d", body, err, code)
		}
	}
	for _, body := range []string{
		`{"method":"a"}`, `{"method":"a","id":null,"params":{"x":"\\ud83d","y":"\ud83d\ude00\u00e4\\","z":1e300,"1e999":"1e999"}}`,
		`{"method":"a","params":{"x":"` + strings.Repeat("9", 310) + `","y":[true,1,` + strings.Repeat("123456789.0,", 40) + `2]}}`,
		`{"METHOD":1,"Params":null,"method":"a","jsonrpc":"2.0"}`,
	} {
		if asked, err := decode([]byte(body)); err != nil || *asked.Method != "a" {
			t.Error(body, err)
		}
	}
	if asked, _ := decode([]byte(`{"id":"x","method":1}`)); asked.ID != "x" {
		t.Error(asked.ID)
	}
}

func TestAnIDComesBackAsItWasWritten(t *testing.T) {
	for _, id := range []string{`1234567`, `9007199254740993`, `-123456789012345678901`, `1.50`, `"1"`, `"ü"`, `null`} {
		asked := requested(t, `{"id":`+id+`,"method":"a"}`)
		for _, made := range []*reply{result(asked.ID, 1), (&refusal{reason: "load_shed"}).answer(asked.ID)} {
			if said := text(t, made.body); !strings.Contains(said, `"id":`+id+`,`) {
				t.Error(id, said)
			}
		}
	}
	client, first := t.Context(), ""
	take := func(text string) error { first = text; return errors.New("enough") }
	newStreams(newMetrics()).subscribed(requested(t, `{"id":1234567,"method":"a"}`).ID, 1).stream(client, take)
	if !strings.Contains(first, `"`+subscriptionKey+`":"1234567"`) {
		t.Error(first)
	}
}

func TestACallIsCancelledByItsOwnID(t *testing.T) {
	own, stopped := newSession("s", "ann"), ""
	for _, id := range []string{`9007199254740993`, `9007199254740992`, `"9007199254740993"`, `null`} {
		own.enter(requested(t, `{"id":`+id+`,"method":"a"}`).ID, &task{stop: func() { stopped += id }})
	}
	for _, id := range []string{`9007199254740993`, `null`, `{}`, `true`, `7`, ``} {
		own.cancelCall(json.RawMessage(id))
	}
	if stopped != `9007199254740993` {
		t.Error(stopped)
	}
}

func TestNamesOfKeysAreExact(t *testing.T) {
	asked := requested(t, `{"method":"tools/call","params":{"name":"fast"},"PARAMS":{"name":"search"},"Method":"x"}`)
	if *asked.Method != "tools/call" || string(asked.Params["name"]) != `"fast"` {
		t.Error(text(t, asked))
	}
	for line, want := range map[string]string{
		`{"module":"fast","tool":"echo","MODULE":"notion","Tool":"search","PARAMS":[]}`: `{}`,
		`{"module":"fast","tool":"echo","params":{"n": 9007199254740993}}`:              `{"n": 9007199254740993}`,
		`{"MODULE":"fast","TOOL":"echo"}`:                                               ``,
		`{"module":"fast","tool":"echo","params":null}`:                                 ``,
		`{"module":"fast","tool":"echo","params":[]}`:                                   ``,
		`{"module":null,"tool":"echo"}`:                                                 ``,
	} {
		wanted, err := parsed(object(json.RawMessage(line)), known)
		if (err == nil) != (want != "") || string(wanted.Params) != want {
			t.Error(line, wanted, err)
		}
	}
	if _, err := moduleSchema(json.RawMessage(`{"MODULE":"fast"}`), known); err == nil {
		t.Error("a module by another key")
	}
	if _, err := commands(json.RawMessage(`{"Commands":"{\"module\":\"fast\",\"tool\":\"echo\"}"}`), known); err == nil {
		t.Error("commands by another key")
	}
	if _, err := commands(json.RawMessage(`{"commands":"{\"module\":\"fast\",\"tool\":\"echo\",\"x\":\"\\ud83d\"}"}`), known); err == nil {
		t.Error("half a pair in a line")
	}
}

func TestArgumentsThatAreNoObjectCallNothing(t *testing.T) {
	tools := map[string]namedTool{"find": {Module: "notion", Tool: "search"}}
	about := &callContext{era: legacy, snap: &snapshot{settings: &settings{Upstreams: known, MCP: mcpSettings{Tools: tools}}}}
	for _, name := range []string{"find", "run", "batch"} {
		for _, arguments := range []string{`null`, `[]`, `7`} {
			asked := requested(t, `{"method":"tools/call","params":{"name":"`+name+`","arguments":`+arguments+`}}`)
			_, err := (&caller{}).serve(t.Context(), about, asked)
			var told *rpcError
			if !errors.As(err, &told) || told.code != invalidParams || told.message != "arguments: an object is allowed" {
				t.Error(name, arguments, err)
			}
		}
	}
}

func TestAnUpstreamGetsParamsAndIntentAsTheyCame(t *testing.T) {
	sent, intent := "", ""
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent, intent = string(body), r.Header.Get("X-Intent")
	}))
	defer upstream.Close()
	c := &caller{upstream: strings.TrimPrefix(upstream.URL, "http://"), client: newClient()}
	params := `{"n": 9007199254740993}`
	_, err := c.ask(t.Context(), &callContext{intent: latin1("sch\xf6n")}, command{"fast", "echo", json.RawMessage(params)})
	if err != nil || sent != params || intent != "sch\xf6n" {
		t.Errorf("%v: %s, %q", err, sent, intent)
	}
}
