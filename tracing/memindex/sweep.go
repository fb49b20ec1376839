package memindex

import (
	"math"
	"slices"

	"github.com/truyvet/truyvet/tracing"
)

// sweep goes through places once, with all who infect others there at any time, and finds for every stay at a place when
// the earliest of its contacts there began. That takes time for the stays and not for the contacts.
//
// Let sources be at the place during [f1, u1), [f2, u2), …, each for as long as a contact takes, m, and somebody during
// [e, l) for as long. If f ≤ e, they are in contact exactly if u ≥ e + m, and from e on. If f > e, they are exactly if
// f ≤ l − m, and from f on. So the first exposure is e if the latest u among those who came first is late enough, and else
// the next f, if that is early enough. As nobody meets themselves, the second latest u and the second next f count too.
//
// It goes day by day: who was exposed before a day needs no look on that day.
//
// Places with odd stays are not swept: what happens there is found one presence after the other.
type sweep struct {
	v         *view
	least     int64 // how long the overlap of a contact is, at least 1
	places    []uint32
	presences []swept  // those of place p are presences[places[p]:places[p+1]], sorted by from, and the last is endOfSwept
	latest    []latest // of those of the same place before a presence
	done      bits     // the people who were exposed before the day that is swept
}

// swept is a presence that a sweep takes in. Instants are from base.
type swept struct{ from, until, person, place uint32 }

// endOfSwept comes after all presences, too late for everybody.
var endOfSwept = swept{from: math.MaxUint32, person: nobody}

// nobody is no person's number.
const nobody uint32 = math.MaxUint32

// latest is the latest until among some presences, and the latest among those of others than that person.
type latest struct{ person, until, others uint32 }

// exposures is what a worker found in a sweep.
type exposures struct {
	earliest []uint32 // by person: as cell.early
	soon     bits     // who was exposed by the end of the day on which they came
	left     []record // of a list: those of people who were not exposed before the day
}

// gather notes the presences of some sources for a sweep.
func (s *scan) gather(sources []tracing.Infectious) {
	s.find(sources)
	s.each(func(p *presence) {
		if s.v.oddAt.has(p.place) {
			s.presence(p)
			return
		}
		s.gathered = append(s.gathered, swept{uint32(p.from), uint32(p.until), p.person, p.place})
	})
	s.settle()
}

// newSweep brings what was gathered together.
func newSweep(v *view, least int64, scans []*scan) *sweep {
	places := len(v.places)
	s := &sweep{v: v, least: least, places: make([]uint32, places+1), done: newBits(len(v.people))}
	next := make([][]uint32, len(scans)) // by scan and place: how many there are, then where the next goes
	inParallel(len(scans), len(scans), func() func(int) {
		return func(i int) {
			next[i] = make([]uint32, places)
			for j := range scans[i].gathered {
				next[i][scans[i].gathered[j].place]++
			}
		}
	})
	total := uint32(0)
	for place := range places {
		s.places[place] = total
		for i := range next {
			next[i][place], total = total, total+next[i][place]
		}
		total++ // the end
	}
	s.places[places] = total
	s.presences, s.latest = make([]swept, total), make([]latest, total)
	inParallel(len(scans), len(scans), func() func(int) {
		return func(i int) {
			for _, p := range scans[i].gathered {
				s.presences[next[i][p.place]] = p
				next[i][p.place]++
			}
		}
	})
	return s
}

// prepare sorts the presences at a place. They are sorted by keys of one word, from and position, which is quicker than to
// compare and to move them.
func (s *sweep) prepare(place int, room *sortRoom) {
	first, end := s.places[place], s.places[place+1]-1
	here := s.presences[first:end]
	room.keys = room.keys[:0]
	for i := range here {
		room.keys = append(room.keys, uint64(here[i].from)<<32|uint64(i))
	}
	slices.Sort(room.keys)
	room.unsorted = append(room.unsorted[:0], here...)
	now := latest{person: nobody}
	for i, key := range room.keys {
		p := room.unsorted[uint32(key)]
		here[i] = p
		s.latest[first+uint32(i)] = now
		switch {
		case p.person == now.person:
			now.until = max(now.until, p.until)
		case p.until > now.until:
			now = latest{p.person, p.until, now.until}
		default:
			now.others = max(now.others, p.until)
		}
	}
	s.presences[end], s.latest[end] = endOfSwept, now
}

// sortRoom is what a worker sorts presences in.
type sortRoom struct {
	keys     []uint64
	unsorted []swept
}

// day takes the contacts of the stays in some groups of a day into what a worker found.
func (s *sweep) day(d *dayOf, groups, end int, into *exposures) {
	for group := groups; group < end; group++ {
		first, last := s.places[d.places[group]], s.places[d.places[group]+1]-1
		if int64(s.presences[first].from) >= d.end || int64(s.latest[last].until) <= d.offset {
			continue
		}
		for c := short; c < classes; c++ {
			if left := into.leftOf(d.list(group, c), s.done); len(left) > 0 {
				s.list(d.offset, left, s.presences[first:last+1], s.latest[first:last+1], into)
			}
		}
	}
}

// leftOf returns those of a list whose people are not done. Who is done is as good as random, so the loop has no branch on it.
func (x *exposures) leftOf(list []record, done bits) []record {
	if len(list) > len(x.left) {
		x.left = make([]record, 2*len(list))
	}
	left, n := x.left[:len(list)], 0
	for _, r := range list {
		left[n] = r
		person := r.person()
		n += int(^done[person/64] >> (person % 64) & 1)
	}
	return left[:n]
}

// list takes the earliest contacts of some stays, which are sorted by their entries.
func (s *sweep) list(offset int64, list []record, here []swept, before []latest, into *exposures) {
	n, _ := slices.BinarySearchFunc(here, offset+list[0].enter(), func(p swept, enter int64) int {
		return int(int64(p.from) - enter)
	})
	for _, r := range list {
		person := r.person()
		enter := offset + r.enter()
		for int64(here[n].from) <= enter {
			n++
		}
		until := before[n].until
		if before[n].person == person {
			until = before[n].others
		}
		exposed := int64(here[n].from)
		if here[n].person == person {
			exposed = nextOf(here[n:], person)
		}
		if int64(until) >= enter+s.least {
			exposed = enter
		}
		if exposed+s.least <= enter+r.length() {
			into.earliest[person] = max(into.earliest[person], ^uint32(exposed))
			if exposed < offset+day {
				into.soon.set(person)
			}
		}
	}
}

// nextOf returns when the first presence begins that is not the person's own.
func nextOf(here []swept, person uint32) int64 {
	for here[0].person == person {
		here = here[1:]
	}
	return int64(here[0].from)
}

// finish ends a day, for which each worker found exposures.
func (s *sweep) finish(scans []*scan) {
	for i := range s.done {
		for _, w := range scans {
			s.done[i] |= w.swept.soon[i]
		}
	}
}
