package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

var personRows = rows{`INSERT INTO people (id, area, created) VALUES `, `(?, ?, ?)`}

const (
	selectPeople = `SELECT people.id, COALESCE(people.area, ''), people.created FROM people`
	whoseAlias   = ` JOIN links ON links.person = people.id WHERE links.alias = ?`
)

func personValues(p *registry.Person) []any {
	return []any{blob(p.ID), optionalText(p.Area), p.Created}
}

func readPerson(r row) (p registry.Person, err error) {
	err = r.Scan(&p.ID, &p.Area, &p.Created)
	return p, err
}

// EnsurePerson returns the person that link.Alias stands for. Where nobody is, it makes the person together with the link,
// as created at link.Linked and residing in area (empty if unknown); the person's id is link.Person, or a new one where
// that is uuid.Nil. Of a person who is there nothing changes. Two calls at once for one alias make one person.
func (s *Store) EnsurePerson(ctx context.Context, link registry.Link, area string) (registry.Person, error) {
	person, err := s.PersonByAlias(ctx, link.Alias)
	if err == nil || !errors.Is(err, registry.ErrNotFound) {
		return person, err
	}
	err = s.change(ctx, "making a person", func(tx *sql.Tx) error {
		person, err = ensurePerson(ctx, tx, link, area)
		return err
	})
	if err != nil {
		return registry.Person{}, err
	}
	return person, nil
}

// EnsurePeople returns the people that the aliases of links stand for, in their order. Those that are not there it makes as
// EnsurePerson does, in an unknown area, all or none of them.
func (s *Store) EnsurePeople(ctx context.Context, links []registry.Link) ([]registry.Person, error) {
	people := make([]registry.Person, len(links))
	var missing []int
	for i, link := range links {
		person, err := s.PersonByAlias(ctx, link.Alias)
		if people[i] = person; errors.Is(err, registry.ErrNotFound) {
			missing = append(missing, i)
		} else if err != nil {
			return nil, err
		}
	}
	if len(missing) == 0 {
		return people, nil
	}
	// Whoever makes the same people at the same time does it in the same order.
	slices.SortFunc(missing, func(a, b int) int { return bytes.Compare(links[a].Alias[:], links[b].Alias[:]) })
	err := s.change(ctx, "making people", func(tx *sql.Tx) (err error) {
		for _, i := range missing {
			if people[i], err = ensurePerson(ctx, tx, links[i], ""); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return people, nil
}

// ensurePerson is EnsurePerson within a transaction.
func ensurePerson(ctx context.Context, tx *sql.Tx, link registry.Link, area string) (registry.Person, error) {
	person, err := readPerson(tx.QueryRowContext(ctx, selectPeople+whoseAlias, blob(link.Alias)))
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return person, err
	}
	if link.Person == uuid.Nil {
		if link.Person, err = uuid.NewRandom(); err != nil {
			return person, fmt.Errorf("making an id: %w", err)
		}
	}
	person = registry.Person{ID: link.Person, Area: area, Created: link.Linked}
	if err := insert(ctx, tx, personRows, []registry.Person{person}, personValues); err != nil {
		return person, err
	}
	return person, putLinks(ctx, tx, []registry.Link{link})
}

// PutPeople adds people and links, all or none. A link may be to a person who was there before. The errors:
// registry.ErrExists for a person or an alias that is taken, ErrDangling for an unknown person or area.
func (s *Store) PutPeople(ctx context.Context, people []registry.Person, links []registry.Link) error {
	return s.change(ctx, "putting people", func(tx *sql.Tx) error {
		if err := insert(ctx, tx, personRows, people, personValues); err != nil {
			return err
		}
		return putLinks(ctx, tx, links)
	})
}

// PersonByAlias returns the person that an alias stands for.
func (s *Store) PersonByAlias(ctx context.Context, alias uuid.UUID) (registry.Person, error) {
	return one("reading the person of an alias", readPerson,
		s.reader.QueryRowContext(ctx, selectPeople+whoseAlias, blob(alias)))
}

// AreasOf returns where the given people reside: a ward, a district, or "" where nothing is known. Who is nobody is not in
// it. The map is the caller's.
func (s *Store) AreasOf(ctx context.Context, people []uuid.UUID) (map[uuid.UUID]string, error) {
	areas := make(map[uuid.UUID]string, len(people))
	for some := range slices.Chunk(people, idsAtOnce) {
		q := query{`SELECT id, COALESCE(area, '') FROM people WHERE id IN ` + idList(len(some)), blobs(some)}
		err := each(ctx, s.reader, q, func(r row) error {
			var id uuid.UUID
			var area string
			err := r.Scan(&id, &area)
			areas[id] = area
			return err
		})
		if err != nil {
			return nil, fault("reading where people reside", err)
		}
	}
	return areas, nil
}

// MovePerson records where somebody resides. The errors: registry.ErrNotFound for nobody, ErrDangling for an unknown area.
func (s *Store) MovePerson(ctx context.Context, person uuid.UUID, area string) error {
	return s.change(ctx, "recording where somebody resides", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE people SET area = ? WHERE id = ?`, optionalText(area), blob(person))
		if err != nil {
			return err
		}
		if rows, err := result.RowsAffected(); err != nil || rows > 0 {
			return err
		}
		return registry.ErrNotFound
	})
}
