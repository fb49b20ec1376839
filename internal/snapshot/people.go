package snapshot

import (
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/scanmem"
	"github.com/truyvet/truyvet/tracing/memindex"
)

// people says, all by number, which aliases are one person, and which of an alias's scans are erased. An alias with no link
// is a person of its own, under its own id.
type people struct {
	scans     *scanmem.Scans      // numbers the aliases
	numbering *memindex.Numbering // numbers the people
	person    []uint32            // by alias, for those that were looked at
	first     []uint32            // by person: 1 + one of their aliases; may end early
	next      []uint32            // by alias: 1 + another alias of the same person
	erased    map[uint32]int64    // by alias: scans received before it are erased
}

func newPeople(scans *scanmem.Scans, numbering *memindex.Numbering) *people {
	return &people{scans: scans, numbering: numbering, erased: make(map[uint32]int64)}
}

// of returns the person of an alias.
func (p *people) of(alias uint32) uint32 {
	for len(p.person) <= int(alias) {
		p.next = append(p.next, 0)
		p.person = append(p.person, 0)
		added := uint32(len(p.person) - 1)
		p.join(added, p.numbering.Person(p.scans.ID(added)))
	}
	return p.person[alias]
}

// join makes an alias one of a person's; it must be nobody's.
func (p *people) join(alias, person uint32) {
	for len(p.first) <= int(person) {
		p.first = append(p.first, 0)
	}
	p.person[alias] = person
	p.next[alias], p.first[person] = p.first[person], alias+1
}

// leave makes an alias nobody's.
func (p *people) leave(alias uint32) {
	at := &p.first[p.person[alias]]
	for *at != alias+1 {
		at = &p.next[*at-1]
	}
	*at = p.next[alias]
}

// link makes an alias stand for a person, uuid.Nil for itself, and returns whom it stood for and now does.
func (p *people) link(alias uint32, person uuid.UUID) (was, is uint32) {
	if person == uuid.Nil {
		person = p.scans.ID(alias)
	}
	was, is = p.of(alias), p.numbering.Person(person)
	if was != is {
		p.leave(alias)
		p.join(alias, is)
	}
	return was, is
}

// aliases calls take for each alias of a person.
func (p *people) aliases(person uint32, take func(alias uint32)) {
	if int(person) >= len(p.first) {
		return
	}
	for at := p.first[person]; at != 0; at = p.next[at-1] {
		take(at - 1)
	}
}

// bytes returns what the links take, about, without the ids.
func (p *people) bytes() int64 { return int64(cap(p.person)+cap(p.first)+cap(p.next)) * 4 }
