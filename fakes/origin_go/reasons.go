package main

import "math"

// reason is one row of fakes/http/reasons.py, for those that an origin gives (a test there holds both equal).
type reason struct {
	status, code int
	message      string
}

var reasons = map[string]reason{
	"rate_limit_exceeded":           {429, -32029, "Rate limit of the plan exceeded"},
	"quota_exceeded":                {403, -32003, "Quota of the plan used up"},
	"insufficient_credits":          {403, -32003, "Not enough credits"},
	"user_concurrency_exceeded":     {429, -32029, "Too many calls of this user at once"},
	"global_concurrency_exceeded":   {503, -32050, "Too many calls at once"},
	"fair_share_exceeded":           {429, -32029, "More than your share of the calls"},
	"adaptive_concurrency_exceeded": {503, -32050, "The service takes no more calls at once"},
	"load_shed":                     {503, -32050, "Overloaded: requests wait too long"},
	"deadline_exceeded":             {504, -32051, "The caller waits no longer"},
	"breaker_open":                  {503, -32050, "The tool's service is failing; not called"},
	"missing_token":                 {401, -32001, "No bearer token"},
	"gateway_timeout":               {504, -32051, "request_timeout"},
	"upstream_error":                {502, -32052, "The tool's service failed"},
	"db_pool_timeout":               {503, -32054, "No database connection in time"},
	"db_error":                      {500, -32603, "Database error"},
	"bad_gateway_secret":            {403, -32003, "Not called by the gateway's edge"},
	"internal_error":                {500, -32603, "Internal error"},
}

// refusal ends a call. retryAfter is in seconds, 0 for none; detail is what another party said.
type refusal struct {
	reason, message, detail string
	retryAfter              float64
}

func (r *refusal) Error() string { return r.reason + ": " + r.message + r.detail }

// answer is the refusal as a JSON-RPC error with its HTTP status.
func (r *refusal) answer(id any) *reply {
	row, message := reasons[r.reason], r.message
	if message == "" {
		message = row.message
	}
	data := map[string]any{"reason": r.reason}
	made := failed(id, row.code, message, data)
	made.status = row.status
	if r.retryAfter > 0 {
		wait := int(math.Max(1, math.Ceil(r.retryAfter)))
		data["retry_after"] = wait
		made.set("Retry-After", wait)
	}
	if r.detail != "" {
		data["detail"] = r.detail
	}
	return made
}
