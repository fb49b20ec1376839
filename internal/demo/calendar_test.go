package demo

import (
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestCalendar(t *testing.T) {
	for _, now := range []time.Time{
		time.Date(2026, 3, 1, 0, 0, 0, 0, saigon()), time.Date(2026, 3, 1, 23, 59, 59, 0, saigon()),
		time.Date(2026, 2, 28, 17, 0, 0, 0, time.UTC), // midnight in Vietnam
	} {
		c := newCalendar(now, saigon())
		if got := c.date[0].String(); got != "2026-01-31" {
			t.Errorf("%s: the first day is %s", now, got)
		}
		if got := c.date[scanDays-1].String(); got != "2026-03-01" || c.week[scanDays-1] != time.Sunday {
			t.Errorf("%s: today is %s", now, got)
		}
		if c.start[scanDays-1] > now.Unix() || c.start[scanDays] <= now.Unix() {
			t.Errorf("%s is not today", now)
		}
	}
}

func TestDaytime(t *testing.T) {
	c := newCalendar(someDay(), saigon())
	at := func(d, h, m int) int64 { return time.Date(2026, 6, d, h, m, 0, 0, saigon()).Unix() }
	for _, test := range []struct{ at, earliest, latest int64 }{
		{at(3, 7, 0), at(3, 7, 0), at(3, 7, 0)},
		{at(3, 20, 59), at(3, 20, 59), at(3, 20, 59)},
		{at(3, 21, 0), at(4, 7, 0), at(4, 8, 0)},
		{at(3, 6, 59), at(3, 7, 0), at(3, 8, 0)},
		{at(30, 23, 1), at(31, 7, 0), at(31, 8, 0)},
	} {
		if got := c.daytime(test.at); got < test.earliest || got >= test.latest+1 {
			t.Errorf("%d: fetched at %d, not in [%d, %d]", test.at, got, test.earliest, test.latest)
		}
	}
}

func TestDice(t *testing.T) {
	a, b := newDice(1, streamDay, 2, 3), looseDice()
	b.set(9, streamTown, 9, 9)
	b.draw.Uint64()
	b.set(1, streamDay, 2, 3)
	if x, y := a.uuid(), b.uuid(); x != y || x.Version() != 4 || x.Variant() != uuid.RFC4122 {
		t.Errorf("%s and %s from the same place in a sequence", x, y)
	}
	seen := make(map[uuid.UUID]bool)
	for seed := range uint64(3) {
		for stream := range uint64(3) {
			for x := range uint64(3) {
				for y := range uint64(3) {
					seen[newDice(seed, stream, x, y).uuid()] = true
				}
			}
		}
	}
	if len(seen) != 81 {
		t.Errorf("%d of 81 sequences begin differently", len(seen))
	}
	const milli = int64(1_640_995_200_123)
	if id := a.uuidAt(milli); id.Version() != 7 || id.String()[:13] != "017e12ef-9c7b" {
		t.Errorf("the id of millisecond %d is %s", milli, id)
	}
}
