package main

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// told is how many seconds the caller waits (X-Request-Timeout); 0 where it does not say, or says no such time.
func told(header http.Header) seconds {
	given, err := strconv.ParseFloat(header.Get("X-Request-Timeout"), 64)
	if err != nil || !(given > 0) || math.IsInf(given, 1) {
		return 0
	}
	return seconds(min(given, forGood.Seconds()))
}

// passes says whether a caller is gone before its request is answered, margin after such a wait.
func passes(header http.Header, wait time.Duration, margin seconds) bool {
	asked := told(header)
	return asked > 0 && wait+margin.span() >= asked.span()
}

// deadline is when a call ends, the span that this was, and whether it is the caller's, which runs from the request's
// arrival on, or else the gateway's own timeout. A span of 0 is no end.
func (s *snapshot) deadline(header http.Header, came time.Time) (time.Time, seconds, bool) {
	var end time.Time
	var within seconds
	if s.on["timeout"] {
		within = s.settings.Origin.Timeout
		end = time.Now().Add(within.span())
	}
	if asked := told(header); asked > 0 && s.on["deadline-propagation"] {
		if gone := came.Add(asked.span()); within == 0 || gone.Before(end) {
			return gone, asked, true
		}
	}
	return end, within, false
}
