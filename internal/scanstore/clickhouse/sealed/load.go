package sealed

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/truyvet/truyvet/internal/scan"
)

// load reads the stays of a contact place out of its rows, which are in the order of their days.
func (w *worker) load(rows []row, fresh []freshStay) error {
	w.clear()
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

// clear forgets the place that was at work.
func (w *worker) clear() {
	w.short, w.long, w.there, w.infectious = w.short[:0], w.long[:0], w.there[:0], false
}

// loadSimply takes records as they are, and unites those that go on over the end of a day; it reports false where the parts
// must be looked at.
func (w *worker) loadSimply(rows []row) (simple bool, err error) {
	src := w.m.src
	excluding := len(src.excluded) > 0
	overnight := uint32(0) // when the last leaves of those who stayed on into the next day
	for i, r := range rows {
		if i > 0 && r.key != rows[0].key {
			return false, nil // parts of a site
		}
		all, _, err := records(r.group)
		if err != nil {
			return false, err
		}
		offset := uint32(startOf(r.day) - src.base)
		end := offset + scan.SecondsPerDay
		if !w.guess(all) {
			return false, errGroup
		}
		guesses := w.guesses
		for ; len(all) >= recordSize; all = all[recordSize:] {
			r := record(binary.LittleEndian.Uint64(all))
			person, length := r.other(), uint32(r.length())
			guess := guesses[0]
			guesses = guesses[1:]
			if excluding && src.excluded.has(person) {
				continue
			}
			if length == tooLong {
				return false, nil
			}
			g := guest{enter: offset + uint32(r.enter()), who: w.visitor(person, guess)}
			g.leave = g.enter + length
			if g.enter <= overnight {
				if n := w.there[g.who].over; n > 0 && g.enter <= w.long[n-1].leave {
					before := &w.long[n-1]
					before.leave = max(before.leave, g.leave)
					overnight = max(overnight, before.leave)
					continue
				}
			}
			switch {
			case g.leave >= end:
				w.long = append(w.long, g) // however short: it may become longer
				w.there[g.who].over = uint32(len(w.long))
				overnight = max(overnight, g.leave)
			case length < shortUntil:
				w.short = append(w.short, g)
			default:
				w.long = append(w.long, g)
			}
		}
	}
	return true, nil
}

// guess reads the numbers of the people of records. These lie all over the memory: looked up in a row they come in together,
// and not one after the other. It reports false where somebody is none of the city's.
func (w *worker) guess(records []byte) bool {
	w.guesses = w.guesses[:0]
	for ; len(records) >= recordSize; records = records[recordSize:] {
		person := record(binary.LittleEndian.Uint64(records)).other()
		if int(person) >= len(w.number) {
			return false
		}
		w.guesses = append(w.guesses, w.number[person])
	}
	return true
}

// loadAndUnite takes stays by their parts, and unites what touches.
func (w *worker) loadAndUnite(rows []row) error {
	w.clear()
	src := w.m.src
	var pieces []piece
	var err error
	for _, r := range rows {
		if pieces, err = appendPieces(pieces, r.day, r.group); err != nil {
			return err
		}
	}
	pieces = slices.DeleteFunc(pieces, func(p piece) bool { return src.excluded.has(p.other) })
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
		g := guest{who: w.visitor(person, 0), enter: uint32(enter - base), leave: uint32(leave - base)}
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
func (w *worker) mergeTail(guests []guest, n int) []guest {
	slices.SortFunc(guests[n:], func(a, b guest) int { return cmp.Compare(a.enter, b.enter) })
	if n == 0 {
		return guests
	}
	w.tail = append(w.tail[:0], guests[n:]...)
	tail := w.tail
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
