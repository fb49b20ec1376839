package benchwalk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
)

// Size is how large a city is.
type Size struct {
	Name   string
	People int
	Places int
	// CaseContacts is how many F1 each of the many cases should have. It keeps the smallest city from being F1 as a whole.
	CaseContacts int
	// Relational says whether engines that read a row at a time take part.
	Relational bool
}

// Sizes returns the cities that there are, by the number of stays that they are named after.
func Sizes() []Size {
	return []Size{
		{Name: "toy", People: 600, Places: 120, CaseContacts: 5, Relational: true},
		{Name: "2m", People: 50_000, Places: 2_000, CaseContacts: 105, Relational: true},
		{Name: "20m", People: 500_000, Places: 20_000, CaseContacts: 1_050, Relational: true},
		{Name: "80m", People: 2_000_000, Places: 80_000, CaseContacts: 1_050},
	}
}

// SizeNamed returns the size of that name.
func SizeNamed(name string) (Size, error) {
	for _, s := range Sizes() {
		if s.Name == name {
			return s, nil
		}
	}
	return Size{}, fmt.Errorf("size %q is none of toy, 2m, 20m, 80m", name)
}

// Stay is a person at a place, by their numbers, during [Enter, Leave) in unix seconds.
type Stay struct {
	Person, Place uint32
	Enter, Leave  uint32
}

// Days is how many days the stays are of, and Start when the first of them begins: 00:00 of Monday 1 November 2021 in
// Vietnam. End is when the last of them ends, which is when contacts stop to carry on.
const (
	Days        = 14
	Start int64 = 1_635_699_600
	End   int64 = Start + Days*day
)

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// City is the stays of a city, by person and then by entry.
type City struct {
	Size
	Stays []Stay
}

// Generate makes the city of a size, the same for the same seed.
func Generate(size Size, seed uint64) *City {
	threads := runtime.GOMAXPROCS(0)
	parts := make([][]Stay, threads)
	var wg sync.WaitGroup
	for t := range threads {
		wg.Go(func() {
			from, to := size.People*t/threads, size.People*(t+1)/threads
			part := make([]Stay, 0, (to-from)*40)
			for person := from; person < to; person++ {
				part = newCitizen(size, seed, person).live(part)
			}
			parts[t] = part
		})
	}
	wg.Wait()
	total := 0
	for _, part := range parts {
		total += len(part)
	}
	stays := make([]Stay, 0, total)
	for i, part := range parts {
		stays = append(stays, part...)
		parts[i] = nil
	}
	return &City{Size: size, Stays: stays}
}

// The habits, chosen so that cases lead to about as many F1 and F2 as those of a real city's wave.
const (
	workplaces  = 0.30 // of the places
	working     = 0.62 // of the people
	onNights    = 0.04 // of those who work
	absent      = 0.06 // of the days that one should work
	favourites  = 6
	habitual    = 0.75 // of the errands go to a favourite
	wardPeople  = 3_500
	workSkew    = 1.8 // 1: workplaces of equal size
	shopSkew    = 2.4 // 1: shops of a ward equally liked
	citySkew    = 2.3 // the same of the whole city
	workErrands = 1.45
	homeErrands = 2.97
)

// citizen is a person with their habits and their own random numbers.
type citizen struct {
	*rand.Rand
	size   Size
	person uint32
	work   int // the workplace, -1: none
	nights bool
	off    int // the first of two days off in a week
	liked  [favourites]uint32
	free   int64 // when the last stay so far ended
}

func newCitizen(size Size, seed uint64, person int) *citizen {
	c := &citizen{Rand: rand.New(rand.NewPCG(seed, uint64(person))), size: size, person: uint32(person), work: -1, off: 5}
	offices := int(workplaces * float64(size.Places))
	if c.Float64() < working {
		c.work = c.skewed(offices, workSkew)
		c.nights = c.Float64() < onNights
		if c.Float64() < 0.25 {
			c.off = c.IntN(6)
		}
	}
	wards := max(1, size.People/wardPeople)
	ward := person % wards
	shops := size.Places - offices
	near := (shops - ward + wards - 1) / wards
	for i := range c.liked {
		// Shops are numbered by how much the city likes them, and the wards take turns: each has some of every kind.
		c.liked[i] = uint32(offices + ward + c.skewed(near, shopSkew)*wards)
	}
	return c
}

// skewed draws one of n, the first ones more often the larger skew is.
func (c *citizen) skewed(n int, skew float64) int {
	return int(float64(n) * math.Pow(c.Float64(), skew))
}

// between draws from [from, to).
func (c *citizen) between(from, to int64) int64 { return from + c.Int64N(to-from) }

// live appends the stays of the person, in the order of their times.
func (c *citizen) live(stays []Stay) []Stay {
	for d := range int64(Days) {
		today := Start + d*day
		weekday := int(d % 7)
		atWork := c.work >= 0 && weekday != c.off && weekday != c.off+1 && c.Float64() >= absent
		switch {
		case atWork && c.nights:
			stays = c.errands(stays, workErrands, today+c.between(10*hour, 17*hour), hour)
			stays = c.stay(stays, uint32(c.work), today+c.between(21*hour, 23*hour), c.between(6*hour, 9*hour))
		case atWork:
			stays = c.stay(stays, uint32(c.work), today+c.between(6*hour+1800, 9*hour), c.between(6*hour, 10*hour))
			stays = c.errands(stays, workErrands, c.free, 40*minute)
		default:
			stays = c.errands(stays, homeErrands, today+c.between(6*hour, 10*hour), 2*hour)
		}
	}
	return stays
}

// errands appends on average so many, from an instant on, with pauses of up to pause between them.
func (c *citizen) errands(stays []Stay, average float64, from, pause int64) []Stay {
	many := int(average + c.Float64()*2 - 0.5)
	at := from
	for range many {
		at = max(at, c.free) + c.between(5*minute, pause)
		place := c.liked[c.IntN(favourites)]
		if c.Float64() >= habitual {
			offices := int(workplaces * float64(c.size.Places))
			place = uint32(offices + c.skewed(c.size.Places-offices, citySkew))
		}
		// Short ones are the most: the square of a number below one is small more often than not.
		luck := c.Float64()
		stays = c.stay(stays, place, at, 10*minute+int64(luck*luck*130*minute))
	}
	return stays
}

// stay appends a stay, unless the person is elsewhere or it would reach past the last day.
func (c *citizen) stay(stays []Stay, place uint32, enter, length int64) []Stay {
	leave := enter + length
	if enter <= c.free || leave > End {
		return stays
	}
	c.free = leave
	return append(stays, Stay{Person: c.person, Place: place, Enter: uint32(enter), Leave: uint32(leave)})
}
