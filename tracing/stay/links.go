package stay

import "github.com/google/uuid"

// Links says which aliases are one person. It is immutable and safe for concurrent use. An alias with no link is a person
// of its own, under its own id.
type Links struct {
	person  map[uuid.UUID]uuid.UUID
	aliases map[uuid.UUID][]uuid.UUID
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
