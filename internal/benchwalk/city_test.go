package benchwalk

import (
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func sizeNamed(t testing.TB, name string) Size {
	t.Helper()
	size, err := SizeNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	return size
}

func TestCityIsTheSameWhateverTheThreads(t *testing.T) {
	size := sizeNamed(t, "toy")
	var cities []*City
	for _, threads := range []int{1, 3} {
		before := runtime.GOMAXPROCS(threads)
		cities = append(cities, Generate(size, 7))
		runtime.GOMAXPROCS(before)
	}
	if !slices.Equal(cities[0].Stays, cities[1].Stays) {
		t.Error("one thread and three make different cities of one seed")
	}
	if slices.Equal(cities[0].Stays, Generate(size, 8).Stays) {
		t.Error("two seeds make the same city")
	}
}

func TestNobodyIsTwiceAtOnce(t *testing.T) {
	city := Generate(sizeNamed(t, "toy"), 1)
	perPerson := float64(len(city.Stays)) / float64(city.People)
	if perPerson < 37 || perPerson > 40 {
		t.Errorf("there are %.1f stays per person, which is not what the sizes are named after", perPerson)
	}
	acrossMidnight := 0
	for i, s := range city.Stays {
		if int(s.Person) >= city.People || int(s.Place) >= city.Places {
			t.Fatalf("%+v is of nobody or nowhere", s)
		}
		if int64(s.Enter) < Start || int64(s.Leave) > End || s.Enter >= s.Leave {
			t.Fatalf("%+v has no proper time", s)
		}
		if i > 0 {
			last := city.Stays[i-1]
			if last.Person > s.Person || last.Person == s.Person && last.Leave >= s.Enter {
				t.Fatalf("%+v follows %+v", s, last)
			}
		}
		if (int64(s.Enter)-Start)/day != (int64(s.Leave)-Start)/day {
			acrossMidnight++
		}
	}
	if acrossMidnight == 0 {
		t.Error("nobody stays past midnight")
	}
}

func TestSizes(t *testing.T) {
	if _, err := SizeNamed("21m"); err == nil {
		t.Error("there is a size 21m")
	}
}

func TestIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint32().Draw(t, "a"), rapid.Uint32().Draw(t, "b")
		for _, kind := range []byte{personID, placeID} {
			if got := numberOf(idOf(kind, a)); got != a {
				t.Fatalf("the id of %d is one of %d", a, got)
			}
			if a != b && idOf(kind, a) == idOf(kind, b) {
				t.Fatalf("%d and %d share an id", a, b)
			}
		}
		if idOf(personID, a) == idOf(placeID, a) {
			t.Fatalf("a person and a place share the id of %d", a)
		}
	})
}
