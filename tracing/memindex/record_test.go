package memindex

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/tracing"
)

func TestRecordKeepsItsFields(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		enter, length := rapid.Int64Range(0, day-1).Draw(r, "enter"), rapid.Int64Range(1, maxLength).Draw(r, "length")
		person := rapid.Uint32Range(0, MaxPeople-1).Draw(r, "person")
		basis := tracing.Basis(rapid.IntRange(0, int(several)).Draw(r, "basis"))
		flagged := rapid.Bool().Draw(r, "flagged")
		rec := newRecord(enter, length, person, basis, flagged)
		if rec.enter() != enter || rec.length() != length || rec.person() != person || rec.basis() != basis || rec.flagged() != flagged {
			r.Fatalf("%d %d %d %d %t became %x", enter, length, person, basis, flagged, uint64(rec))
		}
		if bound := rapid.Int64Range(0, day-1).Draw(r, "bound"); (rec < before(bound)) != (enter < bound) {
			r.Fatalf("entry %d, bound %d: less is %t", enter, bound, rec < before(bound))
		}
		from, least := rapid.Int64Range(-day, 3*day).Draw(r, "from"), rapid.Int64Range(1, day).Draw(r, "least")
		if want := enter+length-max(enter, from) >= least; (rec.stays(from, least) == 1) != want {
			r.Fatalf("enter %d length %d from %d least %d: want %t", enter, length, from, least, want)
		}
	})
}
