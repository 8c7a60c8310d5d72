package main

import "sync"

// write says whether the plan's code runs as it stands there: `defer Release(user)` before Acquire is asked. A
// refused call's Release then takes a place that another call holds, and there are as many Releases too many as
// there were refusals. Each blocks, and its caller's answer with it, until a later call brings a place, or for
// ever.
func (u *userConcurrency) write(asWritten bool) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if asWritten != u.asWritten {
		u.asWritten, u.running = asWritten, &sync.Map{}
	}
}
