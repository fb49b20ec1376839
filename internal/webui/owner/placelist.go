package owner

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

// errList says that lines of a file name no place of the owner's.
var errList = errs.New(errs.Invalid, "print_list", "Some lines of the file name no place of yours. Nothing was ordered.")

// mostFaults is how many lines are shown that are wrong.
const mostFaults = 100

// lineFault says what is wrong with a line. Why is the end of the key of its text.
type lineFault struct {
	Line int
	Why  string
}

// listFaults are the first of the lines that are wrong, and how many more there are.
type listFaults struct {
	First []lineFault
	More  int
}

func (f *listFaults) add(line int, why string) {
	if len(f.First) < mostFaults {
		f.First = append(f.First, lineFault{line, why})
	} else {
		f.More++
	}
}

// readPlaceList reads a list of an owner's places, each once and in the order of the file: comma- or semicolon-separated values
// with a column id or place_id, or ids alone. What a line is refused for follows its number.
func readPlaceList(file []byte, own []registry.Place) (ids []uuid.UUID, faults listFaults) {
	known := make(map[uuid.UUID]bool, len(own))
	for _, p := range own {
		known[p.ID] = true
	}
	rows := listReader(file)
	column := -1 // not known yet
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return ids, faults
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			faults.add(wrong.StartLine, "row")
			continue
		}
		line, _ := rows.FieldPos(0)
		if column < 0 {
			named := slices.IndexFunc(row, func(name string) bool {
				name = strings.ToLower(strings.TrimSpace(name))
				return name == "id" || name == "place_id"
			})
			if column = max(named, 0); named >= 0 {
				continue
			}
		}
		if id, why := listedPlace(row, column, known); why != "" {
			faults.add(line, why)
		} else {
			known[id] = false // once is enough
			ids = append(ids, id)
		}
	}
}

// listReader reads the rows of a file.
func listReader(file []byte) *csv.Reader {
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	rows := csv.NewReader(bytes.NewReader(file))
	rows.FieldsPerRecord, rows.ReuseRecord = -1, true
	if first, _, _ := bytes.Cut(file, []byte("\n")); bytes.Contains(first, []byte(";")) && !bytes.Contains(first, []byte(",")) {
		rows.Comma = ';'
	}
	return rows
}

// listedPlace returns the place of a row, or why there is none.
func listedPlace(row []string, column int, known map[uuid.UUID]bool) (id uuid.UUID, why string) {
	if column >= len(row) {
		return uuid.Nil, "row"
	}
	id, err := uuid.Parse(strings.TrimSpace(row[column]))
	if err != nil {
		return uuid.Nil, "id"
	}
	unused, there := known[id]
	switch {
	case !there:
		return uuid.Nil, "unknown"
	case !unused:
		return uuid.Nil, "twice"
	}
	return id, ""
}
