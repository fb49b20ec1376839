package places

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/truyvet/truyvet/internal/errs"
)

// maxLine is how many bytes a line of a file may have.
const maxLine = 16 << 10

var (
	errLineLong = errs.New(errs.Invalid, "row_long", "The line is longer than 16,384 bytes.")
	errQuotes   = errs.New(errs.Invalid, "row_quotes", "A quote is not closed on its line, or has text beside it.")
)

// csvLines reads comma-separated values (RFC 4180) line by line: nothing that stands in a place goes over the end of a line, so
// a quote that was forgotten spoils its own line and no other. Where the first line has semicolons and no commas, as spreadsheets
// write them in Viet Nam, these separate.
type csvLines struct {
	in     *bufio.Reader
	comma  byte
	number int   // of the line read last
	read   int64 // bytes until its end
}

func newCSVLines(in io.Reader) *csvLines {
	l := &csvLines{in: bufio.NewReaderSize(in, maxLine), comma: ','}
	if mark, _ := l.in.Peek(3); string(mark) == "\ufeff" {
		n, _ := l.in.Discard(3) // cannot fail: it is in the buffer
		l.read = int64(n)
	}
	return l
}

// header reads the names of the columns.
func (l *csvLines) header() ([]string, error) {
	line, err := l.line()
	if err != nil {
		return nil, err
	}
	if strings.Contains(line, ";") && !strings.Contains(line, ",") {
		l.comma = ';'
	}
	return splitCSV(line, l.comma)
}

// next reads the fields of the next line that is not empty. The errors: io.EOF at the end, errLineLong and errQuotes, after which
// it goes on with the next line, and those of reading.
func (l *csvLines) next() ([]string, error) {
	for {
		line, err := l.line()
		if err != nil {
			return nil, err
		}
		if line != "" {
			return splitCSV(line, l.comma)
		}
	}
}

// line reads a line without its end.
func (l *csvLines) line() (string, error) {
	slice, err := l.in.ReadSlice('\n')
	l.read += int64(len(slice))
	long := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		slice, err = l.in.ReadSlice('\n')
		l.read += int64(len(slice))
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(slice) == 0 && !long) {
		return "", err
	}
	l.number++
	if long {
		return "", errLineLong
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(slice), "\n"), "\r"), nil
}

// splitCSV takes a line apart. The error is errQuotes.
func splitCSV(line string, comma byte) (fields []string, err error) {
	for {
		if !strings.HasPrefix(line, `"`) {
			field, rest, more := strings.Cut(line, string(comma))
			if strings.Contains(field, `"`) {
				return nil, errQuotes
			}
			fields = append(fields, field)
			if !more {
				return fields, nil
			}
			line = rest
			continue
		}
		field, rest, closed := quoted(line[1:])
		if !closed || rest != "" && rest[0] != comma {
			return nil, errQuotes
		}
		fields = append(fields, field)
		if rest == "" {
			return fields, nil
		}
		line = rest[1:]
	}
}

// quoted reads a field after its first quote, and returns what follows its last.
func quoted(text string) (field, rest string, closed bool) {
	for {
		before, after, found := strings.Cut(text, `"`)
		if !found {
			return "", "", false
		}
		field += before
		if !strings.HasPrefix(after, `"`) {
			return field, after, true
		}
		field, text = field+`"`, after[1:]
	}
}
