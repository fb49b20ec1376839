package sqlstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

var (
	linkRows = rows{`INSERT INTO links (alias, person, kind, linked) VALUES `, `(?, ?, ?, ?)`}
	// versionRows come after the revision was raised.
	versionRows = rows{
		`INSERT INTO link_versions (revision, alias, person, kind, changed) VALUES `, `((SELECT count FROM revision), ?, ?, ?, ?)`,
	}
)

func linkValues(l *registry.Link) []any {
	return []any{blob(l.Alias), blob(l.Person), l.Kind, l.Linked}
}

func versionValues(l *registry.Link) []any {
	return []any{blob(l.Alias), optional(l.Person), l.Kind, l.Linked}
}

// putLinks adds links of aliases that have none.
func putLinks(ctx context.Context, tx *sql.Tx, links []registry.Link) error {
	if err := insert(ctx, tx, linkRows, links, linkValues); err != nil {
		return err
	}
	return version(ctx, tx, links)
}

// version counts the transaction and keeps the links as it has made them.
func version(ctx context.Context, tx *sql.Tx, links []registry.Link) error {
	if err := raise(ctx, tx, raiseRevision, len(links)); err != nil {
		return err
	}
	return insert(ctx, tx, versionRows, links, versionValues)
}

// AddLinks adds those of some links whose alias has none, all or none of them, and returns how many there were. The error is
// registry.ErrDangling for an unknown person.
func (s *Store) AddLinks(ctx context.Context, links []registry.Link) (int, error) {
	var added []registry.Link
	err := s.change(ctx, "adding links", func(tx *sql.Tx) error {
		added = nil
		for _, link := range links {
			result, err := tx.ExecContext(ctx, linkRows.head+linkRows.row+` ON CONFLICT (alias) DO NOTHING`, linkValues(&link)...)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			if n > 0 {
				added = append(added, link)
			}
		}
		return version(ctx, tx, added)
	})
	return len(added), err
}

// Relink makes an alias stand for another person than before, from link.Linked on as the records say it; stays are derived
// as if it had always been so. Where it stands for that person already nothing changes. The link of before is kept as a
// version. The errors: registry.ErrNotFound for an alias that is not linked, ErrDangling for an unknown person.
func (s *Store) Relink(ctx context.Context, link registry.Link) error {
	return s.change(ctx, "linking an alias to another person", func(tx *sql.Tx) error {
		held, err := linkOf(ctx, tx, link.Alias)
		if err != nil || held.Person == link.Person {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE links SET person = ?, kind = ?, linked = ? WHERE alias = ?`,
			blob(link.Person), link.Kind, link.Linked, blob(link.Alias))
		if err != nil {
			return err
		}
		return version(ctx, tx, []registry.Link{link})
	})
}

// Unlink takes the link of an alias away: from then on it is a person of its own, with all its scans. The link of before is
// kept as a version, and so is that it was taken away at the given instant. The error is registry.ErrNotFound for an alias
// that is not linked.
func (s *Store) Unlink(ctx context.Context, alias uuid.UUID, at int64) error {
	return s.change(ctx, "unlinking an alias", func(tx *sql.Tx) error {
		held, err := linkOf(ctx, tx, alias)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM links WHERE alias = ?`, blob(alias)); err != nil {
			return err
		}
		return version(ctx, tx, []registry.Link{{Alias: alias, Kind: held.Kind, Linked: at}})
	})
}

func linkOf(ctx context.Context, from source, alias uuid.UUID) (l registry.Link, err error) {
	err = from.QueryRowContext(ctx, `SELECT alias, person, kind, linked FROM links WHERE alias = ?`, blob(alias)).
		Scan(&l.Alias, &l.Person, &l.Kind, &l.Linked)
	return l, err
}

// AliasesOf returns the aliases that stand for some people, in no order.
func (s *Store) AliasesOf(ctx context.Context, people []uuid.UUID) ([]uuid.UUID, error) {
	var aliases []uuid.UUID
	for some := range slices.Chunk(people, idsAtOnce) {
		found, err := list(ctx, s.reader, query{`SELECT alias FROM links WHERE person IN ` + idList(len(some)), blobs(some)},
			func(r row) (alias uuid.UUID, err error) {
				err = r.Scan(&alias)
				return alias, err
			})
		if err != nil {
			return nil, fault("reading the aliases of people", err)
		}
		aliases = append(aliases, found...)
	}
	return aliases, nil
}

// Erase records erasures, all or none. One that reaches no further than the one that holds for its alias changes nothing.
func (s *Store) Erase(ctx context.Context, erasures ...registry.Erasure) error {
	return s.change(ctx, "erasing scans", func(tx *sql.Tx) error {
		changed := 0
		for _, e := range erasures {
			result, err := tx.ExecContext(ctx, `
				INSERT INTO erasures (alias, received_before, revision) SELECT ?, ?, count + 1 FROM revision WHERE true
				ON CONFLICT (alias) DO UPDATE SET received_before = excluded.received_before, revision = excluded.revision
				WHERE excluded.received_before > erasures.received_before`,
				blob(e.Alias), e.Before)
			if err != nil {
				return err
			}
			rows, err := result.RowsAffected()
			if err != nil {
				return err
			}
			changed += int(rows)
		}
		return raise(ctx, tx, raiseRevision, changed)
	})
}
