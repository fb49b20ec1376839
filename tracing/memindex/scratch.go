package memindex

// idle is how many scratches, and how many ledgers, a view keeps for later walks.
const idle = 16

// scratch is the working memory of one worker, kept from walk to walk. What it says of people is all zero in between; the
// slices that not every walk needs are nil until one does.
type scratch struct {
	parted   []parted // by range of people: contacts that are not in the ledger yet
	carrying []uint32 // by person: as cell.early, of contacts that carry on; nil where all do
	swept    *exposures
	rootsOf  []uint64 // by person: rows of sets of cases

	touched []uint32 // those with a cell that is not zero, while few is set
	few     bool

	crowd   []uint32 // by person: the number of the last crowd that they were counted in
	crowds  uint32   // so far
	inCrowd int

	hits     []record
	gathered []swept
	sorting  sortRoom
	warm     record // the sum of what was read only to bring it near, so that the reads have a use
	unhidden []record
}

// parted is contacts of one range of people, in the order of their sources. The last of them are still in a block, and the
// blocks of all ranges lie together: were each contact appended to the others of its range, it would go to a page of its own.
type parted struct {
	n        uint32
	block    [blockContacts]contact
	contacts []contact
}

// blockContacts is how many contacts a block has.
const blockContacts = 64

// flush moves what is in the block to the other contacts.
func (p *parted) flush() {
	p.contacts = append(p.contacts, p.block[:p.n]...)
	p.n = 0
}

func (v *view) scratch() *scratch {
	select {
	case s := <-v.scratches:
		return s
	default:
		return &scratch{parted: make([]parted, ranges(len(v.people)))}
	}
}

func (v *view) ledger() *ledger {
	select {
	case l := <-v.ledgers:
		return l
	default:
		return newLedger(len(v.people))
	}
}

// sweeping makes a scratch ready for a sweep.
func (s *scratch) sweeping(people int) {
	if s.swept == nil {
		s.swept = &exposures{earliest: make([]uint32, people), soon: newBits(people)}
	}
	clear(s.swept.soon)
	s.gathered = s.gathered[:0]
}

// release gives back a scratch of which everything was read. What not every walk needs, and room for more contacts than are
// usually kept, is let go.
func (v *view) release(s *scratch) {
	s.touched, s.few = s.touched[:0], false
	s.carrying, s.rootsOf, s.crowd, s.crowds = nil, nil, nil, 0
	for i := range s.parted {
		if cap(s.parted[i].contacts) > 2*rangePeople {
			s.parted[i].contacts = nil
		}
	}
	select {
	case v.scratches <- s:
	default:
	}
}

// releaseLedger gives back a ledger that is all zero.
func (v *view) releaseLedger(l *ledger) {
	l.totals = nil
	select {
	case v.ledgers <- l:
	default:
	}
}
