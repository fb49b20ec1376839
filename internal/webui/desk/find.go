package desk

import (
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/webui/page"
)

// minCode is how many digits of a code have to be typed: fewer stand in nearly every list by chance, and words like "da" and
// "be" are written in such digits too.
const minCode = 4

// finder finds in a list what an officer typed: part of a place's name, site or address, of the code of somebody listed or of
// somebody they met, or of a case's code or laboratory reference, for those who met the case. Marks and case do not count, nor
// do spaces and hyphens in codes.
type finder struct {
	text, code string
	places     map[uuid.UUID]bool // those that match
	cases      map[uuid.UUID]bool // the people whose case matches
}

func newFinder(list *cases.List, text string) *finder {
	f := &finder{text: page.Fold(text), places: make(map[uuid.UUID]bool), cases: make(map[uuid.UUID]bool)}
	f.code = strings.NewReplacer(" ", "", "-", "").Replace(f.text)
	if f.text == "" {
		return f
	}
	for id, n := range list.PlaceNames {
		f.places[id] = strings.Contains(page.Fold(n.Name+"\n"+n.Site+"\n"+n.Address), f.text)
	}
	for _, c := range list.Cases {
		if f.isCodeOf(c.ID) || strings.Contains(page.Fold(c.LabRef), f.text) {
			f.cases[c.Person] = true
		}
	}
	return f
}

// isCodeOf says whether what was typed is part of the code by which people call an id.
func (f *finder) isCodeOf(id uuid.UUID) bool {
	return len(f.code) >= minCode && strings.Contains(strings.ToLower(strings.Replace(page.ShortID(id), "-", "", 1)), f.code)
}

// finds says whether somebody listed is found.
func (f *finder) finds(row cases.Row) bool {
	if f.isCodeOf(row.Person) {
		return true
	}
	for _, e := range row.Evidence {
		if f.places[e.Place.ID] || f.cases[e.Source] || f.isCodeOf(e.Source) {
			return true
		}
	}
	return false
}
