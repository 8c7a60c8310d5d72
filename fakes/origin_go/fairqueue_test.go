package main

import (
	"cmp"
	"container/heap"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fair is a call of a user under the protection's usual settings, but for what with lays.
func fair(user string, with func(*fairSettings)) *callContext {
	about := call(func(s *settings) {
		s.Protections.Fair = fairSettings{Limit: 100, Spare: 0.5, Burst: 10}
		s.Origin.GlobalConcurrency = 100
		if with != nil {
			with(&s.Protections.Fair)
		}
	}, "fair-queue")
	about.user = user
	return about
}

type crowdCall struct {
	at       time.Duration
	user     string
	upstream string
}

// inFlight are admitted calls, the one that ends first at the front.
type inFlight []struct {
	at   time.Duration
	left release
}

func (f inFlight) Len() int           { return len(f) }
func (f inFlight) Less(i, j int) bool { return f[i].at < f[j].at }
func (f inFlight) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *inFlight) Push(one any) {
	*f = append(*f, one.(struct {
		at   time.Duration
		left release
	}))
}
func (f *inFlight) Pop() any {
	old := *f
	last := old[len(old)-1]
	*f = old[:len(old)-1]
	return last
}

// crowd is `slow-api`: 100 spammers at 5 req/s of 3 s, 20 users each of a fast tool and JIRA, for a minute. It
// gives the share admitted of each.
func crowd(protection string) map[string]float64 {
	const minute = 60
	calls := []crowdCall{}
	for _, of := range []struct {
		kind     string
		users    int
		rate     float64
		upstream string
	}{{"spam", 100, 5, "notion"}, {"fast", 20, 0.5, "fast"}, {"jira", 20, 0.2, "jira"}} {
		for one := range of.users {
			for n := range int(minute * of.rate) {
				at := float64(one)/float64(of.users)/of.rate + float64(n)/of.rate
				user := fmt.Sprintf("%s-%d", of.kind, one)
				calls = append(calls, crowdCall{time.Duration(at * float64(time.Second)), user, of.upstream})
			}
		}
	}
	slices.SortStableFunc(calls, func(a, b crowdCall) int { return cmp.Compare(a.at, b.at) })
	lasts := map[string]time.Duration{"notion": 3 * time.Second, "fast": 20 * time.Millisecond, "jira": 2 * time.Second}
	g, start, ends := newGates(), time.Now(), &inFlight{}
	asked, admitted := map[string]float64{}, map[string]float64{}
	about := fair("", nil)
	about.snap.on = map[string]bool{protection: true}
	for _, one := range calls {
		for ends.Len() > 0 && (*ends)[0].at <= one.at {
			over := heap.Pop(ends).(struct {
				at   time.Duration
				left release
			})
			time.Sleep(time.Until(start.Add(over.at)))
			over.left(succeeded)
		}
		time.Sleep(time.Until(start.Add(one.at)))
		whose, _, _ := strings.Cut(one.user, "-")
		asked[whose]++
		about.user = one.user
		left, err := g.admit(about, one.upstream)
		if err != nil {
			continue
		}
		admitted[whose]++
		heap.Push(ends, struct {
			at   time.Duration
			left release
		}{one.at + lasts[one.upstream], left})
	}
	for kind := range asked {
		admitted[kind] /= asked[kind]
	}
	return admitted
}

func TestInnocentsAreServedBesideAHundredSpammers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := crowd("fair-queue")
		if got["fast"] <= 0.9 || got["jira"] <= 0.9 { // all but the first seconds, in which nobody is known
			t.Fatal(got)
		}
		if got["spam"] <= 0.03 || got["spam"] >= 0.1 { // what 100 permits are for calls of 3 s, and no more
			t.Fatal(got)
		}
	})
}

func TestOneLimitForAllLetsFewOfThemThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := crowd("global-concurrency"); got["fast"] >= 0.1 {
			t.Fatal(got)
		}
	})
}

func TestWhoIsAloneMayHaveAllThatIsSpare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, lefts := newGates(), []release{}
		enter := func() {
			left, err := g.admit(fair("alone", nil), "notion")
			if err != nil {
				t.Fatal(err)
			}
			lefts = append(lefts, left)
		}
		for range 50 {
			enter()
		}
		time.Sleep(3 * time.Second)
		for _, left := range lefts {
			left(succeeded)
		}
		for range 50 {
			enter()
		}
		if g.fair.running != 50 {
			t.Fatal(g.fair.running)
		}
	})
}

func TestTheLimitIsNeverExceededAndPermitsComeBack(t *testing.T) {
	g, lefts := newGates(), []release{}
	allSpare := func(s *fairSettings) { s.Spare = 1 }
	for number := range 100 {
		left, err := g.admit(fair(fmt.Sprint("u", number), allSpare), "notion")
		if err != nil {
			t.Fatal(err)
		}
		lefts = append(lefts, left)
	}
	if _, err := g.admit(fair("one-more", allSpare), "notion"); reasonOf(t, err) != "fair_share_exceeded" {
		t.Fatal(err)
	}
	g.forget()
	for _, left := range lefts {
		left(abandoned)
	}
	if g.fair.running != 0 {
		t.Fatal(g.fair.running)
	}
}

func TestWhoHasNotAskedForLongTakesNoMemoryAndNoShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGates()
		enter := func(user string) release {
			left, err := g.admit(fair(user, nil), "fast")
			if err != nil {
				t.Fatal(err)
			}
			return left
		}
		for number := range 1000 {
			enter(fmt.Sprint("u", number))(succeeded)
		}
		if got := g.fair.share(fairSettings{Limit: 100}); math.Abs(got-0.1) > 1e-9 {
			t.Fatal(got)
		}
		time.Sleep(11 * time.Second)
		enter("u")
		if got := g.fair.share(fairSettings{Limit: 100}); got != 100 || len(g.fair.left) != 1 {
			t.Fatal(got, len(g.fair.left))
		}
	})
}
