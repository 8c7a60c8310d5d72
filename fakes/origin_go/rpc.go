package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

const (
	parseError     = -32700
	invalidRequest = -32600
	methodNotFound = -32601
	invalidParams  = -32602
)

// request is one JSON-RPC call. id is a number, a text or nil.
type request struct {
	method string
	id     any
	params map[string]json.RawMessage
}

// reply is an answer before it is written: body is encoded as JSON, nil for none.
type reply struct {
	status int
	header http.Header
	body   any
}

func (r *reply) set(name, value string) {
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header.Set(name, value)
}

// rpcError is an error of the protocol: HTTP 200.
type rpcError struct {
	code    int
	message string
}

func (e *rpcError) Error() string { return e.message }

func badArguments(format string, values ...any) error {
	return &rpcError{invalidParams, fmt.Sprintf(format, values...)}
}

func decode(body []byte) (*request, error) {
	if !json.Valid(body) {
		return nil, &rpcError{parseError, "the body is no JSON"}
	}
	var raw struct {
		Method *string                    `json:"method"`
		ID     any                        `json:"id"`
		Params map[string]json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, &rpcError{invalidRequest, err.Error()}
	}
	if raw.Method == nil || !validID(raw.ID) {
		return nil, &rpcError{invalidRequest, "method: a text is needed; id: a number or a text"}
	}
	return &request{*raw.Method, raw.ID, raw.Params}, nil
}

// idOf is the id in a body, nil where none can be read.
func idOf(body []byte) any {
	var raw struct {
		ID any `json:"id"`
	}
	if json.Unmarshal(body, &raw) != nil || !validID(raw.ID) {
		return nil
	}
	return raw.ID
}

func validID(id any) bool {
	switch id.(type) {
	case nil, string, float64:
		return true
	}
	return false
}

func result(id, value any) *reply {
	return &reply{status: http.StatusOK, body: map[string]any{"jsonrpc": "2.0", "id": id, "result": value}}
}

func failed(id any, code int, message string, data any) *reply {
	told := map[string]any{"code": code, "message": message}
	if data != nil {
		told["data"] = data
	}
	return &reply{status: http.StatusOK, body: map[string]any{"jsonrpc": "2.0", "id": id, "error": told}}
}

// textResult is what a tool said; isError says that the tool failed.
func textResult(id any, text string, isError bool) *reply {
	content := []map[string]string{{"type": "text", "text": text}}
	return result(id, map[string]any{"content": content, "isError": isError})
}

// write sends the reply in one piece, as an event of a stream where asked for.
func (r *reply) write(w http.ResponseWriter, event bool) {
	text, kind := []byte{}, "application/json"
	if r.body != nil {
		text, _ = json.Marshal(r.body)
	}
	if event {
		text, kind = append(append([]byte("event: message\ndata: "), text...), "\n\n"...), "text/event-stream"
	}
	header := w.Header()
	for name, values := range r.header {
		header[name] = values
	}
	if r.body != nil {
		header.Set("Content-Type", kind)
	}
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(r.status)
	w.Write(text)
}
