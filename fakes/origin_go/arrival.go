package main

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// stamped is a listener whose connections know when what they read arrived, by the kernel's stamp. So a request's
// wait has all of it: to be accepted, for the CPU share's next period, for a processor. It needs Linux 4.14.
type stamped struct{ *net.TCPListener }

// newStamped has the kernel stamp what arrives, also before a connection is accepted.
func newStamped(l net.Listener) (net.Listener, error) {
	made := &stamped{l.(*net.TCPListener)}
	_, err := stampFrom(made)
	return made, err
}

// Accept asks for stamps again, as a connection may be older than the listener's.
func (s *stamped) Accept() (net.Conn, error) {
	made, err := s.AcceptTCP()
	if err != nil {
		return nil, err
	}
	raw, err := stampFrom(made)
	return &stampedConn{TCPConn: made, raw: raw}, err
}

// stampFrom has a socket stamp what arrives from now on.
func stampFrom(socket syscall.Conn) (syscall.RawConn, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	var refused error
	err = raw.Control(func(fd uintptr) {
		refused = os.NewSyscallError("setsockopt SO_TIMESTAMPNS",
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1))
	})
	return raw, cmp.Or(err, refused)
}

// stampedConn has one reader at a time, as net/http reads.
type stampedConn struct {
	*net.TCPConn
	raw     syscall.RawConn
	control [64]byte
	arrived atomic.Int64 // Unix nanoseconds: what was read last
}

func (c *stampedConn) Read(into []byte) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	var read, told int
	var refused error
	err := c.raw.Read(func(fd uintptr) bool {
		for {
			read, told, _, _, refused = syscall.Recvmsg(int(fd), into, c.control[:], 0)
			if refused != syscall.EINTR {
				return refused != syscall.EAGAIN
			}
		}
	})
	switch {
	case err != nil:
		return 0, err
	case refused != nil:
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("recvmsg", refused)}
	case read == 0:
		return 0, io.EOF
	}
	c.note(told)
	return read, nil
}

// note takes the stamp out of what the kernel told beside the data; where it gives none, reading is the arrival.
func (c *stampedConn) note(told int) {
	at := time.Now().UnixNano()
	messages, _ := syscall.ParseSocketControlMessage(c.control[:told])
	for _, one := range messages {
		if one.Header.Type == syscall.SCM_TIMESTAMPNS && len(one.Data) >= int(unsafe.Sizeof(syscall.Timespec{})) {
			at = (*syscall.Timespec)(unsafe.Pointer(&one.Data[0])).Nano()
		}
	}
	c.arrived.Store(at)
}

type connectionKey struct{}

func withConnection(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// arrival is when the request that is being taken up had arrived, to its head's last byte; now, where nobody stamped it.
func arrival(r *http.Request) time.Time {
	now := time.Now()
	if c, is := r.Context().Value(connectionKey{}).(*stampedConn); is && c.arrived.Load() > 0 {
		return now.Add(-max(0, time.Duration(now.UnixNano()-c.arrived.Load())))
	}
	return now
}
