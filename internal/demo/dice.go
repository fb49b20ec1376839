package demo

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/google/uuid"
)

// The streams of randomness. Each thing that is drawn has its own, so that a change to one habit leaves the rest of the
// district as it was.
const (
	streamTown uint64 = iota + 1
	streamPeople
	streamNumbers
	streamDay
	streamOuting
	streamTrip
	streamOutbreak
	streamIsolation
	streamScan
	streamDeclaration
)

// dice is a seeded source of randomness. It is not safe for concurrent use.
type dice struct {
	pcg  *rand.PCG
	draw *rand.Rand
}

// looseDice returns dice that are to be set before they are thrown.
func looseDice() *dice {
	pcg := rand.NewPCG(0, 0)
	return &dice{pcg: pcg, draw: rand.New(pcg)}
}

// newDice returns dice that stand at a stream of a seed, see set.
func newDice(seed, stream, a, b uint64) *dice {
	d := looseDice()
	d.set(seed, stream, a, b)
	return d
}

// set moves the dice to the start of the sequence that belongs to (seed, stream, a, b) alone.
func (d *dice) set(seed, stream, a, b uint64) {
	d.pcg.Seed(mix(seed^mix(stream)), mix(mix(a)+b))
}

// mix spreads the bits of x over the whole word: the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// chance says yes with probability p.
func (d *dice) chance(p float64) bool { return d.draw.Float64() < p }

// share returns a number of [0, 1).
func (d *dice) share() float64 { return d.draw.Float64() }

// upTo returns a whole number of [0, n); n must be positive.
func (d *dice) upTo(n int) int { return d.draw.IntN(n) }

// between returns a whole number of [lo, hi].
func (d *dice) between(lo, hi int) int { return lo + d.draw.IntN(hi-lo+1) }

// around returns a number near mean, normally distributed and never further away than three deviations.
func (d *dice) around(mean, deviation int) int {
	x := max(-3, min(3, d.draw.NormFloat64()))
	return mean + int(math.Round(x*float64(deviation)))
}

// shuffle puts xs into a random order.
func shuffle[T any](d *dice, xs []T) {
	d.draw.Shuffle(len(xs), func(i, j int) { xs[i], xs[j] = xs[j], xs[i] })
}

// pick returns one of xs, which must not be empty.
func pick[T any](d *dice, xs []T) T { return xs[d.draw.IntN(len(xs))] }

// uuid returns a random UUID, version 4 (RFC 9562).
func (d *dice) uuid() uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], d.draw.Uint64())
	binary.BigEndian.PutUint64(id[8:], d.draw.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// uuidAt returns a UUID of version 7 (RFC 9562) of the given millisecond since 1970.
func (d *dice) uuidAt(milli int64) uuid.UUID {
	id := d.uuid()
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(milli)<<16)
	copy(id[:6], stamp[:6])
	id[6] = id[6]&0x0f | 0x70
	return id
}
