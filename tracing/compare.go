package tracing

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// Change is one person whose generation differs between two reports. 0 stands for not being listed.
type Change struct {
	Person uuid.UUID `json:"person"`
	Before int       `json:"before"`
	After  int       `json:"after"`
}

// Difference says what changed from one report to another. Each list is ordered by (After, Before, Person).
type Difference struct {
	Came    []Change `json:"came"`    // listed in the later report only
	Went    []Change `json:"went"`    // listed in the earlier report only
	Shifted []Change `json:"shifted"` // listed in both, in another generation
}

// Compare says what changed from a to b.
func Compare(a, b *Report) Difference {
	before := make(map[uuid.UUID]int, len(a.Contacts))
	for _, c := range a.Contacts {
		before[c.Person] = c.Generation
	}
	var d Difference
	for _, c := range b.Contacts {
		was := before[c.Person]
		delete(before, c.Person)
		change := Change{Person: c.Person, Before: was, After: c.Generation}
		switch was {
		case c.Generation:
		case 0:
			d.Came = append(d.Came, change)
		default:
			d.Shifted = append(d.Shifted, change)
		}
	}
	for person, was := range before {
		d.Went = append(d.Went, Change{Person: person, Before: was})
	}
	for _, list := range [][]Change{d.Came, d.Went, d.Shifted} {
		slices.SortFunc(list, func(a, b Change) int {
			return cmp.Or(
				cmp.Compare(a.After, b.After),
				cmp.Compare(a.Before, b.Before),
				bytes.Compare(a.Person[:], b.Person[:]),
			)
		})
	}
	return d
}
