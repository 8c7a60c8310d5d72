package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// counterOf is a sample as it would be scraped; 0 where there is none.
func counterOf(t *testing.T, m *metrics, sample string) float64 {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	name, label, _ := strings.Cut(strings.TrimSuffix(sample, `"}`), "{")
	key, value, _ := strings.Cut(label, `="`)
	for _, family := range families {
		for _, one := range family.GetMetric() {
			for _, pair := range one.GetLabel() {
				if family.GetName() == name && pair.GetName() == key && pair.GetValue() == value {
					return one.GetCounter().GetValue()
				}
			}
		}
	}
	return 0
}

func TestAStreamStandsUntilItsClientLeavesOrItsSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, own := newMetrics(), newSession("s", "ann")
		all := newStreams(m)
		m.reset() // as before each run
		sent := []string{}
		take := func(text string) error { sent = append(sent, text); return nil }
		client, leave := context.WithCancel(t.Context())
		go all.subscribed(7.0, 2).stream(client, take)
		time.Sleep(5 * time.Second)
		if all.listen.open.Load() != 1 || counterOf(t, m, `mcpist_streams_total{kind="listen"}`) != 1 {
			t.Error(all.listen.open.Load(), "open")
		}
		want := `event: message
data: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged",` +
			`"params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"7"},"notifications":{}}}` + "\n\n" + comment + comment
		if strings.Join(sent, "") != want {
			t.Error(sent)
		}
		leave()
		sent = nil
		go all.ofSession(own, 2).stream(t.Context(), take)
		time.Sleep(time.Second)
		if sent[0] != "id: 1\nretry: 3000\ndata: \n\n" || all.get.open.Load() != 1 {
			t.Error(sent)
		}
		own.end()
		synctest.Wait()
		if all.get.open.Load() != 0 || all.listen.open.Load() != 0 {
			t.Error("one stands open")
		}
		all.get.reply("x", 2, nil).stream(t.Context(), func(string) error { return errors.New("broken") })
	})
}

func TestACallsProgressComesBeforeItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &tasks{metrics: newMetrics(), since: time.Now()}
		sent := []string{}
		take := func(text string) error { sent = append(sent, text); return nil }
		begin := func(ctx context.Context) *reply {
			return withProgress(c.begin(ctx, nil, 7.0, func(ctx context.Context) *reply {
				select {
				case <-time.After(2500 * time.Millisecond):
					return result(7.0, "done")
				case <-ctx.Done():
					return nil
				}
			}), []byte(`"p"`), 1, c.leave)
		}
		begin(t.Context()).stream(t.Context(), take)
		told := `event: message
data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":%,"progressToken":"p"}}` + "\n\n"
		want := ""
		for _, n := range []string{"0", "1", "2"} {
			want += strings.Replace(told, "%", n, 1)
		}
		want += "event: message\ndata: {\"id\":7,\"jsonrpc\":\"2.0\",\"result\":\"done\"}\n\n"
		if strings.Join(sent, "") != want {
			t.Error(sent)
		}
		sent = nil
		client, leave := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer leave()
		begin(t.Context()).stream(client, take)
		synctest.Wait()
		stopped := counterOf(t, c.metrics, `mcpist_caller_left_total{call="stopped"}`)
		if len(sent) != 2 || stopped != 1 {
			t.Error(sent, stopped)
		}
	})
}
