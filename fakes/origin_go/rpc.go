package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
)

const (
	parseError     = -32700
	invalidRequest = -32600
	methodNotFound = -32601
	invalidParams  = -32602

	noSession          = -32000
	sessionGone        = -32001
	headerMismatch     = -32020
	missingCapability  = -32021
	unsupportedVersion = -32022
	cancelled          = -32800
)

// rpcError is an error of the protocol; status 0 is HTTP 200, data nil is none.
type rpcError struct {
	code    int
	message string
	status  int
	data    any
}

func (e *rpcError) Error() string { return e.message }

// answer is the error as a JSON-RPC one with its HTTP status.
func (e *rpcError) answer(id any) *reply {
	made := failed(id, e.code, e.message, e.data)
	if e.status != 0 {
		made.status = e.status
	}
	return made
}

func badArguments(format string, values ...any) error {
	return &rpcError{code: invalidParams, message: fmt.Sprintf(format, values...)}
}

// reply is an answer before it is written: body is encoded as JSON, nil for none.
type reply struct {
	status int
	header http.Header
	body   any
	event  bool   // the body comes as the one event of a stream
	stream stream // in the place of a body, nil for none
}

// plain is an answer that is no JSON-RPC.
func plain(status int, key, value string) *reply {
	return &reply{status: status, body: map[string]string{key: value}}
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
func textResult(about *callContext, id any, text string, isError bool) *reply {
	content := []map[string]string{{"type": "text", "text": text}}
	return result(id, about.era.marked(map[string]any{"content": content, "isError": isError}))
}

// set gives the reply a header.
func (r *reply) set(name string, value any) *reply {
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header.Set(name, fmt.Sprint(value))
	return r
}

// write sends the reply in one piece, or piece by piece until its reader left.
func (r *reply) write(w http.ResponseWriter, left context.Context) {
	text, header := []byte{}, w.Header()
	maps.Copy(header, r.header)
	switch {
	case r.stream != nil:
		header.Set("Content-Type", "text/event-stream")
		w.WriteHeader(r.status)
		out := http.NewResponseController(w)
		r.stream(left, func(text string) error { io.WriteString(w, text); return out.Flush() })
		return
	case r.event:
		text = []byte(event(r.body))
		header.Set("Content-Type", "text/event-stream")
	case r.body != nil:
		text, _ = json.Marshal(r.body)
		header.Set("Content-Type", "application/json")
	}
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(r.status)
	w.Write(text)
}
