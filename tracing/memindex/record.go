package memindex

import "github.com/truyvet/truyvet/tracing"

// record is a united stay, or one of the stays that one was made of, in eight bytes: from the highest bit down
//
//	enter within the day 17 · length 17 · person 27 · basis 2 · flagged 1
//
// so that records sort by their entry, and a bound on the entry is one comparison.
type record uint64

// The widths and the positions of the fields.
const (
	enterBits  = 17
	lengthBits = 17
	personBits = 27

	enterShift  = 64 - enterBits
	lengthShift = enterShift - lengthBits
	personShift = lengthShift - personBits
	basisShift  = 1

	lengthMask = 1<<lengthBits - 1
	personMask = 1<<personBits - 1

	day       int64 = 24 * 60 * 60
	maxLength int64 = lengthMask // longer stays stand beside the records, see odd

	// several, in place of a basis, says that the parts of the union stand beside the records.
	several tracing.Basis = 3
)

// MaxPeople is how many people an index can hold.
const MaxPeople = 1 << personBits

func newRecord(enter, length int64, person uint32, basis tracing.Basis, flagged bool) record {
	r := record(enter)<<enterShift | record(length)<<lengthShift | record(person)<<personShift | record(basis)<<basisShift
	if flagged {
		r |= 1
	}
	return r
}

func (r record) enter() int64         { return int64(r >> enterShift) }
func (r record) length() int64        { return int64(r >> lengthShift & lengthMask) }
func (r record) person() uint32       { return uint32(r>>personShift) & personMask }
func (r record) basis() tracing.Basis { return tracing.Basis(r >> basisShift & 3) }
func (r record) flagged() bool        { return r&1 != 0 }

// class is the list of its place that a record stands in.
type class uint8

// The classes. A list of short stays can be entered near the time that is asked for, however long others stay at the place;
// those who stay past midnight are looked for from the days after.
const (
	short     class = iota
	long            // of longFrom or more
	overnight       // until midnight or longer
	classes

	longFrom int64 = 2 * 60 * 60
)

func (r record) class() class {
	switch length := r.length(); {
	case r.enter()+length >= day:
		return overnight
	case length >= longFrom:
		return long
	default:
		return short
	}
}
