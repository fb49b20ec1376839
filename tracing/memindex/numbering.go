package memindex

import (
	"sync"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// Numbering gives people and places the numbers 0, 1, 2, … in the order in which they come. It only grows, so that indices
// made one after the other share it. It is safe for concurrent use.
type Numbering struct {
	mu     sync.RWMutex
	people numbers[uuid.UUID]
	places numbers[tracing.Place]
}

// NewNumbering returns a numbering with room for some people and places, and more.
func NewNumbering(people, places int) *Numbering {
	return &Numbering{people: newNumbers[uuid.UUID](people), places: newNumbers[tracing.Place](places)}
}

// Person returns the number of a person, a new one for somebody new.
func (n *Numbering) Person(id uuid.UUID) uint32 {
	if number, known := n.FindPerson(id); known {
		return number
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.people.of(id)
}

// Place returns the number of a place that was scanned, with its trip; a new one for a new place.
func (n *Numbering) Place(p tracing.Place) uint32 {
	if number, known := n.FindPlace(p); known {
		return number
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.places.of(p)
}

// FindPerson returns the number of a person, and whether there is one.
func (n *Numbering) FindPerson(id uuid.UUID) (uint32, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	number, known := n.people.number[id]
	return number, known
}

// FindPlace returns the number of a place, and whether there is one.
func (n *Numbering) FindPlace(p tracing.Place) (uint32, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	number, known := n.places.number[p]
	return number, known
}

// PersonID returns the person of a number.
func (n *Numbering) PersonID(number uint32) uuid.UUID {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.people.things[number]
}

// Places returns the places by number, those that have one so far. It is shared and must not be changed.
func (n *Numbering) Places() []tracing.Place {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.places.things
}

// Bytes returns about how much memory the ids take, with the maps that find them.
func (n *Numbering) Bytes() int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	people, places := len(n.people.things), len(n.places.things)
	// A map of Go takes about 8/7 · 4/3 of its slots and a control byte for each.
	const spare = 1.5
	return int64(people)*16 + int64(places)*32 + int64(spare*float64(people*(16+4+1)+places*(32+4+1)))
}

// names returns the people and the places by number. What they hold never changes.
func (n *Numbering) names() ([]uuid.UUID, []tracing.Place) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.people.things, n.places.things
}

// numbers is a numbering of one kind of things.
type numbers[T comparable] struct {
	number map[T]uint32
	things []T
}

func newNumbers[T comparable](room int) numbers[T] {
	return numbers[T]{number: make(map[T]uint32, room), things: make([]T, 0, room)}
}

func (n *numbers[T]) of(thing T) uint32 {
	number, known := n.number[thing]
	if !known {
		number = uint32(len(n.things))
		n.number[thing] = number
		n.things = append(n.things, thing)
	}
	return number
}

// Names returns the people and the places by number, as far as there are any by now. What they hold never changes.
func (n *Numbering) Names() (people []uuid.UUID, places []tracing.Place) { return n.names() }
