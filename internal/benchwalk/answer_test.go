package benchwalk

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naiveAnswer answers by looking at every two stays.
func naiveAnswer(city *City, q Question) []Row {
	type exposure struct{ source, other, at uint32 }
	contacts := func(sources map[uint32][2]uint32) (all []exposure) {
		for _, s := range city.Stays {
			window, is := sources[s.Person]
			if !is {
				continue
			}
			for _, t := range city.Stays {
				from, to := max(s.Enter, window[0], t.Enter), min(s.Leave, window[1], t.Leave)
				if t.Place == s.Place && t.Person != s.Person && from < to && to-from >= MinOverlap {
					all = append(all, exposure{s.Person, t.Person, from})
				}
			}
		}
		return all
	}
	cases := make(map[uint32][2]uint32)
	for _, c := range q.Cases {
		cases[c.Person] = [2]uint32{c.From, c.To}
	}
	first := make(map[uint32][2]uint32)
	for _, e := range contacts(cases) {
		if _, isCase := cases[e.other]; isCase {
			continue
		}
		if known, is := first[e.other]; !is || e.at < known[0] {
			first[e.other] = [2]uint32{e.at, uint32(End)}
		}
	}
	value := make(map[uint32]uint32)
	if q.Kind != F2 {
		for person, window := range first {
			value[person] = window[0] - uint32(Start)
		}
	}
	if q.Kind != F1 {
		counted := make(map[[2]uint32]bool)
		for _, e := range contacts(first) {
			_, isFirst := first[e.other]
			_, isCase := cases[e.other]
			if isFirst || isCase {
				continue
			}
			at, known := value[e.other]
			switch {
			case q.Kind == F2 && !counted[[2]uint32{e.source, e.other}]:
				counted[[2]uint32{e.source, e.other}] = true
				value[e.other]++
			case q.Kind == WhoWhen && (!known || e.at-uint32(Start) < at):
				value[e.other] = e.at - uint32(Start)
			}
		}
	}
	rows := make([]Row, 0, len(value))
	for person, v := range value {
		rows = append(rows, Row{person, v})
	}
	return rows
}

func TestPlainWalkIsTheNaiveOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		city := Generate(Size{People: rapid.IntRange(20, 60).Draw(t, "people"), Places: rapid.IntRange(10, 40).Draw(t, "places")},
			rapid.Uint64().Draw(t, "seed"))
		p := NewPlain(city)
		var cases []Case
		for range rapid.IntRange(1, 3).Draw(t, "cases") {
			person := uint32(rapid.IntRange(0, city.People-1).Draw(t, "person"))
			if slices.ContainsFunc(cases, func(c Case) bool { return c.Person == person }) {
				continue
			}
			from := uint32(Start) + uint32(rapid.IntRange(0, Days*day).Draw(t, "from"))
			cases = append(cases, Case{person, from, from + uint32(rapid.IntRange(1, 3*day).Draw(t, "length"))})
		}
		for _, kind := range []Kind{F1, F2, WhoWhen, F1} { // the first again, after others
			q := Question{Kind: kind, Cases: cases}
			if err := sameRows(p.Answer(q).Rows, naiveAnswer(city, q)); err != nil {
				t.Fatalf("kind %d: %v", kind, err)
			}
		}
	})
}

func TestDigestTellsAnswersApart(t *testing.T) {
	rows := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Row {
		return Row{rapid.Uint32Range(0, 2_000_000).Draw(t, "person"), rapid.Uint32Range(0, Days*day).Draw(t, "value")}
	}), 2, 50, func(r Row) uint32 { return r.Person })
	rapid.Check(t, func(t *rapid.T) {
		a := rows.Draw(t, "rows")
		b := slices.Clone(a)
		slices.Reverse(b)
		if digest(a) != digest(b) {
			t.Fatal("the order counts")
		}
		i, j := rapid.IntRange(0, len(a)-1).Draw(t, "i"), rapid.IntRange(0, len(a)-1).Draw(t, "j")
		b[i].Value, b[j].Value = b[j].Value, b[i].Value
		if err := sameRows(slices.Clone(a), slices.Clone(b)); (err == nil) != (digest(a) == digest(b)) {
			t.Fatalf("%v and %v", a, b)
		}
	})
}
