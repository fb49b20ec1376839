package tracing

import (
	"iter"
	"math/bits"
	"slices"

	"github.com/google/uuid"
)

// CaseSet is a set of cases, by their positions in a request. It may share its memory with others and must not be changed.
type CaseSet []uint64

// Has says whether a case is in the set.
func (s CaseSet) Has(i int) bool { return i>>6 < len(s) && s[i>>6]>>(i&63)&1 != 0 }

// Len returns how many cases there are.
func (s CaseSet) Len() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// With returns the set with one case more; s stays as it is.
func (s CaseSet) With(i int) CaseSet {
	more := append(make(CaseSet, 0, max(len(s), i>>6+1)), s...)
	for len(more) <= i>>6 {
		more = append(more, 0)
	}
	more[i>>6] |= 1 << (i & 63)
	return more
}

// All gives the cases in ascending order.
func (s CaseSet) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for w, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(w<<6 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}

// Roots returns for each contact of the report the cases at its root, in the sense of [Reached.Cases]; cases and linger are
// those of the request that the report is of. Nobody else's evidence is looked at, so whoever has a report and the cases has
// the roots too, and nothing more has to be kept.
//
// A report does not tell from which of several cases of one person an encounter came. Those count whose window, and the
// linger after it, has room for it; each of them reaches the contact, unless the source was there after its window alone.
func (r *Report) Roots(cases []Case, linger int64) []CaseSet {
	words := (len(cases) + 63) / 64
	of := make(map[uuid.UUID][]int, len(cases)) // the cases of a person
	for i, c := range cases {
		of[c.Person] = append(of[c.Person], i)
	}
	roots := make([]CaseSet, len(r.Contacts))
	known := make(map[uuid.UUID]CaseSet, len(r.Contacts))
	row := make(CaseSet, words)
	for n, contact := range r.Contacts {
		clear(row)
		for _, e := range contact.Evidence {
			for _, i := range of[e.Source] {
				if w := cases[i].Window; w.From <= e.From && e.To-linger <= w.To && w.From < w.To {
					row[i>>6] |= 1 << (i & 63)
				}
			}
			for w, word := range known[e.Source] {
				row[w] |= word
			}
		}
		roots[n] = shared(row, known[contact.Evidence[0].Source])
		known[contact.Person] = roots[n]
	}
	return roots
}

// shared returns the row's content: the other set where it is the same, for most people have all they have from one source.
func shared(row, other CaseSet) CaseSet {
	if slices.Equal(row, other) {
		return other
	}
	return slices.Clone(row)
}
