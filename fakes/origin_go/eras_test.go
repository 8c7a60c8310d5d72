package main

import (
	"errors"
	"net/http"
	"testing"
)

const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

func headers(pairs ...string) http.Header {
	made := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		made.Set(pairs[i], pairs[i+1])
	}
	return made
}

func requested(t *testing.T, body string) *request {
	t.Helper()
	asked, err := decode([]byte(body))
	if err != nil {
		t.Fatal(body, err)
	}
	return asked
}

func TestWhichEraARequestBelongsTo(t *testing.T) {
	plain, told := `{"id":1,"method":"ping"}`, `{"id":1,"method":"ping","params":{`+meta+`}}`
	for _, row := range []struct {
		body    string
		version []string
		want    *era
	}{
		{plain, nil, legacy}, {plain, []string{"2025-03-26"}, legacy}, {plain, []string{"2026-07-28"}, modern},
		{plain, []string{"1999"}, modern}, {plain, []string{""}, modern}, {told, nil, modern}, {told, []string{"2025-11-25"}, modern},
	} {
		header := http.Header{"Mcp-Protocol-Version": row.version}
		if eraOf(header, requested(t, row.body)) != row.want {
			t.Error(row.body, row.version)
		}
	}
}

func TestTheRulesOfTheModernEra(t *testing.T) {
	version, method := []string{"MCP-Protocol-Version", "2026-07-28"}, []string{"Mcp-Method", "tools/call"}
	with := func(parts ...[]string) http.Header {
		all := append([]string{}, version...)
		for _, one := range parts {
			all = append(all, one...)
		}
		return headers(all...)
	}
	call := `{"id":1,"method":"tools/call","params":{"name":"find","arguments":{"place":"köln","n":[1, 2]},` + meta + `}}`
	named, place, n := []string{"Mcp-Name", "find"}, []string{"Mcp-Param-Place", "=?base64?a8O2bG4=?="}, []string{"Mcp-Param-N", "[1,2]"}
	own := &mcpSettings{CompareHeaders: true, Tools: map[string]namedTool{"find": {Headers: map[string]string{
		"place": "Place", "n": "N", "not": "Not",
	}}}}
	for _, row := range []struct {
		header   http.Header
		body     string
		code     int
		settings *mcpSettings
	}{
		{with(method, named, place, n), call, 0, own},
		{with(), call, 0, &mcpSettings{}},
		{with(named, place, n), call, headerMismatch, own},
		{with(method, place, n), call, headerMismatch, own},
		{with(method, named, n), call, headerMismatch, own},
		{with(method, named, place, []string{"Mcp-Param-N", "[1]"}), call, headerMismatch, own},
		{with(method, named, place, n, []string{"Mcp-Param-Not", "x"}), call, headerMismatch, own},
		{with(method, []string{"Mcp-Name", "=?base64?!?="}, place, n), call, headerMismatch, own},
		{headers(), call, headerMismatch, own},
		{with(), `{"id":1,"method":"ping"}`, invalidParams, own},
		{with(), `{"id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`, invalidParams, own},
		{with(), `{"id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}}`, invalidParams, own},
		{with(), `{"id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":null,"io.modelcontextprotocol/clientCapabilities":{}}}}`, invalidParams, own},
		{with([]string{"Mcp-Method", "ping"}), `{"id":1,"method":"ping","params":{"":"x",` + meta + `}}`, 0, own},
		{with([]string{"Mcp-Method", "notifications/x"}), `{"method":"notifications/x"}`, 0, own},
		{headers("MCP-Protocol-Version", "1999"), `{"method":"notifications/x"}`, unsupportedVersion, own},
	} {
		err, code := checkModern(row.header, requested(t, row.body), row.settings), 0
		var told *rpcError
		if errors.As(err, &told) {
			code = told.code
			if told.status != 400 {
				t.Error("not 400:", err)
			}
		}
		if code != row.code {
			t.Error(row.header, row.body, err)
		}
	}
}

func TestAHeaderInTwoLinesSaysNothing(t *testing.T) {
	call := requested(t, `{"id":1,"method":"tools/call","params":{"name":"find","arguments":{"place":"here"},`+meta+`}}`)
	own := &mcpSettings{CompareHeaders: true, Tools: map[string]namedTool{"find": {Headers: map[string]string{"place": "Place"}}}}
	good := map[string]string{
		"Mcp-Protocol-Version": modernVersion, "Mcp-Method": "tools/call", "Mcp-Name": "find", "Mcp-Param-Place": "here",
	}
	for name, value := range good {
		for _, lines := range [][]string{{value, "other"}, {"other", value}, {value, value}, {value, ""}} {
			header := http.Header{}
			for one, said := range good {
				header.Set(one, said)
			}
			if err := checkModern(header, call, own); err != nil {
				t.Fatal(err)
			}
			header[name] = lines
			var told *rpcError
			if err := checkModern(header, call, own); !errors.As(err, &told) || told.code != headerMismatch {
				t.Error(name, lines, err)
			}
		}
	}
	twice := http.Header{"Mcp-Protocol-Version": {"2025-11-25", "2025-11-25"}}
	if saysLegacy(twice) {
		t.Error(twice)
	}
}

func TestATextThatIsNoBase64OrNotASCIIIsNotRead(t *testing.T) {
	for value, want := range map[string]string{" a b ": "a b", "=?base64?w7w=?=": "ü", "": ""} {
		if told, readable := decoded(value); !readable || told != want {
			t.Error(value, told)
		}
	}
	for _, value := range []string{"ü", "a\u00a0", "\u00a0=?base64?w7w=?=", "=?base64?w7w?=", "=?base64?/w==?="} {
		if _, readable := decoded(value); readable {
			t.Error(value)
		}
	}
}
