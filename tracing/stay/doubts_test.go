package stay_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
	"github.com/truyvet/truyvet/tracing/tracingtest"
)

// inquirer answers from the scans of a world.
type inquirer struct {
	places *tracing.Places
	scans  map[uuid.UUID][]stay.Scan // by person
}

func (i inquirer) Why(_ context.Context, scope tracing.Scope, asked []stay.Question) ([]stay.Doubts, error) {
	q := stay.NewInquiry(i.places, scope, asked)
	for _, person := range q.People() {
		q.Answer(person, i.scans[person])
	}
	return q.Answers, nil
}

func TestInquiryExplainsWhatIsFlagged(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := tracingtest.RandomWorld(rapid.Uint64().Draw(r, "seed"))
		places, err := tracing.NewPlaces(w.Places)
		if err != nil {
			r.Fatal(err)
		}
		i := inquirer{places, make(map[uuid.UUID][]stay.Scan)}
		links := stay.NewLinks(w.Links)
		for _, s := range w.Scans {
			i.scans[links.Person(s.Alias)] = append(i.scans[links.Person(s.Alias)], s)
		}
		if err := tracingtest.CheckWhy(t.Context(), w, i); err != nil {
			r.Fatalf("%v\n%s", err, w)
		}
	})
}

// TestInquiryTellsDoubtsApart has a person whose stays are doubted each for another reason, and one that is not.
func TestInquiryTellsDoubtsApart(t *testing.T) {
	infos := []tracing.PlaceInfo{
		{ID: id(1), Dwell: 600, Area: "01/001"},
		{ID: id(2), Dwell: 600, Area: "79/760"},
		{ID: id(3), Parent: id(1), Dwell: 600},
		{ID: id(4), Dwell: 600},
	}
	for n := byte(10); n < 18; n++ {
		infos = append(infos, tracing.PlaceInfo{ID: id(n), Dwell: 60})
	}
	places, err := tracing.NewPlaces(infos)
	if err != nil {
		t.Fatal(err)
	}
	var scans []stay.Scan
	scan := func(where byte, at int64, kind stay.Kind, doubts stay.Doubts) {
		scans = append(scans, stay.Scan{ID: id(byte(len(scans))), Alias: id(200), Place: place(where), At: at, Kind: kind, Doubts: doubts})
	}
	scan(3, 1000, stay.In, stay.Late)
	scan(3, 1300, stay.Out, stay.OutOfHours)
	scan(4, 10_000, stay.In, 0)
	scan(1, 20_000, stay.In, 0)
	scan(2, 20_299, stay.In, 0)
	for n := byte(10); n < 18; n++ {
		scan(n, 30_000+int64(n), stay.In, 0)
	}
	ask := func(where byte, from int64) stay.Question {
		return stay.Question{Person: id(200), Place: place(where), From: from, To: from + 10}
	}
	for _, c := range []struct {
		name  string
		scope tracing.Scope
		asked stay.Question
		want  []string
	}{
		{"a part", tracing.ScopePart, ask(3, 1000), []string{"late", "out_of_hours"}},
		{"what has parts is no contact place", tracing.ScopePart, ask(1, 20_000), nil},
		{"a part at its site", tracing.ScopeSite, ask(1, 1100), []string{"late", "out_of_hours"}},
		{"not doubted", tracing.ScopePlace, ask(4, 10_000), nil},
		{"the first of two far places", tracing.ScopePlace, ask(1, 20_000), []string{"two_places"}},
		{"the second", tracing.ScopePlace, ask(2, 20_300), []string{"two_places"}},
		{"at another time", tracing.ScopePlace, ask(2, 90_000), nil},
		{"a burst", tracing.ScopePlace, ask(17, 30_017), []string{"burst"}},
	} {
		q := stay.NewInquiry(places, c.scope, []stay.Question{c.asked})
		q.Answer(id(200), scans)
		if got := q.Answers[0].Names(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
