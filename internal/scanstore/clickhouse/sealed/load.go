package sealed

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/truyvet/truyvet/internal/scan"
)

// hall is who was at the place at work, and when.
type hall struct {
	short, long []guest  // by entry
	latest      []uint32 // when the last leaves of those in long up to there

	over    []uint32 // positions in long of those who stay on into the next day
	staying bits     // who they are
	tail    []guest
	pieces  []piece
}

// guest is a united stay at the place at work, from the source's base.
type guest struct{ enter, leave, person uint32 }

// shortUntil, in seconds, is below what length a stay is short. Those who stay for longer are looked for apart, so that one
// person behind the counter all day does not make every search for customers go back to the morning.
const shortUntil = 2 * 60 * 60

// around returns the guests among whom those are who stay until an instant or longer, and nobody who left two hours before.
func (h *hall) around(until int64) (short, long []guest) {
	// Among so few a search by halves is quicker written out than with a function for each step.
	first, end := 0, len(h.short)
	for first < end {
		if half := (first + end) / 2; int64(h.short[half].enter) > until-shortUntil {
			end = half
		} else {
			first = half + 1
		}
	}
	short = h.short[first:]
	first, end = 0, len(h.latest)
	for first < end {
		if half := (first + end) / 2; int64(h.latest[half]) >= until {
			end = half
		} else {
			first = half + 1
		}
	}
	return short, h.long[first:]
}

// load reads the stays of a contact place out of its rows, which are in the order of their days.
func (w *worker) load(rows []row, fresh []freshStay) error {
	simple, err := w.loadSimply(rows)
	if err != nil {
		return err
	}
	if !simple {
		if err := w.loadAndUnite(rows); err != nil {
			return err
		}
	}
	if len(fresh) > 0 {
		w.addFresh(fresh)
	}
	w.latest = w.latest[:0]
	last := uint32(0)
	for i := range w.long {
		last = max(last, w.long[i].leave)
		w.latest = append(w.latest, last)
	}
	return nil
}

// loadSimply takes records as they are, and unites those that go on over the end of a day; it reports false where the parts
// must be looked at.
func (w *worker) loadSimply(rows []row) (simple bool, err error) {
	w.short, w.long = w.short[:0], w.long[:0]
	defer w.stayUntil(forever)
	for i, r := range rows {
		if i > 0 && r.key != rows[0].key {
			return false, nil // parts of a site
		}
		all, _, err := records(r.group)
		if err != nil {
			return false, err
		}
		if simple, err := w.loadDay(all, startOf(r.day)-w.m.src.base); err != nil || !simple {
			return false, err
		}
	}
	return true, nil
}

// loadDay is loadSimply for the records of a day that begins at offset.
func (w *worker) loadDay(all []byte, offset int64) (simple bool, err error) {
	overnight := w.stayUntil(offset)
	excluded := w.m.src.excluded
	people, begin, end := uint32(len(w.early)), uint32(offset), uint32(offset+scan.SecondsPerDay)
	for ; len(all) >= recordSize; all = all[recordSize:] {
		r := record(binary.LittleEndian.Uint64(all))
		g := guest{enter: begin + uint32(r.enter()), person: r.other()}
		length := uint32(r.length())
		g.leave = g.enter + length
		switch {
		case g.person >= people:
			return false, errGroup
		case excluded.has(g.person):
		case length == tooLong:
			return false, nil
		case g.enter <= overnight && w.staying.has(g.person) && w.stayOn(g):
			overnight = max(overnight, g.leave)
		case g.leave >= end: // however short: it may become longer
			w.over = append(w.over, uint32(len(w.long)))
			w.staying.set(g.person)
			w.long = append(w.long, g)
		case length < shortUntil:
			w.short = append(w.short, g)
		default:
			w.long = append(w.long, g)
		}
	}
	return true, nil
}

// stayUntil forgets those who have left before an instant, and returns when the last of the others leaves.
func (h *hall) stayUntil(offset int64) (overnight uint32) {
	staying := h.over[:0]
	for _, n := range h.over {
		g := &h.long[n]
		h.staying.clear(g.person)
		if int64(g.leave) >= offset {
			staying = append(staying, n)
			overnight = max(overnight, g.leave)
		}
	}
	h.over = staying
	for _, n := range staying {
		h.staying.set(h.long[n].person)
	}
	return overnight
}

// stayOn unites a stay with that of the days before which it touches, and reports false where there is none.
func (h *hall) stayOn(g guest) bool {
	for _, n := range h.over {
		if before := &h.long[n]; before.person == g.person && g.enter <= before.leave {
			before.leave = max(before.leave, g.leave)
			return true
		}
	}
	return false
}

// loadAndUnite takes stays by their parts, and unites what touches.
func (w *worker) loadAndUnite(rows []row) error {
	w.short, w.long = w.short[:0], w.long[:0]
	src := w.m.src
	w.pieces = w.pieces[:0]
	var err error
	for _, r := range rows {
		if w.pieces, err = appendPieces(w.pieces, r.day, r.group); err != nil {
			return err
		}
	}
	pieces := slices.DeleteFunc(w.pieces, func(p piece) bool { return src.excluded.has(p.other) })
	for _, p := range pieces {
		if int(p.other) >= len(w.early) {
			return errGroup
		}
	}
	slices.SortFunc(pieces, comparePieces)
	w.addUnited(len(pieces), func(i int) (uint32, int64, int64) { return pieces[i].other, pieces[i].enter, pieces[i].leave })
	return nil
}

// addFresh adds fresh stays, sorted by person and entry: nobody has both fresh and sealed ones.
func (w *worker) addFresh(fresh []freshStay) {
	w.addUnited(len(fresh), func(i int) (uint32, int64, int64) { return fresh[i].person, fresh[i].enter, fresh[i].leave })
}

// addUnited adds what n stays, sorted by person and entry, unite to.
func (w *worker) addUnited(n int, at func(int) (person uint32, enter, leave int64)) {
	base := w.m.src.base
	short, long := len(w.short), len(w.long)
	for i := 0; i < n; {
		person, enter, leave := at(i)
		for i++; i < n; i++ {
			other, e, l := at(i)
			if other != person || e > leave {
				break
			}
			leave = max(leave, l)
		}
		g := guest{person: person, enter: uint32(enter - base), leave: uint32(leave - base)}
		if leave-enter < shortUntil {
			w.short = append(w.short, g)
		} else {
			w.long = append(w.long, g)
		}
	}
	w.short = w.mergeTail(w.short, short)
	w.long = w.mergeTail(w.long, long)
}

// mergeTail sorts guests, of whom the first n are sorted, by their entry.
func (h *hall) mergeTail(guests []guest, n int) []guest {
	slices.SortFunc(guests[n:], func(a, b guest) int { return cmp.Compare(a.enter, b.enter) })
	if n == 0 {
		return guests
	}
	h.tail = append(h.tail[:0], guests[n:]...)
	tail := h.tail
	for i := len(guests) - 1; len(tail) > 0; i-- {
		if last := tail[len(tail)-1]; n == 0 || guests[n-1].enter <= last.enter {
			guests[i], tail = last, tail[:len(tail)-1]
		} else {
			n--
			guests[i] = guests[n]
		}
	}
	return guests
}
