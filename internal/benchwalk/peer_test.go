package benchwalk

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// scripted answers the query of each formulation after a while with a digest.
type scripted struct {
	after   map[string]time.Duration
	digests map[string]Digest
	asked   map[string]int
	resets  int
}

func (*scripted) name() string                              { return "scripted" }
func (*scripted) load(context.Context, *City, *Plain) error { return nil }
func (*scripted) exec(context.Context, string) error        { return nil }
func (*scripted) close() error                              { return nil }
func (s *scripted) reset(context.Context) error             { s.resets++; return nil }
func (s *scripted) formulations(Question) (f []formulation) {
	for _, name := range []string{"a", "b", "c"} {
		if _, there := s.after[name]; there {
			f = append(f, formulation{name: name, answer: name})
		}
	}
	return f
}

func (s *scripted) ask(ctx context.Context, query string) (Digest, error) {
	s.asked[query]++
	select {
	case <-time.After(s.after[query]):
		return s.digests[query], nil
	case <-ctx.Done():
		return Digest{}, errors.New("given up")
	}
}

func TestBestFormulation(t *testing.T) {
	same := Digest{People: 1, Sum: 2, Hash: 3}
	for name, c := range map[string]struct {
		after map[string]time.Duration
		other string // the formulation, if any, that answers otherwise
		want  peerResult
		asked map[string]int
		err   string
	}{
		"the quicker one counts, and what is far slower is asked once": {
			after: map[string]time.Duration{"a": 300 * time.Millisecond, "b": 100 * time.Millisecond, "c": 120 * time.Millisecond},
			want:  peerResult{digest: same, formulation: "b", took: 100 * time.Millisecond},
			asked: map[string]int{"a": 1, "b": 1 + manyRounds, "c": 1 + manyRounds},
		},
		"a long one is asked less often": {
			after: map[string]time.Duration{"a": 2 * time.Second},
			want:  peerResult{digest: same, formulation: "a", took: 2 * time.Second},
			asked: map[string]int{"a": 1 + fewRounds},
		},
		"a very long one once": {
			after: map[string]time.Duration{"a": 50 * time.Second, "b": 30 * time.Second},
			want:  peerResult{digest: same, formulation: "b", took: 30 * time.Second},
			asked: map[string]int{"a": 1, "b": 1},
		},
		"what takes too long is cut once and counts as the cut": {
			after: map[string]time.Duration{"a": time.Hour, "b": 2 * time.Hour},
			want:  peerResult{formulation: "a", took: time.Minute, cut: true},
			asked: map[string]int{"a": 1, "b": 1},
		},
		"one of two is cut": {
			after: map[string]time.Duration{"a": time.Hour, "b": 15 * time.Second},
			want:  peerResult{digest: same, formulation: "b", took: 15 * time.Second},
			asked: map[string]int{"a": 1, "b": 1},
		},
		"two answers that differ are a failure": {
			after: map[string]time.Duration{"a": time.Second, "b": time.Second},
			other: "b",
			err:   "scripted answers q",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{after: c.after, asked: make(map[string]int), digests: map[string]Digest{"a": same, "b": same, "c": same}}
				if c.other != "" {
					s.digests[c.other] = Digest{People: 9}
				}
				got, err := answerBest(t.Context(), s, Question{Name: "q"}, time.Minute, 0, io.Discard)
				if c.err != "" {
					if err == nil || !strings.Contains(err.Error(), c.err) {
						t.Fatalf("got %v, want %q", err, c.err)
					}
					return
				}
				if err != nil || got != c.want {
					t.Errorf("got %+v, %v; want %+v", got, err, c.want)
				}
				rounds := 0
				for f, n := range c.asked {
					rounds += n
					if s.asked[f] != n {
						t.Errorf("%s was asked %d times, want %d", f, s.asked[f], n)
					}
				}
				if s.resets != rounds {
					t.Errorf("it was cleared %d times for %d rounds", s.resets, rounds)
				}
			})
		})
	}
}

func TestRunThatIsCancelledIsNoCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{after: map[string]time.Duration{"a": time.Hour}, asked: make(map[string]int)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := answerBest(ctx, s, Question{}, time.Minute, 0, io.Discard); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestMedianOf(t *testing.T) {
	rows := []Row{{1, 2}, {3, 4}}
	asked := 0
	answers := func(rows []Row, took time.Duration) asker {
		return func(context.Context, Question) ([]Row, time.Duration, error) {
			asked++
			return rows, took, nil
		}
	}
	for _, c := range []struct {
		name  string
		ask   asker
		most  int
		asked int
		err   string
	}{
		{"a quick one", answers([]Row{{3, 4}, {1, 2}}, time.Microsecond), 0, mostRounds, ""},
		{"one of a moment", answers(rows, 300*time.Millisecond), 0, 1 + leastRounds, ""},
		{"a long one", answers(rows, time.Second), 0, 1 + fewRounds, ""},
		{"a very long one", answers(rows, time.Minute), 0, 1, ""},
		{"once only", answers(rows, time.Microsecond), 1, 1, ""},
		{"somebody is missing", answers(rows[:1], time.Second), 0, 1, "has 1 people and should have 2"},
		{"a wrong value", answers([]Row{{1, 2}, {3, 5}}, time.Second), 0, 1, "should say"},
	} {
		asked = 0
		_, err := medianOf(t.Context(), c.ask, Question{}, rows, time.Hour, c.most)
		if asked != c.asked || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: asked %d times, %v", c.name, asked, err)
		}
	}
	_, err := medianOf(t.Context(), func(ctx context.Context, _ Question) ([]Row, time.Duration, error) {
		<-ctx.Done()
		return nil, 0, ctx.Err()
	}, Question{}, rows, time.Millisecond, 0)
	if !errors.Is(err, errCut) {
		t.Errorf("what takes too long gives %v", err)
	}
}
