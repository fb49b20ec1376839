package redisstream

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
)

// An entry's id is milliseconds and a count within them, and its scans are numbered from 0: as a seq that is
// ms<<22 | count<<10 | number. So there may be 4,096 entries in a millisecond, 1,024 scans in an entry, and milliseconds until
// the year 2109.
const (
	numberBits = 10
	countBits  = 12
	milliShift = countBits + numberBits

	maxMillis = 1<<(64-milliShift) - 1
	maxCount  = 1<<countBits - 1
	maxNumber = 1<<numberBits - 1
)

// parseID returns the seq at which an entry starts.
func parseID(id string) (uint64, error) {
	msText, countText, ok := strings.Cut(id, "-")
	ms, errMs := strconv.ParseUint(msText, 10, 64)
	count, errCount := strconv.ParseUint(countText, 10, 64)
	if !ok || errMs != nil || errCount != nil {
		return 0, fmt.Errorf("stream entry %q has no id as it should be", id)
	}
	if ms > maxMillis || count > maxCount {
		return 0, fmt.Errorf("the id of stream entry %s is too large for a position", id)
	}
	return ms<<milliShift | count<<numberBits, nil
}

// startOf returns the seq at which the entry starts that a seq is in.
func startOf(seq uint64) uint64 { return seq &^ maxNumber }

// endOf returns the last seq that the entry at a seq may have. Where there is none, at 0, it is 0.
func endOf(seq uint64) uint64 {
	if seq == 0 {
		return 0
	}
	return seq | maxNumber
}

// entryID returns the id of the entry that a seq is in.
func entryID(seq uint64) string {
	return strconv.FormatUint(seq>>milliShift, 10) + "-" + strconv.FormatUint(seq>>numberBits&maxCount, 10)
}

// The fields of an entry: how many scans came into the stream before it, and several, the wire forms of its scans one after
// the other, each after its length in a byte. An older form has single alone, the wire form of one scan.
const (
	fieldFrom    = "from"
	fieldSeveral = "b"
	fieldSingle  = "s"
)

var (
	errFields = errors.New("the entry has not the fields that scans stand in")
	errFrames = errors.New("the entry's scans cannot be told apart")
)

// decode appends to dst what the entry that starts at a seq holds, at least one: what is no scan has a Fault. Fields is nil
// where the entry was deleted.
func decode(dst []scanlog.Entry, shard int, start uint64, fields map[string]any) []scanlog.Entry {
	add := func(number int, raw []byte, fault error) {
		e := scanlog.Entry{Shard: uint32(shard), Seq: start + uint64(number), Raw: raw, Fault: fault}
		if fault == nil {
			e.Scan, e.Fault = scan.DecodeWire(raw)
			e.Scan.Shard, e.Scan.Seq = e.Shard, e.Seq
		}
		dst = append(dst, e)
	}
	several, many := fields[fieldSeveral].(string)
	single, one := fields[fieldSingle].(string)
	switch {
	case fields == nil:
		add(0, nil, scanlog.ErrDropped)
	case one && len(fields) == 1:
		add(0, []byte(single), nil)
	case many && len(several) > 0:
		rest := []byte(several)
		for number := 0; len(rest) > 0; number++ {
			size := int(rest[0])
			if size >= len(rest) || number == maxNumber {
				add(number, rest, errFrames)
				break
			}
			add(number, rest[1:1+size:1+size], nil)
			rest = rest[1+size:]
		}
	default:
		add(0, nil, errFields)
	}
	return dst
}

// cameBefore returns how many scans came into a stream before an entry, and false where it does not say.
func cameBefore(fields map[string]any) (int64, bool) {
	text, _ := fields[fieldFrom].(string)
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}
