package sealed

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore/clickhouse"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// people is a set of them.
type people map[uuid.UUID]struct{}

// changed returns everybody whose stays may not be what a pass says, in a world and with the scans up to a watermark: who has
// scans since, whose aliases were linked or erased, and who was at a place that is new, lies elsewhere or has another dwell.
// All scans are new to the pass nil. The error is ErrUnsealed where they are more than most, and ErrRevision where the pass
// cannot be compared.
func (s *Stays) changed(ctx context.Context, p *pass, w World, upTo scanlog.Watermark, most int) (people, error) {
	found := make(people)
	var after scanlog.Watermark
	if p != nil {
		after = p.Watermark
	}
	if p != nil && p.Revision != w.Revision {
		if err := s.relinked(ctx, p, w, found); err != nil {
			return nil, err
		}
		if err := s.moved(ctx, p, w, found); err != nil {
			return nil, err
		}
	}
	err := s.scans.AliasesSince(ctx, after, upTo, func(aliases []uuid.UUID) error {
		for _, alias := range aliases {
			found[w.Links.Person(alias)] = struct{}{}
		}
		if len(found) > most {
			return ErrUnsealed
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(found) > most {
		return nil, ErrUnsealed
	}
	return found, nil
}

// relinked adds those whose aliases were linked or erased since a pass, and whom these stood for then.
func (s *Stays) relinked(ctx context.Context, p *pass, w World, found people) error {
	aliases, err := w.Changed(ctx, p.Revision)
	if err != nil || len(aliases) == 0 {
		return err
	}
	if is, err := s.linked(ctx, p); err != nil || !is {
		return cmp.Or(err, ErrRevision)
	}
	was, err := s.linksOf(ctx, p, aliases)
	if err != nil {
		return err
	}
	for _, alias := range aliases {
		found[w.Links.Person(alias)] = struct{}{}
		if person, linked := was[alias]; linked {
			found[person] = struct{}{}
		} else {
			found[alias] = struct{}{}
		}
	}
	return nil
}

// moved adds those who were at places that have changed since a pass.
func (s *Stays) moved(ctx context.Context, p *pass, w World, found people) error {
	before, is, err := s.treeOf(ctx, p)
	if err != nil {
		return err
	}
	if !is {
		return ErrRevision
	}
	moved := tracing.MovedPlaces(before, w.Infos)
	places := make([]uuid.UUID, 0, len(moved))
	for id := range moved {
		places = append(places, id)
	}
	// Who has only newer scans is derived anew anyway.
	return s.scans.AliasesAt(ctx, places, p.Watermark, func(alias uuid.UUID) { found[w.Links.Person(alias)] = struct{}{} })
}

// derive gives take the stays of some people, made of all their scans up to a watermark, in no order of the people.
func (s *Stays) derive(
	ctx context.Context, w World, upTo scanlog.Watermark, of []uuid.UUID, take func(batch []uuid.UUID, stays func(uuid.UUID) []tracing.Stay) error,
) error {
	return s.scansOf(ctx, w, upTo, of, func(batch []uuid.UUID, scans func(uuid.UUID) []stay.Scan) error {
		return take(batch, func(person uuid.UUID) []tracing.Stay { return stay.Derive(person, scans(person), w.Places, forever) })
	})
}

// scansOf gives take all scans of some people up to a watermark, in no order of the people. Those of one are good until the next
// are asked for.
func (s *Stays) scansOf(
	ctx context.Context, w World, upTo scanlog.Watermark, of []uuid.UUID, take func(batch []uuid.UUID, scans func(uuid.UUID) []stay.Scan) error,
) error {
	slices.SortFunc(of, clickhouse.CompareIDs)
	for len(of) > 0 {
		var aliases []uuid.UUID
		n := 0
		for n < len(of) && (n == 0 || len(aliases) < s.sizes.aliases) {
			aliases = append(aliases, w.Links.Aliases(of[n])...)
			n++
		}
		batch := of[:n]
		of = of[n:]
		slices.SortFunc(aliases, clickhouse.CompareIDs)
		scans := make(map[uuid.UUID][]positioned, n)
		err := s.scans.ScansOf(ctx, aliases, upTo, func(sc *scan.Scan) {
			if !w.Links.Erased(sc.Alias, sc.ReceivedAt) {
				person := w.Links.Person(sc.Alias)
				scans[person] = append(scans[person], positioned{sc.ForStay(), sc.Shard, sc.Seq})
			}
		})
		if err != nil {
			return err
		}
		var list []stay.Scan
		err = take(batch, func(person uuid.UUID) []stay.Scan {
			found := scans[person]
			// The first of two with one id is the one that counts.
			slices.SortFunc(found, func(a, b positioned) int { return cmp.Or(cmp.Compare(a.shard, b.shard), cmp.Compare(a.seq, b.seq)) })
			list = list[:0]
			for i := range found {
				list = append(list, found[i].Scan)
			}
			return list
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// positioned is a scan and where it stands in the log.
type positioned struct {
	stay.Scan
	shard uint32
	seq   uint64
}

// freshStay is a stay that was derived for a run, by number.
type freshStay struct {
	person, place uint32
	enter, leave  int64
	basis         tracing.Basis
	flagged       bool
}

// refresh derives the stays of those who have changed since the pass.
func (src *Source) refresh(ctx context.Context, changed people, upTo scanlog.Watermark) error {
	if len(changed) > 0 {
		src.excluded = newBits(len(src.people))
	}
	of := make([]uuid.UUID, 0, len(changed))
	for id := range changed {
		of = append(of, id)
		if n, known := src.PersonNumber(id); known {
			src.excluded.set(n)
		}
	}
	err := src.s.derive(ctx, src.w, upTo, of, func(batch []uuid.UUID, stays func(uuid.UUID) []tracing.Stay) error {
		for _, id := range batch {
			for _, st := range stays(id) {
				src.fresh = append(src.fresh, freshStay{src.person(id), src.place(st.Place), st.Enter, st.Leave, st.Basis, st.Flagged})
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("deriving the stays of those who were scanned since: %w", err)
	}
	slices.SortFunc(src.fresh, func(a, b freshStay) int {
		return cmp.Or(cmp.Compare(a.person, b.person), cmp.Compare(a.enter, b.enter))
	})
	return nil
}

// Why answers why stays are flagged, from all scans of the people asked about.
func (src *Source) Why(ctx context.Context, scope tracing.Scope, asked []stay.Question) ([]stay.Doubts, error) {
	q := stay.NewInquiry(src.w.Places, scope, asked)
	err := src.s.scansOf(ctx, src.w, src.upTo, q.People(), func(batch []uuid.UUID, scans func(uuid.UUID) []stay.Scan) error {
		for _, person := range batch {
			q.Answer(person, scans(person))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("asking why stays are flagged: %w", err)
	}
	return q.Answers, nil
}

// freshOf returns the fresh stays of a person.
func (src *Source) freshOf(person uint32) []freshStay {
	first, there := slices.BinarySearchFunc(src.fresh, person, func(f freshStay, person uint32) int { return cmp.Compare(f.person, person) })
	if !there {
		return nil
	}
	end := first
	for end < len(src.fresh) && src.fresh[end].person == person {
		end++
	}
	return src.fresh[first:end]
}
