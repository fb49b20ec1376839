package cli

import (
	"bufio"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// csvTable reads a CSV file whose columns are found by the names in its header, in any order; others are ignored. A byte
// order mark is tolerated.
type csvTable struct {
	file   string
	r      *csv.Reader
	column map[string]int
	record []string
}

// readCSV calls row for each row of a file that has the required columns.
func readCSV(file string, required []string, row func(*csvTable) error) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return readTable(file, f, required, row)
}

// readTable is readCSV on a reader; file is its name in messages.
func readTable(file string, in io.Reader, required []string, row func(*csvTable) error) error {
	return readRows(file, in, required, func(t *csvTable, err error) error {
		if err != nil {
			return err
		}
		return row(t)
	})
}

// readRows is readTable for who can go on after a row that cannot be read: row is then called with the error alone.
func readRows(file string, in io.Reader, required []string, row func(*csvTable, error) error) error {
	buffered := bufio.NewReaderSize(in, 1<<16)
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" {
		_, _ = buffered.Discard(3) // cannot fail: it is in the buffer
	}
	t := &csvTable{file: file, r: csv.NewReader(buffered), column: make(map[string]int)}
	t.r.ReuseRecord = true
	header, err := t.r.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: the file is empty: its first line must name the columns %s", file, strings.Join(required, ","))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for i, name := range header {
		if _, twice := t.column[name]; twice {
			return fmt.Errorf("%s:1: column %s stands twice", file, name)
		}
		t.column[strings.Clone(name)] = i
	}
	for _, name := range required {
		if _, ok := t.column[name]; !ok {
			return fmt.Errorf("%s:1: column %s is missing", file, name)
		}
	}
	for {
		t.record, err = t.r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var fault *csv.ParseError
		switch {
		case errors.As(err, &fault):
			err = fmt.Errorf("%s:%d: %w", file, fault.StartLine, fault.Err)
		case err != nil:
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := row(t, err); err != nil {
			return err
		}
	}
}

// field returns the field of a column, empty where there is no such column. It is valid until the next row.
func (t *csvTable) field(column string) string {
	if i, ok := t.column[column]; ok {
		return t.record[i]
	}
	return ""
}

// line returns the line of the row.
func (t *csvTable) line() int {
	line, _ := t.r.FieldPos(0)
	return line
}

// fault says what is wrong with a field of the row.
func (t *csvTable) fault(column string, err error) error {
	return columnFault(t.file, t.line(), column, err)
}

func columnFault(file string, line int, column string, err error) error {
	return fmt.Errorf("%s:%d: column %s: %w", file, line, column, err)
}

// name returns the field of a column that must not be empty.
func (t *csvTable) name(column string) (string, error) {
	name := t.field(column)
	if name == "" {
		return "", t.fault(column, errors.New("is empty"))
	}
	return name, nil
}

// instant returns the time in a column.
func (t *csvTable) instant(column string) (int64, error) {
	at, err := parseInstant(t.field(column))
	if err != nil {
		return 0, t.fault(column, err)
	}
	return at, nil
}

// The first second of the year 1 and of the year 10000: what RFC 3339 can write.
const (
	firstInstant int64 = -62_135_596_800
	endOfTime    int64 = 253_402_300_800
)

// parseInstant reads a time in unix seconds or RFC 3339, without fractions of a second.
func parseInstant(text string) (int64, error) {
	text = strings.TrimSpace(text)
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t, timeErr := time.Parse(time.RFC3339, text)
		if timeErr != nil {
			if _, floatErr := strconv.ParseFloat(text, 64); floatErr == nil {
				return 0, fmt.Errorf("%q is not a time in whole seconds", text)
			}
			return 0, fmt.Errorf("%q is neither unix seconds nor RFC 3339 like 2021-12-29T08:00:00+07:00", text)
		}
		if strings.ContainsAny(text, ".,") {
			return 0, fmt.Errorf("%q is not a time in whole seconds", text)
		}
		at = t.Unix()
	}
	if at < firstInstant || at >= endOfTime {
		return 0, fmt.Errorf("%q is not between the years 1 and 9999", text)
	}
	return at, nil
}

// parseDuration reads a duration in seconds, or in Go's form like 15m, without fractions of a second.
func parseDuration(text string) (int64, error) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		if seconds < 0 {
			return 0, fmt.Errorf("%q is negative", text)
		}
		return seconds, nil
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is neither seconds nor a duration like 15m", text)
	case d < 0:
		return 0, fmt.Errorf("%q is negative", text)
	case d%time.Second != 0:
		return 0, fmt.Errorf("%q is not in whole seconds", text)
	}
	return int64(d / time.Second), nil
}

// names gives names the numbers 0, 1, 2, … as they come and, once rank was called, ids that sort as the names do.
type names struct {
	number map[string]int32
	list   []string
	ranks  []int32 // of the numbers
	sorted []string
}

func newNames() *names { return &names{number: make(map[string]int32)} }

// add returns the number of a name. It does not keep the string.
func (n *names) add(name string) int32 {
	number, known := n.number[name]
	if !known {
		name = strings.Clone(name)
		number = int32(len(n.list))
		n.number[name] = number
		n.list = append(n.list, name)
	}
	return number
}

// rank fixes the ids. No name may be added afterwards.
func (n *names) rank() {
	n.sorted = slices.Sorted(slices.Values(n.list))
	n.ranks = make([]int32, len(n.list))
	for rank, name := range n.sorted {
		n.ranks[n.number[name]] = int32(rank)
	}
}

// id returns the id of a number; none is uuid.Nil.
func (n *names) id(number int32) uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[8:], uint64(n.ranks[number])+1)
	return id
}

// name returns the name of an id that id has given.
func (n *names) name(id uuid.UUID) string {
	return n.sorted[binary.BigEndian.Uint64(id[8:])-1]
}
