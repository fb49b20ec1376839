package audit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"fmt"
	"slices"

	"github.com/truyvet/truyvet/internal/registry"
)

// What may be wrong with entries.
const (
	Changed   = "changed"   // they are not what was written at their places
	Moved     = "moved"     // they were written, but at other places
	Missing   = "missing"   // there are later ones, and these are gone
	Foreign   = "foreign"   // they stand where no entry belongs
	Cut       = "cut"       // a head knows them, and the log ends before them
	Rewritten = "rewritten" // a head knows another entry at its place: since the head before, entries were cut off and others written
)

// Fault is what is wrong with the entries from Seq to To.
type Fault struct {
	What    string
	Seq, To int64
	Was     int64  // of Moved: the place at which the entry at Seq was written
	By      string // of Cut and Rewritten: the head that shows it
}

// Error implements error. It names the entries by their numbers.
func (f *Fault) Error() string {
	entries, are, they := fmt.Sprintf("entry %d", f.Seq), "is", "it"
	if f.To > f.Seq {
		entries, are, they = fmt.Sprintf("entries %d to %d", f.Seq, f.To), "are", "they"
	}
	switch f.What {
	case Moved:
		return fmt.Sprintf("%s %s out of place: what stands at %d was written as entry %d", entries, are, f.Seq, f.Was)
	case Missing:
		return fmt.Sprintf("%s %s missing", entries, are)
	case Foreign:
		return fmt.Sprintf("%s %s none: the log begins with 1", entries, are)
	case Cut:
		return fmt.Sprintf("%s %s cut off: %s shows that %s %s there", entries, are, f.By, they, map[string]string{"is": "was", "are": "were"}[are])
	case Rewritten:
		return fmt.Sprintf("%s %s not what %s shows: the log was cut off and written anew", entries, are, f.By)
	}
	return fmt.Sprintf("%s %s not what was written", entries, are)
}

// Report is what an examination has found.
type Report struct {
	Entries int64 // that there are
	Last    Head  // of them
	Heads   int   // that agree with the log
	Faults  []Fault
	More    int64 // how many faults there are beyond those that are kept
}

// Whole says whether nothing is wrong.
func (r *Report) Whole() bool { return len(r.Faults) == 0 }

// The bounds of an examination.
const (
	mostFaults = 100 // that are kept
	mostLoose  = 40  // entries whose former places are looked for, which costs the cube of it
)

// Examine reads the whole log and says of each entry whether it is what was written at its place, and of each head whether
// the log still has the entry that it knows. Unlike Verify it goes on after a fault. Where something is wrong with an entry, the
// one after it is judged by the seal that is there; the entry after a gap cannot be judged. Heads are taken to be signed by
// this log: see Log.Trusts. The error says that the log could not be read, not that something is wrong with it.
func (l *Log) Examine(ctx context.Context, heads ...NamedHead) (Report, error) {
	x := examination{log: l, heads: slices.SortedFunc(slices.Values(heads), func(a, b NamedHead) int { return cmp.Compare(a.Seq, b.Seq) })}
	last, err := l.walk(ctx, Head{}, x.see)
	if err != nil {
		return Report{}, fmt.Errorf("examining the audit log: %w", err)
	}
	x.report.Last = last
	x.findPlaces()
	if n := len(x.heads); n > 0 {
		newest := x.heads[n-1]
		x.add(Fault{What: Cut, Seq: last.Seq + 1, To: newest.Seq, By: newest.Name})
	}
	return x.report, nil
}

// examination is an Examine under way.
type examination struct {
	log    *Log
	heads  []NamedHead // that were not met yet, in their order
	before []byte      // the seal before the entry
	loose  []loose
	report Report
}

// loose is an entry that does not belong where it stands.
type loose struct {
	registry.AuditEntry
	before []byte // the seal of the entry before it
}

func (x *examination) see(e registry.AuditEntry, wrong *Fault) error {
	x.report.Entries++
	if wrong != nil {
		x.add(*wrong)
		if wrong.What == Changed && len(x.loose) < mostLoose {
			x.loose = append(x.loose, loose{e, x.before})
		}
	}
	x.before = e.Seal
	for len(x.heads) > 0 && x.heads[0].Seq <= e.Seq {
		head := x.heads[0]
		x.heads = x.heads[1:]
		switch {
		case head.Seq < e.Seq: // it is missing
		case bytes.Equal(head.Seal, e.Seal):
			x.report.Heads++
		default:
			x.add(Fault{What: Rewritten, Seq: e.Seq, To: e.Seq, By: head.Name})
		}
	}
	return nil
}

// add keeps a fault. One that goes on where the last one ended is one with it.
func (x *examination) add(f Fault) {
	if n := len(x.report.Faults); n > 0 {
		last := &x.report.Faults[n-1]
		if last.What == Changed && f.What == Changed && last.To+1 == f.Seq {
			last.To = f.To
			return
		}
	}
	if len(x.report.Faults) == mostFaults {
		x.report.More++
		return
	}
	x.report.Faults = append(x.report.Faults, f)
}

// findPlaces tells apart, among entries that are not what was written at their places, those that were written near the place
// of another of them, as when two were exchanged or a gap was closed.
func (x *examination) findPlaces() {
	moved := make([]Fault, 0, len(x.loose)) // in their order
	for _, e := range x.loose {
		if place, found := x.placeOf(e.AuditEntry); found {
			moved = append(moved, Fault{What: Moved, Seq: e.Seq, To: e.Seq, Was: place})
		}
	}
	var faults []Fault
	for _, f := range x.report.Faults {
		for len(moved) > 0 && f.What == Changed && moved[0].Seq <= f.To {
			if moved[0].Seq > f.Seq {
				faults = append(faults, Fault{What: Changed, Seq: f.Seq, To: moved[0].Seq - 1})
			}
			if n := len(faults); n > 0 && faults[n-1].goesOnWith(moved[0]) {
				faults[n-1].To++
			} else {
				faults = append(faults, moved[0])
			}
			f.Seq = moved[0].Seq + 1
			moved = moved[1:]
		}
		if f.Seq <= f.To {
			faults = append(faults, f)
		}
	}
	x.report.Faults = faults
}

// goesOnWith says whether the next entry was moved as far as those of a fault.
func (f Fault) goesOnWith(next Fault) bool {
	return f.What == Moved && f.To+1 == next.Seq && f.Was-f.Seq == next.Was-next.Seq
}

// placeOf looks for the place at which an entry was written: its seal tells when the place and the seal before it are tried.
func (x *examination) placeOf(e registry.AuditEntry) (seq int64, found bool) {
	for _, near := range x.loose {
		for _, place := range []int64{near.Seq - 1, near.Seq, near.Seq + 1} {
			if place == e.Seq {
				continue
			}
			tried := e
			tried.Seq = place
			for _, at := range x.loose {
				if hmac.Equal(e.Seal, x.log.Seal(at.Seal, tried)) || hmac.Equal(e.Seal, x.log.Seal(at.before, tried)) {
					return place, true
				}
			}
		}
	}
	return 0, false
}
