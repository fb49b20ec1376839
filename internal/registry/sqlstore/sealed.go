package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

const selectSealed = `SELECT person, field, key_id, value, made FROM sealed`

func readSealed(r row) (v registry.Sealed, err error) {
	err = r.Scan(&v.Person, &v.Field, &v.Key, &v.Value, &v.Made)
	return v, err
}

// SealedFields returns which details of a person are kept, in the order of their names.
func (s *Store) SealedFields(ctx context.Context, person uuid.UUID) ([]string, error) {
	fields, err := list(ctx, s.reader, ask(`SELECT field FROM sealed WHERE person = ? ORDER BY field`, blob(person)),
		func(r row) (field string, err error) {
			err = r.Scan(&field)
			return field, err
		})
	return fields, fault("reading which details are kept", err)
}

// KeepsDetail says whether a detail is kept of the person that an alias is linked to.
func (s *Store) KeepsDetail(ctx context.Context, alias uuid.UUID, field string) (kept bool, err error) {
	err = s.reader.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM links JOIN sealed ON sealed.person = links.person WHERE links.alias = ? AND sealed.field = ?)`,
		blob(alias), field).Scan(&kept)
	return kept, fault("looking whether a detail is kept", err)
}

// PutSealed adds sealed details, all or none. Of one that is there the value stays, unless it is to be replaced. The error is
// registry.ErrDangling for an unknown person.
func (s *Store) PutSealed(ctx context.Context, values []registry.Sealed, replace bool) error {
	const put = `INSERT INTO sealed (person, field, key_id, value, made) VALUES (?, ?, ?, ?, ?) ON CONFLICT (person, field) DO `
	query := put + `NOTHING`
	if replace {
		query = put + `UPDATE SET key_id = excluded.key_id, value = excluded.value, made = excluded.made`
	}
	return s.change(ctx, "putting details", func(tx *sql.Tx) error {
		statement, err := tx.PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		defer statement.Close()
		for _, v := range values {
			if _, err := statement.ExecContext(ctx, blob(v.Person), v.Field, v.Key, bytesOrEmpty(v.Value), v.Made); err != nil {
				return err
			}
		}
		return nil
	})
}

// WalkSealed returns up to limit sealed details in the order of people and fields, those behind the one given; the zero
// registry.Sealed is before all.
func (s *Store) WalkSealed(ctx context.Context, after registry.Sealed, limit int) ([]registry.Sealed, error) {
	values, err := list(ctx, s.reader,
		ask(selectSealed+` WHERE (person, field) > (?, ?) ORDER BY person, field LIMIT ?`, blob(after.Person), after.Field, limit), readSealed)
	return values, fault("walking the details", err)
}

// CountSealed returns how many sealed details there are by the key that they are sealed with.
func (s *Store) CountSealed(ctx context.Context) (map[uint32]int64, error) {
	counts := make(map[uint32]int64)
	err := each(ctx, s.reader, ask(`SELECT key_id, COUNT(*) FROM sealed GROUP BY key_id`), func(r row) error {
		var key uint32
		var n int64
		err := r.Scan(&key, &n)
		counts[key] = n
		return err
	})
	return counts, fault("counting the details", err)
}

// Reseal puts each of some sealed details in the place of the one that it was made from, unless that was replaced meanwhile. It
// returns how many it has put. Either all that can be are put or none.
func (s *Store) Reseal(ctx context.Context, from, to []registry.Sealed) (resealed int, err error) {
	err = s.change(ctx, "sealing details anew", func(tx *sql.Tx) error {
		resealed = 0
		for i, v := range to {
			result, err := tx.ExecContext(ctx, `UPDATE sealed SET key_id = ?, value = ? WHERE person = ? AND field = ? AND value = ?`,
				v.Key, bytesOrEmpty(v.Value), blob(v.Person), v.Field, bytesOrEmpty(from[i].Value))
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			resealed += int(n)
		}
		return nil
	})
	return resealed, err
}

// DropSealed removes every detail of some people and returns how many there were. Whoever is nobody has none.
func (s *Store) DropSealed(ctx context.Context, people []uuid.UUID) (dropped int64, err error) {
	err = s.change(ctx, "dropping details", func(tx *sql.Tx) error {
		dropped = 0
		for _, person := range people {
			result, err := tx.ExecContext(ctx, `DELETE FROM sealed WHERE person = ?`, blob(person))
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			dropped += n
		}
		return nil
	})
	return dropped, err
}

// errNoEntry refuses an opening that nothing is to be entered of.
var errNoEntry = errors.New("there is no audit entry for it")

// OpenSealed records an opening and returns every sealed detail of its person; those of somebody who has no phone of their own
// with that of who answers for them, under whom it is sealed. In one transaction it asks entries for the audit entries, given
// the person's openings from an instant on, oldest first and this one last; appends them, of which the first is that of the
// opening; and reads. Where any of it fails nothing is returned and nothing was opened. Entries and seal must return soon: every
// other change waits.
func (s *Store) OpenSealed(
	ctx context.Context, o registry.Opening, since int64, seal registry.AuditSeal,
	entries func(recent []registry.Opening) []registry.AuditEntry,
) (values []registry.Sealed, err error) {
	err = s.change(ctx, "opening details", func(tx *sql.Tx) error {
		recent, err := list(ctx, tx, ask(selectOpenings+` WHERE person = ? AND opened >= ? ORDER BY seq`, blob(o.Person), since), readOpening)
		if err != nil {
			return err
		}
		for i, e := range entries(append(recent, o)) {
			if e, err = appendAudit(ctx, tx, seal, e); err != nil {
				return err
			}
			if i == 0 {
				o.Seq = e.Seq
			}
		}
		if o.Seq == 0 {
			return errNoEntry
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO openings (seq, person, run, account, area, purpose, opened) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			o.Seq, blob(o.Person), blob(o.Run), blob(o.Account), o.Area, o.Purpose, o.At)
		if err != nil {
			return err
		}
		values, err = list(ctx, tx, ask(selectSealed+` WHERE person = ?
			OR field = 'phone' AND person IN (SELECT guardian FROM dependants WHERE dependants.person = ?) ORDER BY person, field`,
			blob(o.Person), blob(o.Person)), readSealed)
		return err
	})
	if err != nil {
		return nil, err
	}
	return values, nil
}

const selectOpenings = `SELECT seq, person, run, account, area, purpose, opened FROM openings`

func readOpening(r row) (o registry.Opening, err error) {
	err = r.Scan(&o.Seq, &o.Person, &o.Run, &o.Account, &o.Area, &o.Purpose, &o.At)
	return o, err
}

// Openings returns the openings of a person's details from an instant on, oldest first.
func (s *Store) Openings(ctx context.Context, person uuid.UUID, since int64) ([]registry.Opening, error) {
	openings, err := list(ctx, s.reader, ask(selectOpenings+` WHERE person = ? AND opened >= ? ORDER BY seq`, blob(person), since), readOpening)
	return openings, fault("reading who opened details", err)
}

// PutApproval approves a run, together with its audit entry: both are there or neither. The errors: registry.ErrExists where it
// was approved before, ErrDangling for an unknown run or account.
func (s *Store) PutApproval(ctx context.Context, a registry.Approval, seal registry.AuditSeal, entry registry.AuditEntry) error {
	return s.change(ctx, "approving a run", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO approvals (run, account, approved) VALUES (?, ?, ?)`, blob(a.Run), blob(a.Account), a.At)
		if err != nil {
			return err
		}
		_, err = appendAudit(ctx, tx, seal, entry)
		return err
	})
}

// Approval returns the approval of a run; registry.ErrNotFound where there is none.
func (s *Store) Approval(ctx context.Context, run uuid.UUID) (registry.Approval, error) {
	return one("reading the approval of a run", func(r row) (a registry.Approval, err error) {
		err = r.Scan(&a.Run, &a.Account, &a.At)
		return a, err
	}, s.reader.QueryRowContext(ctx, `SELECT run, account, approved FROM approvals WHERE run = ?`, blob(run)))
}

// CountPeopleWithout returns how many people have none of some details.
func (s *Store) CountPeopleWithout(ctx context.Context, fields ...string) (int64, error) {
	args := make([]any, len(fields))
	for i, field := range fields {
		args[i] = field
	}
	n, err := count(ctx, s.reader, `SELECT COUNT(*) FROM people WHERE NOT EXISTS (
		SELECT 1 FROM sealed WHERE person = people.id AND field IN (''`+strings.Repeat(`, ?`, len(fields))+`))`, args...)
	return n, fault("counting people without details", err)
}
