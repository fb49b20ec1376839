package sealed

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/tracing"
)

const someDay = 18_900

func drawPieces(t *rapid.T) []piece {
	return rapid.SliceOf(rapid.Custom(func(t *rapid.T) piece {
		enter := startOf(someDay) + rapid.OneOf(rapid.Int64Range(0, 100), rapid.Int64Range(0, 24*3600-1)).Draw(t, "enter")
		length := rapid.OneOf(rapid.Int64Range(1, 100), rapid.Int64Range(1, 30*3600), rapid.Int64Range(tooLong-2, tooLong+2)).Draw(t, "length")
		return piece{
			other: rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32Range(0, maxNumber)).Draw(t, "other"),
			enter: enter, leave: enter + length,
			basis: tracing.Basis(rapid.Uint8Range(0, 2).Draw(t, "basis")), flagged: rapid.Bool().Draw(t, "flagged"),
		}
	})).Draw(t, "pieces")
}

// What went into a group comes out of it, whatever the order, and its records are what the stays unite to.
func TestGroups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := drawPieces(t)
		want := slices.Clone(pieces)
		slices.SortFunc(want, comparePieces)
		bytes, err := appendGroup([]byte("before"), someDay, pieces)
		if err != nil {
			t.Fatal(err)
		}
		bytes = bytes[len("before"):]
		got, err := appendPieces(nil, someDay, bytes)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got, comparePieces)
		if !slices.Equal(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
		for n := range len(bytes) {
			if _, err := appendPieces(nil, someDay, bytes[:n]); err == nil {
				t.Fatalf("cut to %d of %d bytes it is taken for whole", n, len(bytes))
			}
		}
		checkRecords(t, bytes, want)
	})
}

func checkRecords(t *rapid.T, bytes []byte, sorted []piece) {
	all, _, err := records(bytes)
	if err != nil {
		t.Fatal(err)
	}
	var want []record
	for i := 0; i < len(sorted); {
		p := sorted[i]
		n := 1
		for ; i+n < len(sorted) && sorted[i+n].other == p.other && sorted[i+n].enter <= p.leave; n++ {
			p.leave = max(p.leave, sorted[i+n].leave)
		}
		r := record(uint64(p.enter-startOf(someDay))<<enterShift | uint64(min(p.leave-p.enter, tooLong))<<lengthShift | uint64(p.other)<<otherShift)
		if n > 1 || p.leave-p.enter >= tooLong {
			r |= several << basisShift
		} else {
			r |= record(uint64(p.basis)<<basisShift | bit(p.flagged))
		}
		want = append(want, r)
		i += n
	}
	slices.SortFunc(want, func(a, b record) int { return cmp.Compare(a, b) })
	var got []record
	for ; len(all) > 0; all = all[recordSize:] {
		r := record(0)
		for i := range recordSize {
			r |= record(all[i]) << (8 * i)
		}
		got = append(got, r)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("the records are %x, want %x", got, want)
	}
}

func TestGroupsThatCannotBe(t *testing.T) {
	start := startOf(someDay)
	for name, p := range map[string]piece{
		"another day":     {enter: start - 1, leave: start + 1},
		"no number":       {other: maxNumber + 1, enter: start, leave: start + 1},
		"seventeen years": {enter: start, leave: start + maxPartLength + 1},
	} {
		if _, err := appendGroup(nil, someDay, []piece{p}); err == nil {
			t.Errorf("%s: it was written", name)
		}
	}
}

// FuzzGroup reads any bytes: they are a group, or an error.
func FuzzGroup(f *testing.F) {
	start := startOf(someDay)
	for _, pieces := range [][]piece{nil, {{1, start, start + 5, 0, true}}, {{1, start, start + tooLong, 2, false}}} {
		bytes, err := appendGroup(nil, someDay, pieces)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes)
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, bytes []byte) {
		pieces, err := appendPieces(nil, someDay, bytes)
		if err == nil && len(pieces) > len(bytes)/partSize {
			t.Errorf("%d stays of %d bytes", len(pieces), len(bytes))
		}
	})
}
