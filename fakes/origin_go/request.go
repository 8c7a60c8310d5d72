package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"unicode/utf8"
)

// request is one JSON-RPC call. ID is nil, a text, or a number as it was written: a float does not hold all of them.
type request struct {
	Method *string
	ID     any
	Params map[string]json.RawMessage
}

// decode reads a body as the edges do, so that none of them takes it for another call, or for none. What is no request
// is an *rpcError, beside it what could be read of the id.
func decode(body []byte) (*request, error) {
	said, err := fields(body)
	id, validID := identifier(said["id"])
	method, named := asText(said["method"])
	params, given := said["params"]
	asked := &request{Method: &method, ID: id, Params: object(params)}
	_, version := asText(said["jsonrpc"])
	switch {
	case errors.Is(err, errNoJSON):
		return asked, &rpcError{code: parseError, message: "the body is no JSON"}
	case err != nil:
		return asked, &rpcError{code: invalidRequest, message: err.Error()}
	case !named || !validID:
		return asked, &rpcError{code: invalidRequest, message: "method: a text is needed; id: a number or a text"}
	case given && asked.Params == nil:
		return asked, &rpcError{code: invalidRequest, message: "params: an object is needed"}
	case said["jsonrpc"] != nil && !version:
		return asked, &rpcError{code: invalidRequest, message: "jsonrpc: a text is needed"}
	}
	return asked, nil
}

var (
	errNoJSON = errors.New("no JSON")
	errNumber = errors.New("a number is out of range")
	escape    = regexp.MustCompile(`(?i)\\(ud[89ab]..\\ud[c-f]..|ud[89a-f]|.)`)
)

// fields reads a JSON object that every reader reads alike, or says why it is none: encoding/json lets through what is no
// UTF-8, and half a surrogate pair, and numbers that no float is near as long as nobody asks for them.
func fields(text []byte) (made map[string]json.RawMessage, err error) {
	err = json.Unmarshal(text, &made)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax) || !utf8.Valid(text) || !paired(text):
		err = errNoJSON
	case err == nil && !modest(text) && json.Unmarshal(text, &map[string]any{}) != nil:
		err = errNumber
	}
	return made, err
}

// modest says whether JSON holds no number so large that it may be out of range: no exponent, and not so many digits.
func modest(text []byte) bool {
	quoted, digits := false, 0
	for i := 0; i < len(text); i++ {
		switch one := text[i]; {
		case one == '"':
			quoted, digits = !quoted, 0
		case one == '\\':
			i++
		case quoted:
		case '0' <= one && one <= '9':
			digits++
		case digits > 0 && (one == 'e' || one == 'E') || digits > 300:
			return false
		default:
			digits = 0
		}
	}
	return true
}

// paired says whether each half of a surrogate pair in JSON has its other half.
func paired(text []byte) bool {
	if !bytes.Contains(text, []byte(`\u`)) {
		return true
	}
	for _, one := range escape.FindAll(text, -1) {
		if len(one) == len(`\ud8`) {
			return false
		}
	}
	return true
}

// object reads a JSON object by the exact names of its keys, which a struct's fields do not ask for; nil where it is none.
func object(raw json.RawMessage) (made map[string]json.RawMessage) {
	json.Unmarshal(raw, &made)
	return made
}

// isObject says whether a value is a JSON object.
func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

// asText reads a JSON text; false where it is none, as null is.
func asText(raw json.RawMessage) (text string, is bool) {
	is = len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil
	return text, is
}

// identifier reads an id, nil where there is none; false where it is neither a number nor a text.
func identifier(raw json.RawMessage) (any, bool) {
	if raw == nil || string(raw) == "null" {
		return nil, true
	}
	if told, is := asText(raw); is {
		return told, true
	}
	var number json.Number
	if json.Unmarshal(raw, &number) != nil {
		return nil, false
	}
	return number, true
}
