package scanmem_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanmem"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
)

// start is the first second of a day.
const start = 18_900 * scan.SecondsPerDay

func numbered(kind byte, n int) (id uuid.UUID) {
	id[0] = kind
	binary.BigEndian.PutUint32(id[12:], uint32(n))
	return id
}

// drawScans draws scans of few people at few places on few days, some of them repeats.
func drawScans(r *rapid.T) []scan.Scan {
	var scans []scan.Scan
	for i := range rapid.IntRange(0, 60).Draw(r, "scans") {
		if i > 0 && rapid.IntRange(0, 5).Draw(r, "repeat") == 0 {
			scans = append(scans, scans[rapid.IntRange(0, i-1).Draw(r, "of")])
			continue
		}
		s := scan.Scan{
			ID: numbered('s', i), Alias: numbered('a', rapid.IntRange(0, 4).Draw(r, "alias")),
			Place: numbered('p', rapid.IntRange(0, 3).Draw(r, "place")),
			At:    start + rapid.Int64Range(0, 4*scan.SecondsPerDay-1).Draw(r, "at"), Kind: stay.Kind(rapid.IntRange(1, 4).Draw(r, "kind")),
		}
		s.ReceivedAt = s.At + rapid.Int64Range(0, 100).Draw(r, "late")
		if rapid.IntRange(0, 3).Draw(r, "on a trip") == 0 {
			s.Trip = numbered('t', rapid.IntRange(0, 1).Draw(r, "trip"))
		}
		s.Flags = stay.Doubts(rapid.IntRange(0, 31).Draw(r, "flags"))
		if s.Kind == stay.Void {
			s.Place, s.Trip, s.Flags, s.Voids = uuid.Nil, uuid.Nil, 0, numbered('s', rapid.IntRange(0, 59).Draw(r, "voids"))
		}
		scans = append(scans, s)
	}
	return scans
}

// fill returns Scans that hold those.
func fill(scans []scan.Scan) *scanmem.Scans {
	s := scanmem.New(memindex.NewNumbering(0, 0))
	for i := range scans {
		s.Add(&scans[i])
	}
	return s
}

// held returns what Scans hold of an alias, in the order of their ids.
func held(s *scanmem.Scans, alias uuid.UUID, since int64) []stay.Scan {
	scans := s.Of(nil, s.Alias(alias), since)
	slices.SortFunc(scans, func(a, b stay.Scan) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return scans
}

// want is what they should hold of an alias.
func want(scans []scan.Scan, alias uuid.UUID, since int64, first scan.Day) (of []stay.Scan) {
	for i := range scans {
		s := &scans[i]
		if s.Alias == alias && s.ReceivedAt >= since && scan.DayOf(s.At) >= first && !slices.Contains(of, s.ForStay()) {
			of = append(of, s.ForStay())
		}
	}
	slices.SortFunc(of, func(a, b stay.Scan) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return of
}

func TestScansAreWhatWasAdded(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		scans := drawScans(r)
		s := fill(scans)
		first := scan.DayOf(start) + scan.Day(rapid.IntRange(0, 4).Draw(r, "first day"))
		gone := s.DropBefore(first)
		count := 0
		for n := range 5 {
			alias := numbered('a', n)
			for _, since := range []int64{0, start + scan.SecondsPerDay} {
				if got, want := held(s, alias, since), want(scans, alias, since, first); !slices.Equal(got, want) {
					r.Fatalf("of %v since %d: %v, want %v", alias, since, got, want)
				}
			}
			left := len(want(scans, alias, 0, first))
			count += left
			if dropped := len(want(scans, alias, 0, 0)) > left; dropped != slices.Contains(gone, s.Alias(alias)) {
				r.Fatalf("of %v scans were dropped: %v", alias, dropped)
			}
		}
		if s.Len() != count {
			r.Fatalf("%d scans, want %d", s.Len(), count)
		}
	})
}

func TestAtPlaces(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		scans := drawScans(r)
		places := memindex.NewNumbering(0, 0)
		s := scanmem.New(places)
		for i := range scans {
			s.Add(&scans[i])
		}
		place := numbered('p', 1)
		var expected []uint32
		for n := range 5 {
			alias := numbered('a', n)
			if slices.ContainsFunc(scans, func(s scan.Scan) bool { return s.Alias == alias && s.Place == place }) {
				expected = append(expected, s.Alias(alias))
			}
		}
		slices.Sort(expected)
		got := s.AtPlaces(func(number uint32) bool { return places.Places()[number].ID == place })
		if !slices.Equal(got, expected) {
			r.Fatalf("%v, want %v", got, expected)
		}
	})
}

// TestManyScansOfOne fills more than a chunk of a day, and more than a group of its file.
func TestManyScansOfOne(t *testing.T) {
	s := scanmem.New(memindex.NewNumbering(0, 0))
	const n = 8_000
	for i := range n {
		one := scan.Scan{ID: numbered('s', i), Alias: numbered('a', i%3), Place: numbered('p', 0), At: start + int64(i), Kind: stay.In}
		if _, added := s.Add(&one); !added {
			t.Fatalf("scan %d was taken for a repeat", i)
		}
	}
	last := s.Of(nil, s.Alias(numbered('a', 0)), 0)
	inOrder := slices.IsSortedFunc(last, func(a, b stay.Scan) int { return cmp.Compare(a.At, b.At) })
	if s.Len() != n || len(last) != n/3+1 || !inOrder {
		t.Errorf("%d scans, %d of the first alias, in their order: %v", s.Len(), len(last), inOrder)
	}
	if perScan := s.Bytes() / n; perScan < 32 || perScan > 40 {
		t.Errorf("a scan takes %d B", perScan)
	}
}

var _ scanmem.Places = (*memindex.Numbering)(nil)
