package redisstream

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanlog/scanlogtest"
)

// framed writes wire forms as an entry has them.
func framed(wires ...[]byte) string {
	var b []byte
	for _, wire := range wires {
		b = append(append(b, byte(len(wire))), wire...)
	}
	return string(b)
}

// TestDecodeGivesWhatWasWritten reads scans and what is none among them, each in its place, in both forms.
func TestDecodeGivesWhatWasWritten(t *testing.T) {
	const start = 7<<milliShift | 3<<numberBits
	rapid.Check(t, func(t *rapid.T) {
		var wires [][]byte
		var want []scan.Scan
		for n := range rapid.IntRange(1, 40).Draw(t, "scans") {
			s := scanlogtest.Scan(n)
			wire, err := s.AppendWire(nil)
			if err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 9).Draw(t, "poison") == 0 {
				wire[0] = 99
				s = scan.Scan{}
			}
			s.Shard, s.Seq = 2, start+uint64(n)
			wires, want = append(wires, wire), append(want, s)
		}
		entries := decode(nil, 2, start, map[string]any{fieldFrom: "5", fieldSeveral: framed(wires...)})
		if len(entries) != len(want) {
			t.Fatalf("%d entries of %d scans", len(entries), len(want))
		}
		for i, e := range entries {
			if e.Seq != want[i].Seq || e.Shard != 2 || !bytes.Equal(e.Raw, wires[i]) {
				t.Fatalf("entry %d is %+v", i, e)
			}
			if want[i].ID == (scan.Scan{}).ID {
				if !errors.Is(e.Fault, scan.ErrVersion) {
					t.Fatalf("what is no scan has the fault %v", e.Fault)
				}
			} else if e.Fault != nil || e.Scan != want[i] {
				t.Fatalf("entry %d is %+v, %v", i, e.Scan, e.Fault)
			}
		}
		alone := decode(nil, 2, start, map[string]any{fieldSingle: string(wires[0])})
		if len(alone) != 1 || alone[0].Scan != entries[0].Scan || !bytes.Equal(alone[0].Raw, wires[0]) {
			t.Fatalf("in the older form: %+v", alone)
		}
	})
}

// TestDecodeOfWhatIsDamaged sees every entry give something, and nothing of it lost.
func TestDecodeOfWhatIsDamaged(t *testing.T) {
	s := scanlogtest.Scan(0)
	wire, err := s.AppendWire(nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := framed(wire, wire)
	for name, c := range map[string]struct {
		fields map[string]any
		faults []error
		raw    string
	}{
		"deleted":         {nil, []error{scanlog.ErrDropped}, ""},
		"no field":        {map[string]any{}, []error{errFields}, ""},
		"another field":   {map[string]any{"x": "1"}, []error{errFields}, ""},
		"two forms":       {map[string]any{fieldSingle: "a", "t": "b"}, []error{errFields}, ""},
		"nothing":         {map[string]any{fieldFrom: "0", fieldSeveral: ""}, []error{errFields}, ""},
		"an empty one":    {map[string]any{fieldSingle: ""}, []error{scan.ErrMalformed}, ""},
		"cut":             {map[string]any{fieldFrom: "0", fieldSeveral: whole[:len(whole)-1]}, []error{nil, errFrames}, whole[len(wire)+1 : len(whole)-1]},
		"without a count": {map[string]any{fieldSeveral: whole}, []error{nil, nil}, ""},
		"of no length":    {map[string]any{fieldFrom: "0", fieldSeveral: "\x00" + whole}, []error{scan.ErrMalformed, nil, nil}, ""},
		"too many": {
			map[string]any{fieldFrom: "0", fieldSeveral: string(make([]byte, maxNumber+9))},
			append(slices.Repeat([]error{scan.ErrMalformed}, maxNumber), errFrames), string(make([]byte, 9)),
		},
	} {
		entries := decode(nil, 0, 1<<milliShift, c.fields)
		if len(entries) != len(c.faults) {
			t.Errorf("%s: %d entries, want %d", name, len(entries), len(c.faults))
			continue
		}
		for i, e := range entries {
			if !errors.Is(e.Fault, c.faults[i]) || e.Seq != 1<<milliShift+uint64(i) {
				t.Errorf("%s, entry %d: %d %v, want %v", name, i, e.Seq, e.Fault, c.faults[i])
			}
		}
		if last := entries[len(entries)-1]; errors.Is(last.Fault, errFrames) && string(last.Raw) != c.raw {
			t.Errorf("%s: what could not be read is %q", name, last.Raw)
		}
	}
}

func FuzzDecode(f *testing.F) {
	s := scanlogtest.Scan(0)
	wire, err := s.AppendWire(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(framed(wire, wire))
	f.Add("\x00")
	f.Fuzz(func(t *testing.T, text string) {
		entries := decode(nil, 0, 1<<milliShift, map[string]any{fieldFrom: "0", fieldSeveral: text})
		size := 0
		for i, e := range entries {
			if e.Seq != 1<<milliShift+uint64(i) || i > maxNumber {
				t.Fatalf("entry %d has the seq %d", i, e.Seq)
			}
			if size += len(e.Raw) + 1; errors.Is(e.Fault, errFrames) {
				size--
			}
		}
		if len(entries) == 0 || text != "" && size != len(text) {
			t.Fatalf("of %d bytes %d are in %d entries", len(text), size, len(entries))
		}
	})
}
