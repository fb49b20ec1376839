package memindex_test

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// town is a made-up town: so many people live two weeks, most of the time at a few places of their own.
type town struct {
	people, places int
	stays          []memindex.DenseStay
	numbering      *memindex.Numbering
	tree           *tracing.Places
}

const (
	townDays  = 14
	townStart = int64(1_638_316_800) // 1 December 2021
	hour      = int64(3600)
)

// makeTown makes people × 40 stays. Places lie in quarters, and everybody spends most of their time in their own: a day at
// work, and shops, markets and buses in the evening, some of them elsewhere in town.
func makeTown(people int) *town {
	t := &town{people: people, places: max(people/25, 50), numbering: memindex.NewNumbering(people, people/25)}
	r := rand.New(rand.NewPCG(2021, 12))
	work := t.places / 2
	for p := range people {
		home := p * work / people // people of one quarter have numbers near each other
		own := (home + r.IntN(40)) % work
		for d := range townDays {
			at := townStart + int64(d)*86_400
			var now int64
			if r.IntN(10) < 7 {
				enter := at + hour/2 + r.Int64N(hour)
				leave := enter + 7*hour + r.Int64N(2*hour)
				t.stay(r, p, own, enter, leave)
				now = leave + r.Int64N(hour/2)
			} else {
				now = at + r.Int64N(6*hour)
			}
			for range 1 + r.IntN(4) {
				// Few places have most visitors.
				x := r.Float64()
				place := work + int(x*x*x*float64(t.places-work))
				if r.IntN(3) > 0 {
					near := home * (t.places - work) / work
					place = work + (near+int(x*x*60))%(t.places-work)
				}
				leave := now + 300 + r.Int64N(hour)
				t.stay(r, p, place, now, leave)
				now = leave + 300 + r.Int64N(hour)
			}
		}
	}
	r.Shuffle(len(t.stays), func(i, j int) { t.stays[i], t.stays[j] = t.stays[j], t.stays[i] })
	for p := range people {
		t.numbering.Person(numberedID(p))
	}
	for p := range t.places {
		t.numbering.Place(tracing.Place{ID: numberedID(p)})
	}
	t.tree, _ = tracing.NewPlaces(nil)
	return t
}

// numberedID is an id for a number.
func numberedID(n int) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(n)*0x9e3779b97f4a7c15)
	return id
}

func (t *town) stay(r *rand.Rand, person, place int, enter, leave int64) {
	t.stays = append(t.stays, memindex.DenseStay{
		Person: uint32(person), Place: uint32(place), Enter: enter, Leave: leave, Basis: tracing.Basis(r.IntN(3)),
	})
}

// request traces from n people, infectious on two days of the first week.
func (t *town) request(n int) tracing.Request {
	req := tracing.Request{Numbers: tracing.Profiles()[0].Numbers, End: townStart + townDays*86_400}
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		id := numberedID(r.IntN(t.people))
		from := townStart + 3*86_400
		req.Cases = append(req.Cases, tracing.Case{Person: id, Window: tracing.Window{From: from, To: from + 3*86_400}})
	}
	return req
}

// theTown is made once, of as many people as TOWN says.
var theTown = sync.OnceValue(func() *town {
	people, err := strconv.Atoi(os.Getenv("TOWN"))
	if err != nil {
		people = 50_000
	}
	return makeTown(people)
})

// plain is what the index is measured against: two arrays of twelve bytes a stay, by person and by place, each in the order
// of entries, and where each person and each place begins. Candidates are searched by the longest stay of the place.
type plain struct {
	ofPerson, atPlace []plainStay
	people, places    []uint32
	longest           []uint32
	first             []uint32
	source, sources   []uint32
}

type plainStay struct{ other, enter, leave uint32 }

func newPlain(t *town) *plain {
	p := &plain{
		people: make([]uint32, t.people+1), places: make([]uint32, t.places+1), longest: make([]uint32, t.places),
		first: make([]uint32, t.people), source: make([]uint32, t.people), sources: make([]uint32, t.people),
	}
	stays := slices.Clone(t.stays)
	fill := func(starts []uint32, of func(s memindex.DenseStay) (key, other uint32)) []plainStay {
		slices.SortFunc(stays, func(a, b memindex.DenseStay) int {
			ka, _ := of(a)
			kb, _ := of(b)
			return cmp.Or(cmp.Compare(ka, kb), cmp.Compare(a.Enter, b.Enter))
		})
		sorted := make([]plainStay, len(stays))
		for i, s := range stays {
			key, other := of(s)
			starts[key+1]++
			sorted[i] = plainStay{other, uint32(s.Enter - townStart), uint32(s.Leave - townStart)}
		}
		for i := 1; i < len(starts); i++ {
			starts[i] += starts[i-1]
		}
		return sorted
	}
	p.ofPerson = fill(p.people, func(s memindex.DenseStay) (uint32, uint32) { return s.Person, s.Place })
	p.atPlace = fill(p.places, func(s memindex.DenseStay) (uint32, uint32) { return s.Place, s.Person })
	for _, s := range t.stays {
		p.longest[s.Place] = max(p.longest[s.Place], uint32(s.Leave-s.Enter))
	}
	return p
}

// hop takes the contacts of some people from a time of each on, and returns how many of them there are.
func (p *plain) hop(people, from []uint32, until, least uint32) int {
	for i := range p.first {
		p.first[i], p.source[i], p.sources[i] = math.MaxUint32, 0, 0
	}
	pairs := 0
	for i, person := range people {
		stamp := uint32(i + 1)
		for _, s := range p.ofPerson[p.people[person]:p.people[person+1]] {
			begin, end := max(s.enter, from[i]), min(s.leave, until)
			if begin >= end {
				continue
			}
			there := p.atPlace[p.places[s.other]:p.places[s.other+1]]
			earliest := begin - min(begin, p.longest[s.other])
			n, _ := slices.BinarySearchFunc(there, earliest, func(g plainStay, t uint32) int { return cmp.Compare(g.enter, t) })
			for _, g := range there[n:] {
				if g.enter >= end {
					break
				}
				f, l := max(begin, g.enter), min(end, g.leave)
				if l < f+least || g.other == person {
					continue
				}
				pairs++
				if f < p.first[g.other] {
					p.first[g.other] = f
				}
				if p.source[g.other] != stamp {
					p.source[g.other] = stamp
					p.sources[g.other]++
				}
			}
		}
	}
	return pairs
}

// reach takes two hops and returns how many people the first and the second reach first, and the contacts of the second.
func (p *plain) reach(cases []uint32, from, until, least uint32) (f1, f2, pairs int) {
	begin := make([]uint32, len(cases))
	for i := range begin {
		begin[i] = from
	}
	p.hop(cases, begin, from+3*86_400, least)
	listed := make(map[uint32]bool)
	for _, c := range cases {
		listed[c] = true
	}
	var people, since []uint32
	for person, f := range p.first {
		if f != math.MaxUint32 && !listed[uint32(person)] {
			people, since = append(people, uint32(person)), append(since, f)
		}
	}
	pairs = p.hop(people, since, until, least)
	for _, person := range people {
		p.first[person] = math.MaxUint32
	}
	for _, c := range cases {
		p.first[c] = math.MaxUint32
	}
	for _, f := range p.first {
		if f != math.MaxUint32 {
			f2++
		}
	}
	return len(people), f2, pairs
}
