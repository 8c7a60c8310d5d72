package main

import (
	"net/http"
	"testing"
)

func TestAHeaderIsTextOfItsBytes(t *testing.T) {
	for value, want := range map[string]string{"": "", "plain": "plain", "\xfc\x80\xff": "ü\u0080ÿ", "ü": "Ã¼"} {
		if told := latin1(value); told != want || toLatin1(told) != value {
			t.Errorf("%q: %q, %q", value, told, toLatin1(told))
		}
	}
	if told := field(headers("A", "\xfc"), "A"); told != "ü" {
		t.Error(told)
	}
}

func TestWhatACallIsKnownByIsText(t *testing.T) {
	header := headers("X-Request-ID", "id\xff", "Idempotency-Key", "key\xfc")
	plain, once := (&snapshot{}).about("ann", header), (&snapshot{on: map[string]bool{"idempotency": true}}).about("ann", header)
	if plain.requestID != "idÿ" || plain.intent != "keyü" || once.requestID != "ann/keyü" {
		t.Error(plain.requestID, plain.intent, once.requestID)
	}
	o := &origin{config: &config{GatewaySecret: "s"}}
	user, err := o.user(headers("X-Gateway-Secret", "s", "X-User-ID", "an\xff"), &snapshot{settings: &settings{}})
	if err != nil || user != "an\ufffd" {
		t.Error(user, err)
	}
}

func TestASessionsIDIsText(t *testing.T) {
	all := newSessions(nil, newMetrics())
	all.held["ÿ"] = newSession("ÿ", "ann")
	if _, err := all.find(t.Context(), http.Header{sessionHeader: {"\xff"}}, "ann", false); err != nil {
		t.Error(err)
	}
}
