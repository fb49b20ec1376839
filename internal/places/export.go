package places

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/sheet"
)

// WriteCSV writes the places of the actor's organisation as a file that Import reads: each after what it is a part of, siblings in
// the order of their names. What no file has called otherwise has its id as its key, and what has no ward that of what it is a part
// of. Given to the same organisation the file makes no place; given to another it makes the same ones, but for those that ask for a
// form that is offered no longer, and the file of these is the same, byte by byte. It is UTF-8 without a byte order mark, and nothing
// in it begins like a formula, so that a spreadsheet runs none.
func (s *Service) WriteCSV(actor registry.Account, w io.Writer) error {
	tree := s.Tree(actor)
	keys, wards := make(map[uuid.UUID]string, len(tree)), make(map[uuid.UUID]string)
	for i := range tree {
		p := &tree[i]
		keys[p.ID] = cmp.Or(p.Key, p.ID.String())
		if p.Area = cmp.Or(p.Area, wards[p.Parent]); p.Area != "" {
			wards[p.ID] = p.Area
		}
	}
	out := csv.NewWriter(w)
	// The writer keeps its first error, which Error returns below.
	_ = out.Write(Columns())
	for i := range tree {
		_ = out.Write(line(&tree[i], keys))
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing places: %w", err)
	}
	return nil
}

// line returns a place's fields in the order of Columns.
func line(p *registry.Place, keys map[uuid.UUID]string) []string {
	dwell := ""
	if p.Dwell > 0 {
		dwell = strconv.FormatInt(p.Dwell/60, 10)
	}
	return []string{
		sheet.Exact(keys[p.ID]), sheet.Exact(keys[p.Parent]), sheet.Exact(p.Name), p.Kind.String(), sheet.Exact(p.Address), p.Area, dwell,
		p.Hours, sheet.Exact(p.Form),
	}
}
