package places

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/sheet"
)

// mostListFaults is how many lines of a list are kept that are wrong.
const mostListFaults = 100

// Why a line of a list names no place, beside what is wrong with lines of any file.
var (
	errListNothing = errs.New(errs.Invalid, "list_nothing", "The line names no place.")
	errListUnknown = errs.New(errs.Invalid, "list_unknown", "It is no place of the organisation.")
	errListSeveral = errs.New(errs.Invalid, "list_several", "Several places are called so; write before it what the place is a part of, or its key.")
	errListTwice   = errs.New(errs.Invalid, "list_twice", "The place stands on a line above.")
)

// Listed is what a list of places names.
type Listed struct {
	Places []uuid.UUID // each once, in the order of the list
	Faults []RowFault  // the first 100
	More   int         // faults beyond these
}

func (l *Listed) refuse(line int, why *errs.Error) {
	if len(l.Faults) < mostListFaults {
		l.Faults = append(l.Faults, RowFault{Line: line, Why: why})
	} else {
		l.More++
	}
}

// listColumns are the columns that may name the places of a list, the one that counts where there are several first. They mean what they
// mean in files for Import and for posters, so that these are lists too.
var listColumns = []string{"place_id", "id", columnKey, "place", columnName}

// columnPart goes behind a name.
const columnPart = "part"

// ReadList reads a list of places of the actor's organisation: lines of a file as Import takes it, whose first names the columns, or
// whose first column alone counts. A line names a place by its id, by its key, or by its name as people say it, the name of what it is
// a part of before it where several have that name: "Chợ Bến / Quầy 2". Case, and spaces around names, make no difference.
func (s *Service) ReadList(actor registry.Account, file []byte) (list Listed) {
	names := namesOf(s.Tree(actor))
	lines := newCSVLines(bytes.NewReader(file))
	row, err := lines.header()
	columns, header := columnsOf(row)
	if header {
		row, err = lines.next()
	}
	used := make(map[uuid.UUID]bool)
	for ; !errors.Is(err, io.EOF); row, err = lines.next() {
		var id uuid.UUID
		if err == nil {
			id, err = names.find(columns.name(row))
		}
		switch {
		case err != nil:
			list.refuse(lines.number, errs.Of(err))
		case used[id]:
			list.refuse(lines.number, errListTwice)
		default:
			used[id] = true
			list.Places = append(list.Places, id)
		}
	}
	return list
}

// namingColumns are where a row names a place; part is below 0 where there is none.
type namingColumns struct{ place, part int }

// columnsOf returns the columns that count, and whether the row named them.
func columnsOf(row []string) (columns namingColumns, header bool) {
	called := make([]string, len(row))
	for i, cell := range row {
		called[i] = strings.ToLower(strings.TrimSpace(cell))
	}
	for _, name := range listColumns {
		at := slices.Index(called, name)
		if at < 0 {
			continue
		}
		columns = namingColumns{place: at, part: -1}
		if name == columnName {
			columns.part = slices.Index(called, columnPart)
		}
		return columns, true
	}
	return namingColumns{part: -1}, false
}

// name returns what a row calls its place, empty where it calls it nothing.
func (c namingColumns) name(row []string) string {
	cell := func(at int) string {
		if at < 0 || at >= len(row) {
			return ""
		}
		return sheet.Read(strings.TrimSpace(row[at]))
	}
	name := cell(c.place)
	if part := cell(c.part); part != "" {
		name += "/" + part
	}
	return name
}

// placeNames finds places by what they are called.
type placeNames struct {
	exact map[string]uuid.UUID // ids and keys
	paths map[string]uuid.UUID // names with all of what they are a part of
	names map[string]uuid.UUID // names with some of it, and without
}

// manyPlaces stands for several that are called alike.
var manyPlaces = uuid.Max

// namesOf returns what finds the places of a tree, each of which stands before its parts.
func namesOf(tree []registry.Place) *placeNames {
	n := &placeNames{exact: make(map[string]uuid.UUID), paths: make(map[string]uuid.UUID), names: make(map[string]uuid.UUID)}
	above := make(map[uuid.UUID][]string)
	for _, p := range tree {
		n.exact[p.ID.String()] = p.ID
		if p.Key != "" {
			n.exact[p.Key] = p.ID
		}
		own := foldName(p.Name)
		called := []string{own}
		for _, around := range above[p.Parent] {
			called = append(called, around+"/"+own)
		}
		above[p.ID] = called
		for _, name := range called {
			add(n.names, name, p.ID)
		}
		add(n.paths, called[len(called)-1], p.ID)
	}
	return n
}

func add(names map[string]uuid.UUID, name string, id uuid.UUID) {
	if _, taken := names[name]; taken {
		id = manyPlaces
	}
	names[name] = id
}

// foldName writes a name so that all ways to write it are alike.
func foldName(name string) string {
	parts := strings.Split(strings.ToLower(norm.NFC.String(name)), "/")
	for i, part := range parts {
		parts[i] = strings.Join(strings.Fields(part), " ")
	}
	return strings.Join(parts, "/")
}

// find returns the place that is called so. The errors: errListNothing, errListUnknown and errListSeveral.
func (n *placeNames) find(name string) (uuid.UUID, error) {
	if name == "" {
		return uuid.Nil, errListNothing
	}
	id, known := n.exact[nameInFiles(name)]
	if !known {
		id, known = n.paths[foldName(name)]
	}
	if !known {
		id, known = n.names[foldName(name)]
	}
	switch {
	case !known:
		return uuid.Nil, errListUnknown
	case id == manyPlaces:
		return uuid.Nil, errListSeveral
	}
	return id, nil
}
