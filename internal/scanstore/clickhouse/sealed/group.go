package sealed

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/tracing"
)

// piece is a stay as it stands in a group: other is the person in the group of a place, the place in that of a person.
type piece struct {
	other        uint32
	enter, leave int64 // UTC seconds
	basis        tracing.Basis
	flagged      bool
}

// record is what the stays of one other in a group unite to, sorted by when it begins: the second of the day on which it was
// entered (17 bits), its length (17), the other (27), basis (2) and flagged (1).
type record uint64

const (
	enterShift  = 47
	lengthShift = 30
	otherShift  = 3
	basisShift  = 1

	// tooLong is the length of a record that lasts so long or longer: the parts say how long.
	tooLong   = 1<<17 - 1
	maxNumber = 1<<27 - 1
	// several is the basis of a record whose parts stand behind the records.
	several = 3

	maxPartLength = 1<<29 - 1
)

func (r record) enter() int64   { return int64(r >> enterShift) }
func (r record) length() int64  { return int64(r>>lengthShift) & tooLong }
func (r record) other() uint32  { return uint32(r>>otherShift) & maxNumber }
func (r record) several() bool  { return r>>basisShift&3 == several }
func (r record) basis() uint8   { return uint8(r >> basisShift & 3) }
func (r record) flagged() bool  { return r&1 != 0 }
func bit(is bool) uint64        { return map[bool]uint64{true: 1}[is] }
func startOf(day int32) int64   { return scan.Day(day).Start() }
func dayOf(instant int64) int32 { return int32(scan.DayOf(instant)) }

// The lengths, in bytes, of what a group is made of: the number of records, the records, and then for each record with parts
// their number and the parts, all little-endian.
const (
	countSize  = 4
	recordSize = 8
	partSize   = 8
)

// errGroup says that the bytes of a group are none.
var errGroup = errors.New("a group of sealed stays is damaged")

// appendGroup appends the group of the stays of one place, or one person, that were entered on a day. It reorders pieces.
func appendGroup(dst []byte, day int32, pieces []piece) ([]byte, error) {
	slices.SortFunc(pieces, comparePieces)
	start := startOf(day)
	type union struct {
		record
		first, end int
	}
	var unions []union
	for first := 0; first < len(pieces); {
		p := &pieces[first]
		leave := p.leave
		end := first + 1
		for end < len(pieces) && pieces[end].other == p.other && pieces[end].enter <= leave {
			leave = max(leave, pieces[end].leave)
			end++
		}
		if dayOf(p.enter) != day || p.other > maxNumber || leave-p.enter > maxPartLength {
			return nil, fmt.Errorf("a stay of %d s on day %d cannot be sealed", leave-p.enter, day)
		}
		u := union{first: first, end: end}
		length := min(leave-p.enter, tooLong)
		u.record = record(uint64(p.enter-start)<<enterShift | uint64(length)<<lengthShift | uint64(p.other)<<otherShift)
		if end-first > 1 || length == tooLong {
			u.record |= several << basisShift
		} else {
			u.record |= record(uint64(p.basis)<<basisShift | bit(p.flagged))
		}
		unions = append(unions, u)
		first = end
	}
	slices.SortFunc(unions, func(a, b union) int { return cmp.Compare(a.record, b.record) })
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(unions)))
	for _, u := range unions {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(u.record))
	}
	for _, u := range unions {
		if !u.several() {
			continue
		}
		dst = binary.LittleEndian.AppendUint32(dst, uint32(u.end-u.first))
		for _, p := range pieces[u.first:u.end] {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(p.enter-start))
			dst = binary.LittleEndian.AppendUint32(dst, uint32(uint64(p.leave-p.enter)<<3|uint64(p.basis)<<basisShift|bit(p.flagged)))
		}
	}
	return dst, nil
}

func comparePieces(a, b piece) int {
	switch {
	case a.other != b.other:
		return cmp.Compare(a.other, b.other)
	case a.enter != b.enter:
		return cmp.Compare(a.enter, b.enter)
	case a.leave != b.leave:
		return cmp.Compare(a.leave, b.leave)
	case a.basis != b.basis:
		return cmp.Compare(a.basis, b.basis)
	case a.flagged == b.flagged:
		return 0
	case b.flagged:
		return -1
	default:
		return 1
	}
}

// records returns the records of a group, 8 bytes each, and the bytes of the parts behind them.
func records(group []byte) (records, parts []byte, err error) {
	if len(group) < countSize {
		return nil, nil, errGroup
	}
	n := int64(binary.LittleEndian.Uint32(group)) * recordSize
	group = group[countSize:]
	if n > int64(len(group)) {
		return nil, nil, errGroup
	}
	return group[:n], group[n:], nil
}

// appendPieces appends the stays that a group was made of.
func appendPieces(dst []piece, day int32, group []byte) ([]piece, error) {
	all, parts, err := records(group)
	if err != nil {
		return nil, err
	}
	start := startOf(day)
	for ; len(all) > 0; all = all[recordSize:] {
		r := record(binary.LittleEndian.Uint64(all))
		if !r.several() {
			enter := start + r.enter()
			dst = append(dst, piece{r.other(), enter, enter + r.length(), tracing.Basis(r.basis()), r.flagged()})
			continue
		}
		if len(parts) < countSize {
			return nil, errGroup
		}
		n := int64(binary.LittleEndian.Uint32(parts)) * partSize
		parts = parts[countSize:]
		if n > int64(len(parts)) {
			return nil, errGroup
		}
		for ; n > 0; n -= partSize {
			enter := start + int64(binary.LittleEndian.Uint32(parts))
			word := binary.LittleEndian.Uint32(parts[4:])
			dst = append(dst, piece{r.other(), enter, enter + int64(word>>3), tracing.Basis(word >> basisShift & 3), word&1 != 0})
			parts = parts[partSize:]
		}
	}
	if len(parts) > 0 {
		return nil, errGroup
	}
	return dst, nil
}
