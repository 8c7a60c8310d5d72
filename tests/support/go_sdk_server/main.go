// A server by the official Go SDK, which nobody here wrote; sdk_server.py is its like in Python.
//
//	go-sdk-server PORT [stateless] [json] [standby: it listens when stdin says so]
//
// Tools `echo {text}` and `wait {seconds}`. `GET /counts` tells what came in: JSON-RPC methods, sessions given,
// HTTP methods with their status.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type said struct {
	Text string `json:"text"`
}

type pause struct {
	Seconds float64 `json:"seconds"`
}

func main() {
	if len(os.Args) < 2 {
		log.Fatal("go-sdk-server PORT [stateless] [json] [standby]")
	}
	modes := os.Args[2:]
	if slices.Contains(modes, "standby") {
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "go-sdk", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "echo", Description: "Say it again."}, echo)
	mcp.AddTool(server, &mcp.Tool{Name: "wait", Description: "Take a while."}, wait)
	options := &mcp.StreamableHTTPOptions{
		Stateless: slices.Contains(modes, "stateless"), JSONResponse: slices.Contains(modes, "json"),
	}
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options)
	counted := &counting{inner: handler, counts: map[string]int{}}
	mux := http.NewServeMux()
	mux.Handle("/mcp", counted)
	mux.HandleFunc("/counts", counted.tell)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], mux))
}

func echo(_ context.Context, _ *mcp.CallToolRequest, given said) (*mcp.CallToolResult, any, error) {
	return text(given.Text), nil, nil
}

func wait(ctx context.Context, _ *mcp.CallToolRequest, given pause) (*mcp.CallToolResult, any, error) {
	select {
	case <-time.After(time.Duration(given.Seconds * float64(time.Second))):
		return text("done"), nil, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

func text(words string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: words}}}
}

// counting counts around the SDK's own handler.
type counting struct {
	inner  http.Handler
	lock   sync.Mutex
	counts map[string]int
}

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var asked struct {
		Method string `json:"method"`
	}
	if json.Unmarshal(body, &asked) == nil {
		c.add(asked.Method)
	}
	c.inner.ServeHTTP(&answer{ResponseWriter: w, counting: c, verb: r.Method, method: asked.Method}, r)
}

func (c *counting) add(name string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.counts[name]++
}

func (c *counting) tell(w http.ResponseWriter, _ *http.Request) {
	c.lock.Lock()
	defer c.lock.Unlock()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(c.counts)
}

// answer counts a status, and a session that was given, when its headers leave.
type answer struct {
	http.ResponseWriter
	*counting
	verb, method string
	told         bool
}

func (a *answer) WriteHeader(status int) {
	if !a.told {
		a.told = true
		a.add(fmt.Sprintf("%s %d", a.verb, status))
		if a.method == "initialize" && a.Header().Get("Mcp-Session-Id") != "" {
			a.add("sessions")
		}
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(part []byte) (int, error) {
	if !a.told {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(part)
}

// Unwrap lets http.ResponseController flush the connection's own writer.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
