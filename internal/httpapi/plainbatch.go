package httpapi

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/qrgen"
)

// plainBatch reads a batch as nearly every client writes it: known fields by their very names, strings of printable ASCII
// without escapes, whole numbers. It says false of everything else, be it wrong or only unusual, and then encoding/json has to
// look. What it does read means what encoding/json says that it means, at a fraction of the cost: the strings of the
// scans are parts of text.
func plainBatch(text string) ([]wireScan, bool) {
	r := plainReader{rest: text}
	if !r.byte('{') || !r.field("scans") || !r.byte('[') {
		return nil, false
	}
	// A scan takes at least as much as its token.
	batch := make([]wireScan, 0, min(len(text)/qrgen.TokenLength+1, MaxBatch))
	for more := true; more; more = r.byte(',') {
		if len(batch) == MaxBatch {
			return nil, false
		}
		batch = append(batch, wireScan{})
		if !r.scan(&batch[len(batch)-1]) {
			return nil, false
		}
	}
	if !r.byte(']') || !r.byte('}') {
		return nil, false
	}
	r.space()
	return batch, r.rest == ""
}

// plainReader reads from the front of rest. After a false the reading is over.
type plainReader struct{ rest string }

// space passes over white space.
func (r *plainReader) space() {
	for r.rest != "" && (r.rest[0] == ' ' || r.rest[0] == '\n' || r.rest[0] == '\r' || r.rest[0] == '\t') {
		r.rest = r.rest[1:]
	}
}

// byte passes over a byte of structure, if it comes next.
func (r *plainReader) byte(b byte) bool {
	r.space()
	if r.rest == "" || r.rest[0] != b {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// string reads a string in which nothing is escaped.
func (r *plainReader) string() (string, bool) {
	if !r.byte('"') {
		return "", false
	}
	end := strings.IndexByte(r.rest, '"')
	if end < 0 {
		return "", false
	}
	text := r.rest[:end]
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' || text[i] == '\\' {
			return "", false
		}
	}
	r.rest = r.rest[end+1:]
	return text, true
}

// field reads the name of a field, which must be this one.
func (r *plainReader) field(name string) bool {
	got, ok := r.string()
	return ok && got == name && r.byte(':')
}

// number reads a whole number as text, without judging whether it fits.
func (r *plainReader) number() string {
	r.space()
	end := 0
	for end < len(r.rest) && (r.rest[end] >= '0' && r.rest[end] <= '9' || r.rest[end] == '-') {
		end++
	}
	text := r.rest[:end]
	r.rest = r.rest[end:]
	if digits := strings.TrimPrefix(text, "-"); len(digits) > 1 && digits[0] == '0' || text == "-0" {
		return "" // JSON has no leading zeros
	}
	return text
}

// scan reads the object of a scan.
func (r *plainReader) scan(w *wireScan) bool {
	if !r.byte('{') {
		return false
	}
	for more := true; more; more = r.byte(',') {
		name, ok := r.string()
		if !ok || !r.byte(':') || !r.value(name, w) {
			return false
		}
	}
	return r.byte('}')
}

// value reads the value of a scan's field.
func (r *plainReader) value(name string, w *wireScan) (ok bool) {
	switch name {
	case "id":
		w.ID, ok = r.string()
	case "token":
		w.Token, ok = r.string()
	case "kind":
		w.Kind, ok = r.string()
	case "how":
		w.How, ok = r.string()
	case "at":
		at, err := strconv.ParseInt(r.number(), 10, 64)
		w.At, ok = &at, err == nil
	case "device":
		var err error
		w.Device, err = strconv.ParseUint(r.number(), 10, 64)
		ok = err == nil
	case "voids":
		var text string
		if text, ok = r.string(); ok {
			id, err := uuid.Parse(text)
			w.Voids, ok = &id, err == nil
		}
	}
	return ok
}
