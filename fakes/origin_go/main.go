// The gateway's origin in Go: a real server in the place of fakes/origin, with the same options, the same
// answers, the same metrics and the same control door (fakes/http/serve.py tells them).
//
//	origin --config stack.json [--fd 7] [--name origin-a] [--life-fd 9]
//
// Without a socket of its starter's it listens at its address of the config: in a container nobody hands one down.
//
// A request goes through, in this order:
//
//	the caller's deadline → load shedding → gateway secret → rate limit → its era's rules, its session →
//	timeout → idempotency → per-user limit → global limit → fair share → adaptive limit → breaker →
//	quota and credits in one transaction → upstream → usage row
//
// Nothing of a nano is modelled here: memory and CPU are the process's own, and its cgroup's.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	backlog   = 4096
	keepAlive = 120 * time.Second // longer than the hops of the edge keep a connection
	badConfig = 2
	notBuilt  = 3
)

func main() {
	config := flag.String("config", "", "the stack's JSON file")
	fd := flag.Int("fd", -1, "a bound socket; without, its address of the config")
	name := flag.String("name", "origin-a", "this origin's name")
	life := flag.Int("life-fd", -1, "exit when this pipe reads EOF")
	flag.Parse()
	log.SetFlags(0)
	loaded, first, err := loadConfig(*config, *name)
	if err != nil {
		exit(badConfig, fmt.Errorf("%s: %w", *config, err))
	}
	go leaveAtSignal()
	if *life >= 0 {
		go leaveAtEOF(*life)
	}
	origin, err := newOrigin(context.Background(), loaded, first)
	if err != nil {
		exit(notBuilt, err)
	}
	listener, err := listen(*fd, loaded.Addresses[*name])
	if err == nil {
		listener, err = newStamped(listener)
	}
	if err != nil {
		exit(notBuilt, err)
	}
	server := http.Server{Handler: origin.handler(), IdleTimeout: keepAlive, ConnContext: withConnection, ErrorLog: log.Default()}
	exit(notBuilt, server.Serve(listener))
}

// listen takes a bound socket over, which may be listening already, or makes one.
func listen(fd int, own address) (net.Listener, error) {
	if fd < 0 {
		return net.Listen("tcp", own.String())
	}
	if err := syscall.Listen(fd, backlog); err != nil {
		return nil, fmt.Errorf("--fd %d: %w", fd, err)
	}
	file := os.NewFile(uintptr(fd), "listener")
	defer file.Close()
	return net.FileListener(file)
}

func leaveAtSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	os.Exit(0)
}

// leaveAtEOF reads a pipe that others of the stack read too, who make it non-blocking: a blocking read that a
// freeze breaks off would then end at once, and with it the process.
func leaveAtEOF(fd int) {
	syscall.SetNonblock(fd, true)
	io.Copy(io.Discard, os.NewFile(uintptr(fd), "life"))
	os.Exit(0)
}

func exit(code int, err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(code)
}
