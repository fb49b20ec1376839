package tracing

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// Unite unites the overlapping or touching stays of each person at each place. The places must be contact places already
// (see [Places.Contact]); stays of no length are dropped. The result is sorted by (person, place, enter). Unite neither
// changes nor keeps stays.
func Unite(stays []Stay) []United {
	sorted := slices.Clone(stays)
	slices.SortFunc(sorted, func(a, b Stay) int {
		if c := bytes.Compare(a.Person[:], b.Person[:]); c != 0 {
			return c
		}
		return a.Place.Compare(b.Place)
	})
	var united []United
	parts := make([]Part, 0, len(sorted))
	for i, s := range sorted {
		parts = append(parts, Part{Enter: s.Enter, Leave: s.Leave, Basis: s.Basis, Flagged: s.Flagged})
		last := i+1 == len(sorted) || sorted[i+1].Person != s.Person || sorted[i+1].Place != s.Place
		if last {
			united = UniteParts(united, s.Person, s.Place, parts)
			parts = parts[len(parts):]
		}
	}
	return united
}

// UniteParts appends to dst what the stays of one person at one contact place unite to, in the order of their entries. It
// reorders parts and keeps it: the Parts of the results are slices of it, one after the other from its start. Parts of no
// length are dropped.
func UniteParts(dst []United, person uuid.UUID, place Place, parts []Part) []United {
	parts = slices.DeleteFunc(parts, func(p Part) bool { return p.Leave <= p.Enter })
	slices.SortFunc(parts, compareParts)
	for len(parts) > 0 {
		n, leave := 1, parts[0].Leave
		for n < len(parts) && parts[n].Enter <= leave {
			leave = max(leave, parts[n].Leave)
			n++
		}
		dst = append(dst, United{Person: person, Place: place, Enter: parts[0].Enter, Leave: leave, Parts: parts[:n:n]})
		parts = parts[n:]
	}
	return dst
}

// compareParts orders parts by (Enter, Leave, Basis, Flagged).
func compareParts(a, b Part) int {
	switch {
	case a.Enter != b.Enter:
		return cmp.Compare(a.Enter, b.Enter)
	case a.Leave != b.Leave:
		return cmp.Compare(a.Leave, b.Leave)
	case a.Basis != b.Basis:
		return cmp.Compare(a.Basis, b.Basis)
	case a.Flagged == b.Flagged:
		return 0
	case b.Flagged:
		return -1
	default:
		return 1
	}
}

// Clip returns the united stay as it is known at asOf, and whether there is anything of it: the clip of a union is the
// union of the clipped stays. The Parts of u are not changed.
func (u United) Clip(asOf int64) (United, bool) {
	if u.Leave <= asOf {
		return u, true
	}
	if u.Enter >= asOf {
		return United{}, false
	}
	u.Leave = asOf
	parts := make([]Part, 0, len(u.Parts))
	for _, p := range u.Parts {
		if p.Enter < asOf {
			p.Leave = min(p.Leave, asOf)
			parts = append(parts, p)
		}
	}
	slices.SortFunc(parts, compareParts)
	u.Parts = parts
	return u, true
}

// worst returns the worst basis among the parts that meet [from, to), whether a flagged one is among them, and whether any
// part meets it.
func worst(parts []Part, from, to int64) (basis Basis, flagged, met bool) {
	for _, p := range parts {
		if p.Enter >= to {
			break
		}
		if p.Leave > from {
			basis, flagged, met = max(basis, p.Basis), flagged || p.Flagged, true
		}
	}
	return basis, flagged, met
}
