package benchwalk

import (
	"encoding/binary"

	"github.com/google/uuid"
)

// spread is odd, so multiplying by it is one-to-one in 32 bits, and gathered undoes it.
const (
	spread   uint32 = 0x9e3779b1
	gathered uint32 = 0x0e8b2f51
)

// kinds of ids.
const (
	personID byte = 1
	placeID  byte = 2
)

// idOf makes a UUID of a number, spread as random ones are.
func idOf(kind byte, number uint32) (id uuid.UUID) {
	mixed := (uint64(number)<<8 | uint64(kind)) * 0x9e3779b97f4a7c15
	mixed ^= mixed >> 32
	binary.BigEndian.PutUint32(id[0:], number*spread)
	binary.BigEndian.PutUint64(id[4:], mixed*0xd6e8feb86659fd93)
	id[6] = id[6]&0x0f | 0x80 // version 8: of our own making
	id[8] = id[8]&0x3f | 0x80
	binary.BigEndian.PutUint32(id[12:], uint32(mixed)^uint32(kind)<<24)
	return id
}

// numberOf is the inverse of idOf.
func numberOf(id uuid.UUID) uint32 { return binary.BigEndian.Uint32(id[:4]) * gathered }
