package stay

import (
	"maps"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
)

// Doubts are reasons to believe a scan less. A doubted scan counts as every other; contacts that rest on it are at most
// possible. The bits are stored and never change.
type Doubts uint16

// The doubts. The first two are noted when a scan arrives and come with it. The others take all the scans of a person,
// those that arrive later too, so they are judged whenever stays are derived, and nothing that is stored is edited for them.
const (
	Late       Doubts = 1 << 0 // it arrived more than 10 minutes after its code expired
	OutOfHours Doubts = 1 << 1 // the place was closed, as its hours were known then, and had been or would be for an hour
	Burst      Doubts = 1 << 2 // the person was at improbably many places in a short time
	TwoPlaces  Doubts = 1 << 3 // the person was far away at almost the same time
)

// Names returns the doubts by their names, late, out_of_hours, burst and two_places, in this order.
func (d Doubts) Names() []string {
	var names []string
	for i, name := range [...]string{"late", "out_of_hours", "burst", "two_places"} {
		if d>>i&1 != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Question asks why stays of somebody are flagged: those at places whose contact place is Place that meet [From, To).
type Question struct {
	Person   uuid.UUID
	Place    tracing.Place
	From, To int64
}

// Inquiry answers questions, one person after the other. It is not safe for concurrent use.
type Inquiry struct {
	Answers []Doubts // to the questions, in their order

	asked   []Question
	of      map[uuid.UUID][]int // whom they are about
	places  *tracing.Places
	scope   tracing.Scope
	deriver *Deriver
	stays   []tracing.Stay
}

// NewInquiry returns an inquiry in which nothing is answered yet. It keeps the questions.
func NewInquiry(places *tracing.Places, scope tracing.Scope, asked []Question) *Inquiry {
	q := &Inquiry{
		Answers: make([]Doubts, len(asked)), asked: asked, of: make(map[uuid.UUID][]int), places: places, scope: scope,
		deriver: NewDeriver(places, math.MaxInt64),
	}
	for i := range asked {
		q.of[asked[i].Person] = append(q.of[asked[i].Person], i)
	}
	return q
}

// People returns whom the questions are about, each once, in no order.
func (q *Inquiry) People() []uuid.UUID { return slices.Collect(maps.Keys(q.of)) }

// Answer answers the questions about a person from all scans of theirs: with the doubts that flag one of the stays asked about.
func (q *Inquiry) Answer(person uuid.UUID, scans []Scan) {
	for _, doubt := range [...]Doubts{Late, OutOfHours, Burst, TwoPlaces} {
		q.deriver.Count(doubt)
		q.stays = q.deriver.Append(q.stays[:0], person, scans)
		for _, s := range q.stays {
			at, is := q.places.Contact(q.scope, s.Place)
			if !s.Flagged || !is {
				continue
			}
			for _, i := range q.of[person] {
				if a := &q.asked[i]; a.Place == at && s.Enter < a.To && a.From < s.Leave {
					q.Answers[i] |= doubt
				}
			}
		}
	}
}

// The thresholds of what is judged here, in seconds where they are times.
//
// Nobody reads the codes of eight places within two minutes, a quarter of a minute for each, and stays at any of them for a
// contact's while; who has the pictures of their codes does so at home. Reading one code again and again is impatience, and no
// doubt.
//
// The map says no more of a place than its ward, and neighbours may live across the border of two provinces, so an area is a
// weak measure of a distance. These bounds are therefore what even neighbours hardly fall below who leave one place, cross
// over, and find and read the code of the other; who is in truth a thousand kilometres away is doubted only within the
// same five minutes.
const (
	burstMoves              = 8
	burstWithin       int64 = 2 * 60
	toAnotherDistrict int64 = 2 * 60
	toAnotherProvince int64 = 5 * 60
)

// judge notes the doubts that a person's scans, in the order in which the rules read them, cast on one another.
func (d *deriver) judge(live []int) {
	d.judged = slices.Grow(d.judged[:0], len(live))[:len(live)]
	clear(d.judged)
	d.judgeBursts(live)
	d.judgeWays(live)
}

// judgeBursts doubts all scans from the first to the last of burstMoves moves within burstWithin. A move is a scan at another
// place than the one before it; the first scan is one too.
func (d *deriver) judgeBursts(live []int) {
	var moves [burstMoves]int // the latest, as a ring
	n, done := 0, 0
	for i := range live {
		if i > 0 && d.scans[live[i]].Place == d.scans[live[i-1]].Place {
			continue
		}
		moves[n%burstMoves] = i
		n++
		if n < burstMoves {
			continue
		}
		first := moves[n%burstMoves]
		if d.scans[live[i]].At-d.scans[live[first]].At > burstWithin {
			continue
		}
		for done = max(done, first); done <= i; done++ {
			d.judged[done] |= Burst
		}
	}
}

// judgeWays doubts two scans in a row if the time between them is too short for the way. Vehicles on a trip are anywhere.
func (d *deriver) judgeWays(live []int) {
	for i := 1; i < len(live); i++ {
		a, b := &d.scans[live[i-1]], &d.scans[live[i]]
		took := b.At - a.At
		if took >= toAnotherProvince || a.Place.ID == b.Place.ID || a.Place.Trip != uuid.Nil || b.Place.Trip != uuid.Nil {
			continue
		}
		least := int64(0)
		switch d.places.Apart(a.Place.ID, b.Place.ID) {
		case tracing.OtherDistrict:
			least = toAnotherDistrict
		case tracing.OtherProvince:
			least = toAnotherProvince
		}
		if took < least {
			d.judged[i-1] |= TwoPlaces
			d.judged[i] |= TwoPlaces
		}
	}
}
