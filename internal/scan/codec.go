package scan

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing/stay"
)

// The wire form, version 1, big-endian, 78 bytes and 16 more for each of a trip and a voided scan:
//
//	 0      version, 1
//	 1      kind
//	 2      how
//	 3      what follows the fixed part: bit 0 a trip, bit 1 a voided scan; the other bits are zero
//	 4–19   id
//	20–35   alias
//	36–51   place
//	52–55   at, unix seconds
//	56–59   received at, unix seconds
//	60–63   serial
//	64–71   device
//	72–75   skew, two's complement
//	76–77   flags
//	78–     trip, then the voided scan, where byte 3 says so
//
// Shard and Seq are not in it: they are where the log put these bytes. One scan has one encoding.
const (
	wireVersion = 1
	wireFixed   = 78
	wireMax     = wireFixed + 2*16

	hasTrip  = 1 << 0
	hasVoids = 1 << 1
)

// KeyOffset and KeySize say where in the wire form a scan's id and alias stand, one after the other, in every version: a
// log can tell scans apart without decoding them.
const (
	KeyOffset = 4
	KeySize   = 32
)

// The ways in which bytes are no scan. Compare with errors.Is.
var (
	ErrVersion   = errors.New("unknown version of the scan's wire form")
	ErrMalformed = errors.New("malformed scan")
)

// Key is what a scan is known by, id first as in the wire form.
type Key [KeySize]byte

// Key returns what the scan is known by.
func (s *Scan) Key() Key {
	var k Key
	copy(k[:16], s.ID[:])
	copy(k[16:], s.Alias[:])
	return k
}

// AppendWire appends the wire form of a well-formed scan to dst. The error is that of Validate; dst is then unchanged.
func (s *Scan) AppendWire(dst []byte) ([]byte, error) {
	if err := s.Validate(); err != nil {
		return dst, err
	}
	var follows byte
	if s.Trip != uuid.Nil {
		follows |= hasTrip
	}
	if s.Voids != uuid.Nil {
		follows |= hasVoids
	}
	dst = append(dst, wireVersion, byte(s.Kind), byte(s.How), follows)
	dst = append(dst, s.ID[:]...)
	dst = append(dst, s.Alias[:]...)
	dst = append(dst, s.Place[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(s.At))
	dst = binary.BigEndian.AppendUint32(dst, uint32(s.ReceivedAt))
	dst = binary.BigEndian.AppendUint32(dst, s.Serial)
	dst = binary.BigEndian.AppendUint64(dst, s.Device)
	dst = binary.BigEndian.AppendUint32(dst, uint32(s.Skew))
	dst = binary.BigEndian.AppendUint16(dst, uint16(s.Flags))
	if follows&hasTrip != 0 {
		dst = append(dst, s.Trip[:]...)
	}
	if follows&hasVoids != 0 {
		dst = append(dst, s.Voids[:]...)
	}
	return dst, nil
}

// DecodeWire is the inverse of AppendWire; Shard and Seq are 0. It takes exactly what AppendWire writes: the error is
// ErrVersion for another version, else ErrMalformed with what is wrong. The scan keeps nothing of wire.
func DecodeWire(wire []byte) (Scan, error) {
	if len(wire) == 0 {
		return Scan{}, fmt.Errorf("%w: no bytes", ErrMalformed)
	}
	if wire[0] != wireVersion {
		return Scan{}, fmt.Errorf("%w: %d", ErrVersion, wire[0])
	}
	if len(wire) < wireFixed {
		return Scan{}, fmt.Errorf("%w: %d bytes, at least %d are needed", ErrMalformed, len(wire), wireFixed)
	}
	follows := wire[3]
	if follows&^(hasTrip|hasVoids) != 0 {
		return Scan{}, fmt.Errorf("%w: unknown bits %08b", ErrMalformed, follows)
	}
	s := Scan{
		Kind:       stay.Kind(wire[1]),
		How:        How(wire[2]),
		ID:         uuid.UUID(wire[4:20]),
		Alias:      uuid.UUID(wire[20:36]),
		Place:      uuid.UUID(wire[36:52]),
		At:         int64(binary.BigEndian.Uint32(wire[52:])),
		ReceivedAt: int64(binary.BigEndian.Uint32(wire[56:])),
		Serial:     binary.BigEndian.Uint32(wire[60:]),
		Device:     binary.BigEndian.Uint64(wire[64:]),
		Skew:       int32(binary.BigEndian.Uint32(wire[72:])),
		Flags:      Flags(binary.BigEndian.Uint16(wire[76:])),
	}
	rest := wire[wireFixed:]
	for _, field := range []struct {
		bit byte
		to  *uuid.UUID
	}{{hasTrip, &s.Trip}, {hasVoids, &s.Voids}} {
		if follows&field.bit == 0 {
			continue
		}
		if len(rest) < 16 {
			return Scan{}, fmt.Errorf("%w: cut short at %d bytes", ErrMalformed, len(wire))
		}
		*field.to = uuid.UUID(rest[:16])
		if *field.to == uuid.Nil {
			return Scan{}, fmt.Errorf("%w: a nil id stands where there should be none", ErrMalformed)
		}
		rest = rest[16:]
	}
	if len(rest) != 0 {
		return Scan{}, fmt.Errorf("%w: %d bytes too many", ErrMalformed, len(rest))
	}
	if err := s.Validate(); err != nil {
		return Scan{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return s, nil
}
