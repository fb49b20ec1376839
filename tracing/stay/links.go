package stay

import (
	"maps"

	"github.com/google/uuid"
)

// Links says which aliases are one person, and which scans of an alias were erased. It is immutable and safe for concurrent
// use. An alias with no link is a person of its own, under its own id.
//
// An erased scan does not exist: whoever reads scans passes over it before anything else is made of it, so before [Derive],
// before the first of two scans of one id is chosen, and before somebody counts as having been at a place. It is judged by
// itself, a void and the scan that the void takes back too.
type Links struct {
	person  map[uuid.UUID]uuid.UUID
	aliases map[uuid.UUID][]uuid.UUID
	erased  map[uuid.UUID]int64
}

// NewLinks makes the links from a map of alias to person, which it does not keep.
func NewLinks(personOf map[uuid.UUID]uuid.UUID) *Links {
	l := &Links{
		person:  make(map[uuid.UUID]uuid.UUID, len(personOf)),
		aliases: make(map[uuid.UUID][]uuid.UUID, len(personOf)),
	}
	for alias, person := range personOf {
		l.person[alias] = person
		l.aliases[person] = append(l.aliases[person], alias)
	}
	for person := range l.aliases {
		if _, linked := l.person[person]; !linked {
			l.aliases[person] = append(l.aliases[person], person) // what Person says of its id as an alias
		}
	}
	return l
}

// Without returns the same links with erasures in place of those that it had: by alias, the instant (UTC seconds) before
// which a scan must have been received to be erased. It does not keep the map.
func (l *Links) Without(erased map[uuid.UUID]int64) *Links {
	return &Links{person: l.person, aliases: l.aliases, erased: maps.Clone(erased)}
}

// Erased says whether a scan of an alias that was received at an instant (UTC seconds) was erased.
func (l *Links) Erased(alias uuid.UUID, receivedAt int64) bool {
	before, is := l.erased[alias]
	return is && receivedAt < before
}

// Person returns whom an alias stands for.
func (l *Links) Person(alias uuid.UUID) uuid.UUID {
	if person, ok := l.person[alias]; ok {
		return person
	}
	return alias
}

// Aliases returns every alias that Person gives the person for: those that are linked, and the person's own id unless it is
// linked as an alias itself. The result is shared and must not be changed; the order is not defined.
func (l *Links) Aliases(person uuid.UUID) []uuid.UUID {
	if aliases, ok := l.aliases[person]; ok {
		return aliases
	}
	if _, linked := l.person[person]; linked {
		return nil
	}
	return []uuid.UUID{person}
}
