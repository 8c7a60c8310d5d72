package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

const (
	asking  = "POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 2\r\n\r\n{}"
	coarse  = time.Millisecond // what a clock that is stepped meanwhile may be off by
	pausing = 30 * time.Millisecond
)

// door serves on a stamped listener, once told to, and tells when each request had arrived and whether its client left.
func door(t *testing.T) (net.Conn, func(), chan time.Time, chan error) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := newStamped(plain)
	if err != nil {
		t.Fatal(err)
	}
	came, left := make(chan time.Time, 1), make(chan error, 1)
	server := http.Server{ConnContext: withConnection, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came <- arrival(r)
		io.ReadAll(r.Body)
		if r.Header.Get("Wait") != "" {
			<-r.Context().Done()
			left <- r.Context().Err()
		}
	})}
	t.Cleanup(func() { server.Close() })
	client, err := net.Dial("tcp", plain.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client, func() { go server.Serve(listener) }, came, left
}

func TestWhatWaitedToBeAcceptedHadArrivedBefore(t *testing.T) {
	client, serve, came, _ := door(t)
	time.Sleep(pausing) // the kernel begins to stamp a moment after it was told to
	sent := time.Now()
	io.WriteString(client, asking)
	time.Sleep(pausing)
	accepted := time.Now()
	serve()
	if got := <-came; got.Before(sent.Add(-coarse)) || got.After(accepted.Add(coarse-pausing)) {
		t.Fatalf("arrived %s after it was sent, accepted after %s", got.Sub(sent), accepted.Sub(sent))
	}
	answers := bufio.NewReader(client)
	for range 3 { // each on the same connection has its own
		answer, err := http.ReadResponse(answers, nil)
		if err != nil || answer.StatusCode != 200 {
			t.Fatal(answer, err)
		}
		time.Sleep(pausing)
		sent := time.Now()
		io.WriteString(client, asking)
		if got := <-came; got.Before(sent.Add(-coarse)) {
			t.Fatalf("arrived %s before it was sent", sent.Sub(got))
		}
	}
}

func TestAConnectionThatIsOlderThanTheStampsHasThem(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", plain.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	listener, err := newStamped(plain)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(pausing)
	sent := time.Now()
	io.WriteString(client, "some")
	time.Sleep(pausing)
	read, err := accepted.Read(make([]byte, 9))
	at := time.Unix(0, accepted.(*stampedConn).arrived.Load())
	if read != 4 || err != nil || at.After(sent.Add(pausing-coarse)) {
		t.Fatal(read, err, at.Sub(sent))
	}
}

func TestAClientThatLeavesIsNoticedOnAStampedConnection(t *testing.T) {
	client, serve, came, left := door(t)
	serve()
	io.WriteString(client, "GET / HTTP/1.1\r\nHost: o\r\nWait: yes\r\n\r\n")
	<-came
	client.Close()
	if err := <-left; err == nil {
		t.Fatal("it is still there")
	}
}
