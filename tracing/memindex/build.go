package memindex

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// segmentsOf makes the segments of stays, in the order of their days, with at most so many workers.
func segmentsOf(stays []DenseStay, people, workers int) []*segment {
	days := byDay(stays, workers)
	segments := make([]*segment, len(days))
	inParallel(workers, len(days), func() func(int) {
		var b builder
		return func(i int) {
			segments[i] = b.segment(&days[i], people)
			days[i] = dayStays{} // as soon as nobody needs it
		}
	})
	return segments
}

// dayStays is the stays of one day before they are sorted: those that records hold, with the place of each, and the others.
type dayStays struct {
	start   int64
	records []record
	places  []uint32
	long    []DenseStay
}

// fits says whether a record can hold the stay.
func (s *DenseStay) fits() bool { return s.Leave-s.Enter <= maxLength }

// record returns the record, which must fit, of the stay in the day that it began on.
func (s *DenseStay) record(start int64) record {
	return newRecord(s.Enter-start, s.Leave-s.Enter, s.Person, s.Basis, s.Flagged)
}

// blockSize is how many stays are parted by day at once: a block is read twice, and should stay in the cache.
const blockSize = 1 << 14

// byDay parts the stays by the day of their entry, and drops those of no length.
func byDay(stays []DenseStay, workers int) []dayStays {
	blocks := slices.Collect(slices.Chunk(stays, blockSize))
	tallies := make([]tally, len(blocks))
	inParallel(workers, len(blocks), func() func(int) {
		return func(i int) { tallies[i].count(blocks[i]) }
	})
	days := share(tallies)
	var mu sync.Mutex
	inParallel(workers, len(blocks), func() func(int) {
		return func(i int) {
			for j := range blocks[i] {
				s := &blocks[i][j]
				if s.Leave <= s.Enter {
					continue
				}
				t := tallies[i].of(DayOf(s.Enter))
				d := &days[t.day]
				if !s.fits() {
					mu.Lock()
					d.long = append(d.long, *s)
					mu.Unlock()
					continue
				}
				d.records[t.stays] = s.record(d.start)
				d.places[t.stays] = s.Place
				t.stays++
			}
		}
	})
	return days
}

// tally tells how many stays a block has of each day that it has any of, and then where in the day the next of them goes.
type tally struct {
	first int64 // the first day of near
	near  [nearDays]dayTally
	far   map[int64]*dayTally
}

type dayTally struct {
	day   uint32 // the number of the day among all
	stays uint32 // that records hold
	any   bool   // whether there is any stay, which records may or may not hold
}

// nearDays is how many days around that of its first stay a block finds in a table: more than are usually kept at all.
const nearDays = 64

func (t *tally) count(block []DenseStay) {
	first := slices.IndexFunc(block, func(s DenseStay) bool { return s.Leave > s.Enter })
	if first < 0 {
		return
	}
	t.first = DayOf(block[first].Enter) - nearDays/2
	for i := range block[first:] {
		s := &block[first+i]
		if s.Leave <= s.Enter {
			continue
		}
		d := t.of(DayOf(s.Enter))
		d.any = true
		if s.fits() {
			d.stays++
		}
	}
}

// of returns what there is of a day.
func (t *tally) of(d int64) *dayTally {
	if near := uint64(d - t.first); near < nearDays {
		return &t.near[near]
	}
	return t.ofFar(d)
}

func (t *tally) ofFar(d int64) *dayTally {
	if t.far == nil {
		t.far = make(map[int64]*dayTally)
	}
	if t.far[d] == nil {
		t.far[d] = new(dayTally)
	}
	return t.far[d]
}

// each calls take for the days that the block has stays of.
func (t *tally) each(take func(d int64, of *dayTally)) {
	for i := range t.near {
		if t.near[i].any {
			take(t.first+int64(i), &t.near[i])
		}
	}
	for d, of := range t.far {
		take(d, of)
	}
}

// share makes room for the stays of each day, in the order of the days, and gives each block its part of it.
func share(tallies []tally) []dayStays {
	total := make(map[int64]uint32)
	for i := range tallies {
		tallies[i].each(func(d int64, of *dayTally) { of.stays, total[d] = total[d], total[d]+of.stays })
	}
	numbers := make(map[int64]uint32, len(total))
	days := make([]dayStays, 0, len(total))
	for _, d := range slices.Sorted(maps.Keys(total)) {
		numbers[d] = uint32(len(days))
		days = append(days, dayStays{start: startOf(d), records: make([]record, total[d]), places: make([]uint32, total[d])})
	}
	for i := range tallies {
		tallies[i].each(func(d int64, of *dayTally) { of.day = numbers[d] })
	}
	return days
}

// inParallel does n pieces of work with at most so many workers, each with a function of its own, and waits for them.
func inParallel(workers, n int, worker func() func(i int)) {
	workers = min(workers, n)
	if workers <= 1 {
		do := worker()
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			do := worker()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wait.Wait()
}
