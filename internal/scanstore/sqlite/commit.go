package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
)

// candidate is the first scan of its key in a commit; later ones of the same key are judged by what became of it.
type candidate struct {
	scan    *scan.Scan
	wire    []byte
	key     scan.Key
	logged  scan.Digest // of what was logged before under the key, once settled
	day     scan.Day
	outcome scanlog.Outcome
	settled bool // it was logged before: the outcome is known
	seq     uint64
}

// digest returns the digest of what is logged under the key in the end. Only a repeated key asks for it.
func (c *candidate) digest() scan.Digest {
	if c.settled {
		return c.logged
	}
	return c.scan.Digest()
}

// commit logs the batches: first it settles which scans are logged already in another file than their own, then it writes
// markers, then the scans, one transaction per day file. Each step is durable before the next, see markerSchema.
func (s *Store) commit(batches []*scanlog.Batch) error {
	// The caller's wait is bounded by SQLite's own busy timeout. A context that cannot end saves a goroutine per statement.
	ctx := context.Background()
	firsts, byKey := candidates(batches)
	if err := s.settleElsewhere(ctx, firsts); err != nil {
		return scanlog.ErrUnavailable.Because(err)
	}
	byDay := make(map[scan.Day][]*candidate)
	for _, c := range firsts {
		if !c.settled {
			byDay[c.day] = append(byDay[c.day], c)
		}
	}
	days := make([]scan.Day, 0, len(byDay))
	for day := range byDay {
		days = append(days, day)
	}
	slices.Sort(days)
	for _, day := range days {
		if err := s.commitDay(ctx, day, byDay[day]); err != nil {
			return scanlog.ErrUnavailable.Because(fmt.Errorf("writing the scans of %s: %w", day, err))
		}
	}
	answer(batches, byKey)
	return nil
}

// candidates returns the first scan of each key, in order and by key.
func candidates(batches []*scanlog.Batch) ([]*candidate, map[scan.Key]*candidate) {
	n := 0
	for _, b := range batches {
		n += len(b.Scans)
	}
	all := make([]candidate, 0, n)
	firsts := make([]*candidate, 0, n)
	byKey := make(map[scan.Key]*candidate, n)
	for _, b := range batches {
		for i := range b.Scans {
			sc := &b.Scans[i]
			key := sc.Key()
			if _, repeated := byKey[key]; repeated {
				continue
			}
			all = append(all, candidate{scan: sc, wire: b.Wires[i], key: key, day: scan.DayOf(sc.At)})
			c := &all[len(all)-1]
			byKey[key] = c
			firsts = append(firsts, c)
		}
	}
	return firsts, byKey
}

// settleElsewhere finds the candidates that are logged in another file than their own and sets the markers of those that
// are not and do not stand at home.
func (s *Store) settleElsewhere(ctx context.Context, firsts []*candidate) error {
	keys := make([]scan.Key, len(firsts))
	for i, c := range firsts {
		keys[i] = c.key
	}
	pointed, err := s.markers.find(ctx, keys)
	if err != nil {
		return err
	}
	look := make(map[scan.Day][]*candidate)
	for _, c := range firsts {
		home, hasHome := homeOf(c.scan.ID)
		if hasHome && home != c.day && s.files.exists(home) {
			look[home] = append(look[home], c)
		}
		if to, marked := pointed[c.key]; marked && to != c.day && s.files.exists(to) {
			look[to] = append(look[to], c)
		}
	}
	for day, those := range look {
		if err := s.settleFrom(ctx, day, those); err != nil {
			return fmt.Errorf("looking into the scans of %s: %w", day, err)
		}
	}
	mark := make(map[scan.Key]scan.Day)
	for _, c := range firsts {
		if home, hasHome := homeOf(c.scan.ID); c.settled || hasHome && home == c.day {
			continue
		}
		if to, marked := pointed[c.key]; !marked || to != c.day {
			mark[c.key] = c.day
		}
	}
	return s.markers.set(ctx, mark)
}

// settleFrom settles those candidates that are logged in the file of a day.
func (s *Store) settleFrom(ctx context.Context, day scan.Day, those []*candidate) error {
	file, err := s.files.pin(ctx, day, false)
	if err != nil || file == nil {
		return err
	}
	defer s.files.unpin(day)
	keys := make([]scan.Key, len(those))
	byKey := make(map[scan.Key]*candidate, len(those))
	for i, c := range those {
		keys[i] = c.key
		byKey[c.key] = c
	}
	return file.find(ctx, keys, func(k scan.Key, _ uint64, digest scan.Digest) { byKey[k].settle(digest) })
}

// settle notes that a scan with this digest was logged before under the candidate's key.
func (c *candidate) settle(logged scan.Digest) {
	c.outcome = scanlog.Duplicate
	if logged != c.scan.Digest() {
		c.outcome = scanlog.Conflict
	}
	c.logged, c.settled = logged, true
}

// commitDay writes the candidates of one day in one transaction.
func (s *Store) commitDay(ctx context.Context, day scan.Day, those []*candidate) error {
	file, err := s.files.pin(ctx, day, true)
	if err != nil {
		return err
	}
	defer s.files.unpin(day)
	last, sure := s.files.lastOf(day)
	if !sure {
		return errors.New("an earlier commit failed and the file is still being read")
	}
	err = inTx(ctx, file.writer, func() error {
		for i, rows := range insertRows {
			for len(those) >= rows {
				if last, err = file.insertAll(ctx, file.insert[i], those[:rows], last); err != nil {
					return err
				}
				those = those[rows:]
			}
		}
		return nil
	})
	if err != nil {
		s.files.distrust(day)
		return err
	}
	s.files.committed(day, last)
	return nil
}

// insertAll inserts as many candidates as the statement takes after the row last, and returns the last row then. Candidates
// that were logged before are settled.
func (f *dayFile) insertAll(ctx context.Context, insert *sql.Stmt, those []*candidate, last uint64) (uint64, error) {
	args := make([]any, 0, 2*len(those))
	for i, c := range those {
		c.seq = last + 1 + uint64(i)
		args = append(args, c.seq, c.wire)
	}
	result, err := insert.ExecContext(ctx, args...)
	if err != nil {
		return last, err
	}
	inserted, err := result.RowsAffected()
	if err != nil {
		return last, err
	}
	if inserted == int64(len(those)) {
		return last + uint64(len(those)), nil
	}
	return f.settleRefused(ctx, those, last)
}

// settleRefused settles those of some rows that the unique index kept out. Their numbers stay unused, except at the end.
func (f *dayFile) settleRefused(ctx context.Context, those []*candidate, last uint64) (uint64, error) {
	keys := make([]scan.Key, len(those))
	byKey := make(map[scan.Key]*candidate, len(those))
	for i, c := range those {
		keys[i] = c.key
		byKey[c.key] = c
	}
	err := f.find(ctx, keys, func(k scan.Key, seq uint64, digest scan.Digest) {
		c := byKey[k]
		if seq == c.seq {
			last = max(last, seq)
			return
		}
		c.settle(digest)
	})
	return last, err
}

// answer fills in the outcomes: of the first scan of each key what became of it, of later ones how they compare with what
// is logged.
func answer(batches []*scanlog.Batch, byKey map[scan.Key]*candidate) {
	for _, b := range batches {
		for i := range b.Scans {
			sc := &b.Scans[i]
			c := byKey[sc.Key()]
			switch {
			case c.scan == sc:
				b.Outcomes[i] = c.outcome
				if c.outcome == scanlog.Accepted {
					sc.Shard, sc.Seq = uint32(c.day), c.seq
				}
			case sc.Digest() == c.digest():
				b.Outcomes[i] = scanlog.Duplicate
			default:
				b.Outcomes[i] = scanlog.Conflict
			}
		}
	}
}
