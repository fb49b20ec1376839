package stay_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
	"github.com/truyvet/truyvet/tracing/tracingtest"
)

func derive(t testing.TB, w tracingtest.World) []tracing.Stay {
	t.Helper()
	places, err := tracing.NewPlaces(w.Places)
	if err != nil {
		t.Fatal(err)
	}
	return stay.All(w.Scans, stay.NewLinks(w.Links), places, w.AsOf)
}

func TestAllAgreesWithTheNaiveDerivation(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := tracingtest.RandomWorld(rapid.Uint64().Draw(r, "seed"))
		if got, want := derive(t, w), tracingtest.NaiveStays(w); !slices.Equal(got, want) {
			r.Fatalf("got  %v\nwant %v\n%s", got, want, w)
		}
	})
}

func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		seed := rapid.Uint64().Draw(r, "seed")
		w := tracingtest.RandomWorld(seed)
		before := derive(t, w)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(w.Scans), func(i, j int) { w.Scans[i], w.Scans[j] = w.Scans[j], w.Scans[i] })
		if after := derive(t, w); !slices.Equal(before, after) {
			r.Fatalf("before %v\nafter  %v\n%s", before, after, w)
		}
	})
}

// id returns the n-th id; ids sort by number.
func id(n byte) uuid.UUID { return uuid.UUID{15: n} }

func place(n byte) tracing.Place { return tracing.Place{ID: id(n)} }

// The places of the tables: 1 is a building, 2 a room of it, 3 and 4 stand alone, 5 is a vehicle of depot 6.
func town(t testing.TB) *tracing.Places {
	t.Helper()
	places, err := tracing.NewPlaces([]tracing.PlaceInfo{
		{ID: id(1), Dwell: 100},
		{ID: id(2), Parent: id(1), Dwell: 50},
		{ID: id(3), Dwell: 100},
		{ID: id(4), Dwell: 100_000},
		{ID: id(5), Parent: id(6), Dwell: 100},
		{ID: id(6), Dwell: 1000},
	})
	if err != nil {
		t.Fatal(err)
	}
	return places
}

func TestRules(t *testing.T) {
	const me = 200
	at := func(n byte, at int64, kind stay.Kind, where byte) stay.Scan {
		return stay.Scan{ID: id(n), Alias: id(me), Place: place(where), At: at, Kind: kind}
	}
	trip := func(s stay.Scan, n byte) stay.Scan { s.Place.Trip = id(n); return s }
	flagged := func(s stay.Scan) stay.Scan { s.Doubts = stay.Late; return s }
	void := func(n byte, alias, voids byte) stay.Scan {
		return stay.Scan{ID: id(n), Alias: id(alias), At: 1, Kind: stay.Void, Voids: id(voids)}
	}
	tests := []struct {
		name  string
		asOf  int64
		scans []stay.Scan
		want  []string
	}{
		{"a check-in alone lasts the dwell", 0, []stay.Scan{at(1, 10, stay.In, 3)}, []string{"3 10-110 assumed"}},
		{"a check-out ends it", 0, []stay.Scan{at(1, 10, stay.In, 3), at(2, 30, stay.Out, 3)}, []string{"3 10-30 checkout"}},
		{
			"a check-out is believed for four hours", 0,
			[]stay.Scan{at(1, 10, stay.In, 3), at(2, 10+14400, stay.Out, 3)},
			[]string{"3 10-14410 checkout"},
		},
		{"and not longer", 0, []stay.Scan{at(1, 10, stay.In, 3), at(2, 10+14401, stay.Out, 3)}, []string{"3 10-110 assumed"}},
		{"no dwell is longer than a day", 0, []stay.Scan{at(1, 10, stay.In, 4)}, []string{"4 10-86410 assumed"}},
		{"nor a check-out later", 0, []stay.Scan{at(1, 10, stay.In, 4), at(2, 86411, stay.Out, 4)}, []string{"4 10-86410 assumed"}},
		{
			"a renewal at the assumed end counts", 0,
			[]stay.Scan{at(1, 10, stay.In, 3), at(2, 110, stay.Renew, 3)},
			[]string{"3 10-210 assumed"},
		},
		{
			"a renewal after it is a new stay", 0,
			[]stay.Scan{at(1, 10, stay.In, 3), at(2, 111, stay.Renew, 3)},
			[]string{"3 10-110 assumed", "3 111-211 assumed"},
		},
		{
			"a scan elsewhere ends it", 0,
			[]stay.Scan{at(1, 10, stay.In, 3), at(2, 60, stay.In, 1)},
			[]string{"3 10-60 moved", "1 60-160 assumed"},
		},
		{
			"not after its assumed end", 0,
			[]stay.Scan{at(1, 10, stay.In, 3), at(2, 110, stay.In, 1)},
			[]string{"3 10-110 assumed", "1 110-210 assumed"},
		},
		{
			"a room keeps the building open", 0,
			[]stay.Scan{at(1, 10, stay.In, 1), at(2, 90, stay.In, 2), at(3, 130, stay.Out, 2)},
			[]string{"1 10-230 assumed", "2 90-130 checkout"},
		},
		{
			"the building ends the room", 0,
			[]stay.Scan{at(1, 10, stay.In, 2), at(2, 20, stay.In, 1)},
			[]string{"2 10-20 moved", "1 20-120 assumed"},
		},
		{"a check-out without a check-in", 0, []stay.Scan{at(1, 500, stay.Out, 3)}, []string{"3 400-500 assumed"}},
		{
			"begins after the previous scan", 0,
			[]stay.Scan{at(1, 450, stay.Out, 1), at(2, 500, stay.Out, 3)},
			[]string{"1 350-450 assumed", "3 450-500 assumed"},
		},
		{
			"out before in at one time", 0,
			[]stay.Scan{at(1, 10, stay.In, 3), at(2, 50, stay.In, 3), at(3, 50, stay.Out, 3)},
			[]string{"3 10-50 checkout", "3 50-150 assumed"},
		},
		{
			"a trip is a place of its own", 0,
			[]stay.Scan{trip(at(1, 10, stay.In, 5), 1), trip(at(2, 50, stay.In, 5), 2)},
			[]string{"5/1 10-50 moved", "5/2 50-150 assumed"},
		},
		{
			"a vehicle without its trip is another place", 0,
			[]stay.Scan{at(1, 10, stay.In, 5), trip(at(2, 50, stay.In, 5), 2)},
			[]string{"5 10-50 moved", "5/2 50-150 assumed"},
		},
		{
			"a check-out ends the stay on an earlier trip of the vehicle", 0,
			[]stay.Scan{trip(at(1, 10, stay.In, 5), 1), trip(at(2, 50, stay.Out, 5), 2)},
			[]string{"5/1 10-50 checkout"},
		},
		{
			"and where no trip is under way any more", 0,
			[]stay.Scan{trip(at(1, 10, stay.In, 5), 1), at(2, 200, stay.Out, 5)},
			[]string{"5/1 10-200 checkout"},
		},
		{
			"a trip that is over is not gone on with", 0,
			[]stay.Scan{trip(at(1, 10, stay.In, 5), 1), trip(at(2, 50, stay.Renew, 5), 2)},
			[]string{"5/1 10-50 moved", "5/2 50-150 assumed"},
		},
		{
			"a trip has the ancestors of its vehicle", 0,
			[]stay.Scan{at(1, 10, stay.In, 6), trip(at(2, 50, stay.In, 5), 2)},
			[]string{"6 10-1050 assumed", "5/2 50-150 assumed"},
		},
		{"the as-of time clips", 60, []stay.Scan{at(1, 10, stay.In, 3), at(2, 60, stay.In, 1)}, []string{"3 10-60 moved"}},
		{"and what begins there is nothing", 10, []stay.Scan{at(1, 10, stay.In, 3)}, nil},
		{"a repeat is ignored", 0, []stay.Scan{at(1, 10, stay.In, 3), at(1, 50, stay.In, 3)}, []string{"3 10-110 assumed"}},
		{"a void takes back", 0, []stay.Scan{at(1, 10, stay.In, 3), void(2, me, 1)}, nil},
		{"not another alias's", 0, []stay.Scan{at(1, 10, stay.In, 3), void(2, 201, 1)}, []string{"3 10-110 assumed"}},
		{"a void cannot be taken back", 0, []stay.Scan{at(1, 10, stay.In, 3), void(2, me, 1), void(3, me, 2)}, nil},
		{"an unknown kind counts for nothing", 0, []stay.Scan{at(1, 10, 9, 3), at(2, 20, 0, 3)}, nil},
		{
			"flagged by what opened it", 0,
			[]stay.Scan{flagged(at(1, 10, stay.In, 3)), at(2, 20, stay.Out, 3)},
			[]string{"3 10-20 checkout flagged"},
		},
		{
			"flagged by what moved the person", 0,
			[]stay.Scan{at(1, 10, stay.In, 3), flagged(at(2, 20, stay.Renew, 1))},
			[]string{"3 10-20 moved flagged", "1 20-120 assumed flagged"},
		},
		{
			"flagged by a renewal from a room", 0,
			[]stay.Scan{at(1, 10, stay.In, 1), flagged(at(2, 20, stay.In, 2))},
			[]string{"1 10-120 assumed flagged", "2 20-70 assumed flagged"},
		},
		{
			"not by a scan after its end", 0,
			[]stay.Scan{at(1, 10, stay.In, 3), flagged(at(2, 110, stay.In, 1))},
			[]string{"3 10-110 assumed", "1 110-210 assumed flagged"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asOf := tt.asOf
			if asOf == 0 {
				asOf = math.MaxInt64
			}
			var got []string
			for _, s := range stay.Derive(id(100), tt.scans, town(t), asOf) {
				if s.Person != id(100) {
					t.Errorf("a stay of %s", s.Person)
				}
				got = append(got, inWords(s))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func inWords(s tracing.Stay) string {
	text := fmt.Sprint(s.Place.ID[15])
	if s.Place.Trip != uuid.Nil {
		text += fmt.Sprintf("/%d", s.Place.Trip[15])
	}
	text += fmt.Sprintf(" %d-%d %s", s.Enter, s.Leave, s.Basis)
	if s.Flagged {
		text += " flagged"
	}
	return text
}

// FuzzDerive reads scans from bytes, so that the fuzzer can make any order of events, and compares with the naive oracle.
func FuzzDerive(f *testing.F) {
	f.Add([]byte{1, 10, 1, 2, 30, 2, 2, 20, 1})
	f.Add([]byte{5, 10, 1, 0x15, 20, 1, 3, 30, 4, 3, 1, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		w := tracingtest.World{AsOf: 6000, Places: []tracing.PlaceInfo{
			{ID: id(1), Dwell: 1000, Area: "1/1"},
			{ID: id(2), Parent: id(1), Dwell: 300, Area: "1/1"},
			{ID: id(3), Parent: id(2), Dwell: 2000, Area: "1/2"},
			{ID: id(4), Dwell: 100_000, Area: "2"},
			{ID: id(5), Parent: id(4), Dwell: 100},
		}}
		unit := int64(100)
		if len(data) > 0 && data[0]&0x80 != 0 {
			unit = 10 // close to one another, as in a burst
		}
		for n := 0; len(data) >= 3 && n < 100; n++ {
			s := stay.Scan{
				ID: id(byte(n)), Alias: id(200 + data[0]>>6), Place: tracing.Place{ID: id(data[0] & 7)},
				At: int64(data[1]) * unit, Kind: stay.Kind(1 + data[2]&3), Doubts: stay.Doubts(data[2] >> 2 & 3),
			}
			s.Place.Trip[15] = data[0] >> 3 & 3
			if s.Kind == stay.Void {
				s.Voids = id(data[1])
			}
			w.Scans = append(w.Scans, s)
			data = data[3:]
		}
		w.Links = map[uuid.UUID]uuid.UUID{id(200): id(99), id(201): id(99)}
		if got, want := derive(t, w), tracingtest.NaiveStays(w); !slices.Equal(got, want) {
			t.Fatalf("got  %v\nwant %v\n%s", got, want, w)
		}
	})
}

// BenchmarkAll derives two million scans of twenty thousand people.
func BenchmarkAll(b *testing.B) {
	places := town(b)
	random := rand.New(rand.NewPCG(1, 2))
	scans := make([]stay.Scan, 2_000_000)
	for i := range scans {
		s := &scans[i]
		person := random.Uint32N(20_000)
		s.Alias = uuid.UUID{byte(person * 7), byte(person >> 8), byte(person)}
		s.ID = uuid.UUID{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
		s.Place = place(1 + byte(random.IntN(6)))
		s.At = int64(i) + random.Int64N(86400)
		s.Kind = stay.Kind(1 + random.IntN(2))
	}
	links := stay.NewLinks(nil)
	b.ResetTimer()
	for b.Loop() {
		stay.All(scans, links, places, math.MaxInt64)
	}
}
