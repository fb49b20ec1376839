package memindex

// cell is what a worker knows of one person: 0 for nothing.
type cell struct {
	early uint32 // ^(when the earliest contact began, from base)
	tally uint32 // the number of the last source that they met << 16 | how many sources they met
}

// maxSources is how many sources a tally can tell apart, and count, before it is emptied into totals.
const maxSources = 1<<16 - 1

// idle is how many scratches a view keeps for later walks.
const idle = 16

// scratch is the working memory of one worker, kept from walk to walk. What it says of people is all zero in between; the
// slices that not every walk needs are nil until one does.
type scratch struct {
	cells    []cell   // by person
	totals   []uint32 // by person: sources counted before the tallies were last emptied
	carrying []uint32 // by person: as cell.early, of contacts that carry on; nil where all do
	swept    *exposures
	rootsOf  []uint64 // by person: rows of sets of cases

	sources uint32   // since the tallies were last emptied
	reached bits     // those with a cell that is not zero
	touched []uint32 // the same, while few is set
	few     bool

	crowd   []uint32 // by person: the number of the last crowd that they were counted in
	crowds  uint32   // so far
	inCrowd int

	hits     []record
	gathered []swept
	sorting  sortRoom
	warm     record
	unhidden []record
}

func (v *view) scratch() *scratch {
	select {
	case s := <-v.free:
		return s
	default:
		return &scratch{cells: make([]cell, len(v.people)), reached: newBits(len(v.people))}
	}
}

// sweeping makes a scratch ready for a sweep.
func (s *scratch) sweeping(people int) {
	if s.swept == nil {
		s.swept = &exposures{make([]uint32, people), newBits(people)}
	}
	clear(s.swept.soon)
	s.gathered = s.gathered[:0]
}

// release gives back a scratch of which everything was read.
func (v *view) release(s *scratch) {
	s.sources, s.touched, s.few = 0, s.touched[:0], false
	s.totals, s.carrying, s.rootsOf, s.crowd, s.crowds = nil, nil, nil, nil, 0 // few walks need them again
	select {
	case v.free <- s:
	default:
	}
}

// nextSource returns the stamp of another source.
func (s *scratch) nextSource() uint32 {
	if s.sources == maxSources {
		if s.totals == nil {
			s.totals = make([]uint32, len(s.cells))
		}
		for i := range s.cells {
			s.totals[i] += s.cells[i].tally & maxSources
			s.cells[i].tally = 0
		}
		s.sources = 0
	}
	s.sources++
	return s.sources << 16
}
