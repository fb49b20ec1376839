package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
)

const (
	insertPerson = `INSERT INTO people (id, area, created) VALUES (?, ?, ?)`
	insertLink   = `INSERT INTO links (alias, person, kind, linked) VALUES (?, ?, ?, ?)`
	selectPeople = `SELECT people.id, COALESCE(people.area, ''), people.created FROM people`
	whoseAlias   = ` JOIN links ON links.person = people.id WHERE links.alias = ?`
)

func personValues(p *registry.Person) []any {
	return []any{blob(p.ID), optionalText(p.Area), p.Created}
}

func linkValues(l *registry.Link) []any {
	return []any{blob(l.Alias), blob(l.Person), l.Kind, l.Linked}
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
		person, err = readPerson(tx.QueryRowContext(ctx, selectPeople+whoseAlias, blob(link.Alias)))
		if err == nil || !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if link.Person == uuid.Nil {
			if link.Person, err = uuid.NewRandom(); err != nil {
				return fmt.Errorf("making an id: %w", err)
			}
		}
		person = registry.Person{ID: link.Person, Area: area, Created: link.Linked}
		if _, err := tx.ExecContext(ctx, insertPerson, personValues(&person)...); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, insertLink, linkValues(&link)...); err != nil {
			return err
		}
		return raiseRevision(ctx, tx)
	})
	if err != nil {
		return registry.Person{}, err
	}
	return person, nil
}

// PutPeople adds people and links, all or none. A link may be to a person who was there before. The errors:
// registry.ErrExists for a person or an alias that is taken, ErrDangling for an unknown person or area.
func (s *Store) PutPeople(ctx context.Context, people []registry.Person, links []registry.Link) error {
	return s.change(ctx, "putting people", func(tx *sql.Tx) error {
		if err := insert(ctx, tx, insertPerson, people, personValues); err != nil {
			return err
		}
		if err := insert(ctx, tx, insertLink, links, linkValues); err != nil {
			return err
		}
		return raiseRevision(ctx, tx)
	})
}

// PersonByAlias returns the person that an alias stands for.
func (s *Store) PersonByAlias(ctx context.Context, alias uuid.UUID) (registry.Person, error) {
	return one("reading the person of an alias", readPerson,
		s.reader.QueryRowContext(ctx, selectPeople+whoseAlias, blob(alias)))
}

// People returns everybody in the order of the ids.
func (s *Store) People(ctx context.Context) ([]registry.Person, error) {
	return list(ctx, s, "reading people", readPerson, selectPeople+` ORDER BY people.id`)
}

// Links returns for every alias the person that it stands for. The map is the caller's.
func (s *Store) Links(ctx context.Context) (map[uuid.UUID]uuid.UUID, error) {
	persons := make(map[uuid.UUID]uuid.UUID)
	err := s.each(ctx, func(r row) error {
		var alias, person uuid.UUID
		err := r.Scan(&alias, &person)
		persons[alias] = person
		return err
	}, `SELECT alias, person FROM links`)
	if err != nil {
		return nil, fault("reading links", err)
	}
	return persons, nil
}
