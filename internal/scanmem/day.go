package scanmem

import (
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// record is a scan, other than a void, within its day.
type record struct {
	id       uuid.UUID
	what     uint32 // seconds since the day began << 8 | other flags << 4 | kind << 1 | late
	received uint32 // UTC seconds
	place    uint32
	earlier  uint32 // where the alias's scan before it on this day stands, as day.last says it
}

// recordSize is what a record takes, in bytes.
const recordSize = 32

// flagBits are how many flags a record has room for, from scan.Late on.
const flagBits = 5

func (r *record) say(at int64, kind stay.Kind, flags scan.Flags) {
	flags &= 1<<flagBits - 1
	r.what = uint32(at%scan.SecondsPerDay)<<8 | uint32(flags>>1)<<4 | uint32(kind)<<1 | uint32(flags&1)
}

func (r *record) kind() stay.Kind { return stay.Kind(r.what >> 1 & 7) }

func (r *record) flags() scan.Flags { return scan.Flags(r.what>>4&(1<<(flagBits-1)-1)<<1 | r.what&1) }

func (r *record) scan(of scan.Day, alias uuid.UUID, places []tracing.Place) stay.Scan {
	return stay.Scan{
		ID: r.id, Alias: alias, Place: places[r.place], At: of.Start() + int64(r.what>>8), Kind: r.kind(), Doubts: r.flags(),
	}
}

// void is a scan that takes another back.
type void struct {
	id, voids    uuid.UUID
	at, received uint32 // UTC seconds
}

// voidSize is about what a void takes, with its share of the map: few aliases have more than one.
const voidSize = 4 + 24 + 48

// day is the scans of one UTC day, in the order in which they came. Records never change, and never move: they stand in
// chunks, and each knows the one of its alias before it.
type day struct {
	of        scan.Day
	chunks    [][]record
	records   uint32
	last      []uint32 // by alias: 1 + the position of its latest record, 0 where there is none; may end early
	voids     map[uint32][]void
	voidCount int
	change    uint64 // the number of the latest change
}

// chunkSize is how many records a chunk holds.
const chunkSize = 1 << 12

// record returns the one at a place as last says it, which is not 0.
func (d *day) record(at uint32) *record { return &d.chunks[(at-1)/chunkSize][(at-1)%chunkSize] }

func (d *day) latest(alias uint32) uint32 {
	if int(alias) >= len(d.last) {
		return 0
	}
	return d.last[alias]
}

// add appends a record, with the place that it asks for, unless it is a repeat.
func (d *day) add(alias uint32, r record, place func() uint32) bool {
	for at := d.latest(alias); at != 0; at = d.record(at).earlier {
		if was := d.record(at); was.id == r.id && was.received == r.received {
			return false
		}
	}
	r.place = place()
	d.push(alias, r)
	return true
}

// push appends a record that is new.
func (d *day) push(alias uint32, r record) {
	for int(alias) >= len(d.last) {
		d.last = append(d.last, 0)
	}
	if d.records%chunkSize == 0 {
		d.chunks = append(d.chunks, make([]record, chunkSize))
	}
	r.earlier = d.last[alias]
	d.records++
	*d.record(d.records) = r
	d.last[alias] = d.records
}

func (d *day) addVoid(alias uint32, v void) bool {
	for _, other := range d.voids[alias] {
		if other == v {
			return false
		}
	}
	d.voids[alias] = append(d.voids[alias], v)
	d.voidCount++
	return true
}

// anyAt says whether a record is at one of the places.
func (d *day) anyAt(is func(place uint32) bool) bool {
	left := int(d.records)
	for _, chunk := range d.chunks {
		for i := range chunk[:min(left, chunkSize)] {
			if is(chunk[i].place) {
				return true
			}
		}
		left -= chunkSize
	}
	return false
}
