package loadgen

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// Place is a place and its code.
type Place struct {
	ID   uuid.UUID
	Code string
}

// visit is a scan that somebody is about to make, before it has an id.
type visit struct {
	person, place int
	kind          Kind
}

// morning is who goes where. Each person has three places that they mostly go to, drawn so that few places see many people;
// what else they scan is any place. Who is in somewhere may check out before going on. It is for one goroutine.
type morning struct {
	seed   uint64
	random *rand.Rand
	people int
	places int
	inside []int32 // by person: the place that they are in, plus one
}

func newMorning(seed uint64, people, places int) *morning {
	return &morning{
		seed: seed, random: rand.New(rand.NewPCG(seed, 0x6d6f726e696e67)), //nolint:gosec // it guards nothing
		people: people, places: places, inside: make([]int32, people),
	}
}

// usual returns the i-th of a person's three places.
func (m *morning) usual(person, i int) int {
	r := rand.New(rand.NewPCG(m.seed^uint64(person), uint64(i))) //nolint:gosec // it guards nothing
	return m.popular(r)
}

// popular draws a place; the share of people at one falls with its number.
func (m *morning) popular(r *rand.Rand) int {
	u := r.Float64()
	return min(int(u*u*u*float64(m.places)), m.places-1)
}

// next returns what somebody does next.
func (m *morning) next() visit {
	return m.of(m.random.IntN(m.people))
}

// of returns what a person does next.
func (m *morning) of(person int) visit {
	if at := m.inside[person]; at > 0 && m.random.IntN(100) < 40 {
		m.inside[person] = 0
		return visit{person: person, place: int(at - 1), kind: Out}
	}
	place := m.usual(person, m.random.IntN(3))
	if m.random.IntN(100) < 15 {
		place = m.popular(m.random)
	}
	m.inside[person] = int32(place + 1)
	return visit{person: person, place: place, kind: In}
}

// alias returns the alias of a person: a UUID of version 8 that follows from the run's seed.
func (m *morning) alias(person int) uuid.UUID {
	r := rand.New(rand.NewPCG(m.seed+0xa11a5, uint64(person))) //nolint:gosec // it guards nothing
	var id uuid.UUID
	for i := range id {
		id[i] = byte(r.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return id
}

// rush returns how the rate at a point of the morning, from 0 to 1, compares with the mean: it rises to its double at the
// middle and falls again.
func rush(at float64) float64 { return 1 - math.Cos(2*math.Pi*at) }

// arrivals are the instants at which requests are due, counted from the start: each gap is drawn as of people who come
// independently of one another.
type arrivals struct {
	random *rand.Rand
	rate   float64
	during time.Duration
	rush   bool
	at     time.Duration
}

// next returns when the next request is due, and false when the morning is over.
func (a *arrivals) next() (time.Duration, bool) {
	rate := a.rate
	if a.rush {
		// The edges are not quite still, or the first request would never come.
		rate *= max(rush(float64(a.at)/float64(a.during)), 0.05)
	}
	a.at += time.Duration(a.random.ExpFloat64() / rate * float64(time.Second))
	return a.at, a.at < a.during
}
