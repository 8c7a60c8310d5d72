package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// The two eras of MCP: see fakes/origin/eras.py for the rules that the modern one has for a request.
const (
	modernVersion   = "2026-07-28"
	versionKey      = "io.modelcontextprotocol/protocolVersion"
	capabilitiesKey = "io.modelcontextprotocol/clientCapabilities"
	serverKey       = "io.modelcontextprotocol/serverInfo"
	subscriptionKey = "io.modelcontextprotocol/subscriptionId"
)

var (
	legacyVersions = []string{"2025-11-25", "2025-06-18", "2025-03-26"} // the newest first
	allVersions    = append([]string{modernVersion}, legacyVersions...)
	server         = map[string]any{"name": "mcpist", "version": "1.0.0"}
	namedBy        = map[string]string{"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
)

// era is what each of its results is marked with, and the status of an unknown method.
type era struct {
	marks         map[string]any
	unknownMethod int
}

var (
	legacy = &era{nil, http.StatusOK}
	modern = &era{
		map[string]any{"resultType": "complete", "_meta": map[string]any{serverKey: server}}, http.StatusNotFound,
	}
)

// marked is a result as the era has it.
func (e *era) marked(value map[string]any) map[string]any {
	maps.Copy(value, e.marks)
	return value
}

// saysLegacy says whether the version header is one of the legacy era, which may leave it out.
func saysLegacy(header http.Header) bool {
	return len(header.Values("Mcp-Protocol-Version")) == 0 || slices.Contains(legacyVersions, field(header, "Mcp-Protocol-Version"))
}

// eraOf is the one that a request belongs to.
func eraOf(header http.Header, asked *request) *era {
	if _, named := asked.meta()[versionKey]; named || !saysLegacy(header) {
		return modern
	}
	return legacy
}

// checkModern gives a *rpcError for a request that breaks the modern era's rules. Notifications need no `_meta`.
func checkModern(header http.Header, asked *request, s *mcpSettings) error {
	told := field(header, "Mcp-Protocol-Version")
	version := told
	if asked.ID != nil {
		var err error
		if version, err = asked.version(); err != nil {
			return err
		}
	}
	switch {
	case told != version:
		return mismatch("MCP-Protocol-Version")
	case version != modernVersion:
		data := map[string]any{"supported": allVersions, "requested": version}
		return &rpcError{unsupportedVersion, "Unsupported protocol version", 400, data}
	case s.CompareHeaders:
		return compared(header, asked, s.Tools)
	}
	return nil
}

func (asked *request) version() (string, error) {
	meta := asked.meta()
	if meta == nil {
		return "", &rpcError{code: invalidParams, message: "params._meta is missing", status: 400}
	}
	version, told := asText(meta[versionKey])
	if !told {
		return "", &rpcError{code: invalidParams, message: "params._meta: " + versionKey + " is missing", status: 400}
	}
	if asked.capabilities() == nil {
		return "", &rpcError{code: invalidParams, message: "params._meta: " + capabilitiesKey + " is missing", status: 400}
	}
	return version, nil
}

// meta is what a request says of itself; nil where it says nothing.
func (asked *request) meta() map[string]json.RawMessage { return object(asked.Params["_meta"]) }

// capabilities are what a modern request's client declared.
func (asked *request) capabilities() map[string]json.RawMessage {
	return object(asked.meta()[capabilitiesKey])
}

// compared gives a *rpcError where a header does not say what the body says.
func compared(header http.Header, asked *request, tools map[string]namedTool) error {
	if field(header, "Mcp-Method") != *asked.Method {
		return mismatch("Mcp-Method")
	}
	key, has := namedBy[*asked.Method]
	raw := asked.Params[key]
	if !has || raw == nil || string(raw) == "null" {
		return nil
	}
	name, is := asText(raw)
	if told, readable := decoded(field(header, "Mcp-Name")); !is || !readable || told != name {
		return mismatch("Mcp-Name")
	}
	arguments := object(asked.Params["arguments"])
	if arguments == nil {
		return nil
	}
	for param, one := range tools[name].Headers {
		if !sameParam(header, "Mcp-Param-"+one, arguments[param]) {
			return mismatch("Mcp-Param-" + one)
		}
	}
	return nil
}

// sameParam says whether a parameter and its header say the same, or neither is there. What is no text is in the
// header as its JSON.
func sameParam(header http.Header, name string, value json.RawMessage) bool {
	if value == nil {
		value = json.RawMessage("null")
	}
	if len(header.Values(name)) == 0 {
		return string(value) == "null"
	}
	text, is := asText(value)
	if !is {
		var plain bytes.Buffer
		json.Compact(&plain, value)
		text = plain.String()
	}
	said, readable := decoded(field(header, name))
	return readable && said == text
}

// decoded is what a header's value stands for, which may be base64 of UTF-8 between markers.
func decoded(value string) (string, bool) {
	value = strings.Trim(value, " \t") // no more than HTTP itself: what a reader before takes for part of a name is one
	inner, begins := strings.CutPrefix(value, "=?base64?")
	inner, ends := strings.CutSuffix(inner, "?=")
	if begins && ends {
		text, err := base64.StdEncoding.DecodeString(inner)
		return string(text), err == nil && utf8.Valid(text)
	}
	for _, one := range []byte(value) {
		if one > 127 {
			return "", false
		}
	}
	return value, true
}

func mismatch(header string) error {
	message := "Header mismatch: " + header + " is not what the body says"
	return &rpcError{code: headerMismatch, message: message, status: 400}
}
