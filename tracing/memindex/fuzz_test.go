package memindex_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

const (
	fuzzPeople = 40
	fuzzPlaces = 3
)

// staysOf makes stays of any bytes, ten for each: person, place, day, entry, length, and the rest.
func staysOf(data []byte) []memindex.DenseStay {
	var stays []memindex.DenseStay
	for ; len(data) >= 10 && len(stays) < 500; data = data[10:] {
		s := memindex.DenseStay{
			Person: uint32(data[0]) % fuzzPeople, Place: uint32(data[1]) % fuzzPlaces,
			Enter: int64(int8(data[2]))*86_400 + int64(binary.BigEndian.Uint16(data[3:])),
			Basis: tracing.Basis(data[5] % 3), Flagged: data[5]&0x80 != 0,
		}
		s.Leave = s.Enter + int64(int32(binary.BigEndian.Uint32(data[6:]))>>8)
		if data[5]&0x40 != 0 { // minutes, so that more of them touch
			s.Enter, s.Leave = s.Enter/600*600, s.Leave/600*600
		}
		if data[5]&0x20 != 0 && data[5]&0x10 != 0 { // far from all others
			s.Enter, s.Leave = s.Enter<<20, s.Enter<<20+600
		}
		stays = append(stays, s)
	}
	return stays
}

// FuzzBuild makes an index of any stays, by one worker and by two, and sees what the stays unite to.
func FuzzBuild(f *testing.F) {
	touching := []byte{1, 1, 0, 0x50, 0, 0x40, 0, 0x0e, 0x10, 0}
	f.Add(slices.Repeat(touching, 3))
	f.Add([]byte{
		1, 1, 0, 0x50, 0, 0, 0, 0x0e, 0x10, 0, 2, 1, 0, 0x51, 0, 1, 0, 0x1e, 0x10, 0,
		1, 1, 0, 0x5e, 0x10, 2, 0, 0x02, 0, 0, 1, 1, 1, 0, 0, 0xf0, 2, 0, 0, 0, 3, 2, 0x81, 0xff, 0xff, 0x30, 0, 1, 0, 0,
	})
	day := make([]byte, 0, 3000) // more at one place than are sorted by inserting
	for i := range 300 {
		day = append(day, byte(i*7), 1, 0, byte(0x40+i%64), byte(i*31), byte(i%3), 0, byte(i%40), 0, 0)
	}
	f.Add(day)
	crowd := slices.Clone(day) // who all enter within minutes
	for i := 3; i < len(crowd); i += 10 {
		crowd[i] = 0x60 | crowd[i]>>7
	}
	f.Add(crowd)
	tree, err := tracing.NewPlaces(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dense := staysOf(data)
		n := numbered(fuzzPeople, fuzzPlaces)
		var all []tracing.Stay
		for _, s := range dense {
			all = append(all, tracing.Stay{
				Person: id(s.Person), Place: tracing.Place{ID: id(s.Place)}, Enter: s.Enter, Leave: s.Leave, Basis: s.Basis, Flagged: s.Flagged,
			})
		}
		var want []string
		for _, u := range tracing.Unite(all) {
			want = append(want, fmt.Sprint(u))
		}
		slices.Sort(want)
		for workers := range 2 {
			src := memindex.BuildDense(tree, n, dense, 1+workers).AsOf(math.MaxInt64)
			byPlace, byPerson := everything(t, src, fuzzPeople, fuzzPlaces)
			if !slices.Equal(byPlace, want) || !slices.Equal(byPerson, want) {
				t.Fatalf("%d workers:\nby place  %v\nby person %v\nwant      %v", 1+workers, byPlace, byPerson, want)
			}
		}
	})
}
