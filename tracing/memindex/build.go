package memindex

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// segmentsOf makes the segments of stays, in the order of their days, with at most so many workers.
func segmentsOf(stays []DenseStay, people, workers int) []*segment {
	days := slices.DeleteFunc(byDay(stays, workers), func(d dayStays) bool { return len(d.entries)+len(d.long) == 0 })
	segments := make([]*segment, len(days))
	inParallel(workers, len(days), func() func(int) {
		var b builder
		return func(i int) {
			segments[i] = b.segment(days[i].start, people, days[i].entries, days[i].long)
			days[i].entries = nil // as soon as nobody needs it
		}
	})
	return segments
}

// dayStays is the stays of one day before they are sorted: those that records hold, and the others.
type dayStays struct {
	start   int64
	entries []entry
	long    []DenseStay
}

// fits says whether a record can hold the stay.
func (s *DenseStay) fits() bool { return s.Leave-s.Enter <= maxLength }

// blockSize is how many stays are parted by day at once.
const blockSize = 1 << 16

// byDay parts the stays by the day of their entry, and drops those of no length.
func byDay(stays []DenseStay, workers int) []dayStays {
	blocks := slices.Collect(slices.Chunk(stays, blockSize))
	c := newCalendar(blocks, workers)
	next := make([][]uint32, len(blocks)) // by block and day: how many there are, then where the next goes
	inParallel(workers, len(blocks), func() func(int) {
		return func(i int) {
			next[i] = make([]uint32, len(c.days))
			for j := range blocks[i] {
				if s := &blocks[i][j]; s.Leave > s.Enter && s.fits() {
					next[i][c.find(DayOf(s.Enter))]++
				}
			}
		}
	})
	days := make([]dayStays, len(c.days))
	for d := range days {
		total := uint32(0)
		for i := range next {
			next[i][d], total = total, total+next[i][d]
		}
		days[d] = dayStays{start: startOf(c.days[d]), entries: make([]entry, int(total))}
	}
	var mu sync.Mutex
	inParallel(workers, len(blocks), func() func(int) {
		return func(i int) {
			for j := range blocks[i] {
				s := &blocks[i][j]
				if s.Leave <= s.Enter {
					continue
				}
				d := c.find(DayOf(s.Enter))
				if !s.fits() {
					mu.Lock()
					days[d].long = append(days[d].long, *s)
					mu.Unlock()
					continue
				}
				days[d].entries[next[i][d]] = entry{
					newRecord(s.Enter-days[d].start, s.Leave-s.Enter, s.Person, s.Basis, s.Flagged), s.Place,
				}
				next[i][d]++
			}
		}
	})
	return days
}

// calendar is the days on which somebody may have entered, in their order.
type calendar struct {
	days   []int64
	number []int32 // by day − days[0]; nil where the days lie too far apart
}

// maxSpread is how far apart the days of a calendar may lie, so that they are found by a table.
const maxSpread = 1 << 16

func newCalendar(blocks [][]DenseStay, workers int) calendar {
	var mu sync.Mutex
	found := make(map[int64]bool)
	inParallel(workers, len(blocks), func() func(int) {
		return func(i int) {
			days := daysOf(blocks[i])
			mu.Lock()
			defer mu.Unlock()
			for _, d := range days {
				found[d] = true
			}
		}
	})
	var c calendar
	for d := range found {
		c.days = append(c.days, d)
	}
	slices.Sort(c.days)
	if n := len(c.days); n > 0 && c.days[n-1]-c.days[0] < maxSpread {
		c.number = make([]int32, c.days[n-1]-c.days[0]+1)
		for i, d := range c.days {
			c.number[d-c.days[0]] = int32(i)
		}
	}
	return c
}

// daysOf returns the days of stays, perhaps some more than once, and perhaps some between them.
func daysOf(stays []DenseStay) []int64 {
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range stays {
		if s := &stays[i]; s.Leave > s.Enter {
			first, last = min(first, s.Enter), max(last, s.Enter)
		}
	}
	if first > last {
		return nil
	}
	first, last = DayOf(first), DayOf(last)
	var days []int64
	if last-first >= maxSpread {
		for i := range stays {
			if s := &stays[i]; s.Leave > s.Enter {
				days = append(days, DayOf(s.Enter))
			}
		}
		return days
	}
	for d := first; d <= last; d++ {
		days = append(days, d)
	}
	return days
}

func (c *calendar) find(d int64) int {
	if c.number != nil {
		return int(c.number[d-c.days[0]])
	}
	i, _ := slices.BinarySearch(c.days, d)
	return i
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
