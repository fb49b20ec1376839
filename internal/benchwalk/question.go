package benchwalk

import (
	"cmp"
	"slices"
)

// MinOverlap, in seconds, is the shortest contact that counts.
const MinOverlap = 15 * minute

// Case is a confirmed person who was infectious during [From, To).
type Case struct {
	Person   uint32
	From, To uint32
}

// Question is one of those that every engine answers.
type Question struct {
	Name  string
	Kind  Kind
	Cases []Case
}

// Kind is what is asked about the cases.
type Kind uint8

// The kinds of questions.
const (
	F1      Kind = iota // each F1 with the first exposure
	F2                  // each F2 with the number of distinct F1 who met them
	WhoWhen             // each F1 and F2 with the first exposure of their generation
)

// Row is a person of an answer with their value: an instant in seconds since [Start], or a number of people.
type Row struct{ Person, Value uint32 }

// Answer is what an engine answered, in any order, each person once. Rows is nil where an engine gave the digest alone.
type Answer struct {
	Digest
	Rows []Row
}

// Digest stands for an answer. Two different answers have the same one only by a coincidence of one in two billion.
type Digest struct {
	People int64
	Sum    int64 // of the values
	Hash   int64 // of x² mod p over the rows, x being (person · 48271 + value · 16807) mod p
}

// prime is 2³¹ − 1: squares of what is below it fit into 63 bits, and the sum of two billion such remainders too.
const prime = 1<<31 - 1

func digest(rows []Row) Digest {
	d := Digest{People: int64(len(rows))}
	for _, r := range rows {
		x := (int64(r.Person)*48271 + int64(r.Value)*16807) % prime
		d.Sum += int64(r.Value)
		d.Hash += x * x % prime
	}
	return d
}

// manyCases is how many cases the question about a whole day's has.
const manyCases = 26

// Questions chooses the cases of a city, and returns what is asked about them: the one case has about 200 F1, the 26 have
// as many each as the size says.
func Questions(city *City, p *Plain) []Question {
	const (
		oneContacts = 201
		candidates  = 4_000
	)
	one := chooseCases(city, p, candidates, 1, min(oneContacts, 2*city.CaseContacts), Start+2*day, Start+6*day)
	many := chooseCases(city, p, candidates, manyCases, city.CaseContacts, Start+day, Start+11*day)
	return []Question{
		{"one.f1", F1, one},
		{"one.f2", F2, one},
		{"p26.f1", F1, many},
		{"p26.f2", F2, many},
		{"p26.who_when", WhoWhen, many},
	}
}

// chooseCases returns, of so many candidates spread over the city, those whose number of F1 is nearest to contacts.
func chooseCases(city *City, p *Plain, candidates, wanted, contacts int, from, to int64) []Case {
	type candidate struct {
		Case
		distance int
	}
	candidates = min(candidates, city.People)
	all := make([]candidate, candidates)
	for i := range all {
		c := Case{Person: uint32(i * (city.People / candidates)), From: uint32(from), To: uint32(to)}
		n := len(p.Answer(Question{Kind: F1, Cases: []Case{c}}).Rows)
		all[i] = candidate{c, max(n-contacts, contacts-n)}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	cases := make([]Case, wanted)
	for i := range cases {
		cases[i] = all[i].Case
	}
	return cases
}
