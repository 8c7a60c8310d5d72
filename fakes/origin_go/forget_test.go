package main

import (
	"runtime"
	"sync"
	"testing"
)

// held is what the process has of the system, bytes.
func held() int64 {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return int64(now.Sys - now.HeapReleased)
}

func TestAResetGivesBackWhatARunLeftInMemory(t *testing.T) {
	o := &origin{
		metrics: newMetrics(), shedding: &loadShedding{}, limiter: &rateLimit{now: wall}, gates: newGates(),
		usage: &usage{}, caller: &caller{client: newClient(), sessions: newSessions(nil, nil)},
	}
	o.forget()
	before := held()
	var buffers sync.Pool // as net/http keeps those of connections that are closed
	calls := make([][]byte, 64)
	for i := range calls {
		calls[i] = make([]byte, 1<<20)
	}
	risen := held() - before
	for _, buffer := range calls {
		buffers.Put(&buffer)
	}
	calls = nil
	o.forget()
	runtime.KeepAlive(&buffers)
	if kept := held() - before; risen < 48<<20 || kept > risen/4 {
		t.Fatalf("%d MB came, %d MB stayed", risen>>20, kept>>20)
	}
}
