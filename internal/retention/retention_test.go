package retention_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/retention"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanstore"
)

const day = 24 * 60 * 60

// house is everything that is kept, and notes in which order it goes.
type house struct {
	now     int64
	steps   []string
	failsAt string // a step that begins so

	days    map[scan.Day]int64
	runs    []registry.Run
	expired int64
	dated   []int64             // when each declaration was made
	trips   []int64             // when they began
	people  map[uuid.UUID]int64 // by person: when their details were written
	held    map[uuid.UUID]bool
	seen    map[uuid.UUID]bool // who has scans

	turn registry.Turn
	done int64
}

var errHouse = errors.New("the house is locked")

func (h *house) step(format string, args ...any) error {
	step := fmt.Sprintf(format, args...)
	h.steps = append(h.steps, step)
	if h.failsAt != "" && strings.HasPrefix(step, h.failsAt) {
		return errHouse
	}
	return nil
}

func (h *house) Append(_ context.Context, actor, action, subject, detail string) error {
	return h.step("enter %s %s %s: %s", actor, action, subject, detail)
}

func (h *house) Before(_ context.Context, first scan.Day) ([]scanstore.DayCount, error) {
	var all []scanstore.DayCount
	for of, n := range h.days {
		if of < first {
			all = append(all, scanstore.DayCount{Day: of, Scans: n})
		}
	}
	slices.SortFunc(all, func(a, b scanstore.DayCount) int { return int(a.Day - b.Day) })
	return all, nil
}

func (h *house) DropBefore(ctx context.Context, first scan.Day) ([]scan.Day, error) {
	due, _ := h.Before(ctx, first)
	var dropped []scan.Day
	for _, of := range due {
		if err := h.step("drop %s", of.Day); err != nil {
			return dropped, err
		}
		delete(h.days, of.Day)
		dropped = append(dropped, of.Day)
	}
	return dropped, nil
}

func (h *house) RunsBefore(_ context.Context, created int64, limit int) ([]registry.Run, error) {
	var due []registry.Run
	for _, r := range h.runs {
		if r.Created < created && len(due) < limit {
			due = append(due, r)
		}
	}
	return due, nil
}

func (h *house) DropRun(_ context.Context, id uuid.UUID) error {
	if err := h.step("drop run"); err != nil {
		return err
	}
	h.runs = slices.DeleteFunc(h.runs, func(r registry.Run) bool { return r.ID == id })
	return nil
}

func (h *house) CountExpired(context.Context, int64) (int64, error) { return h.expired, nil }

func (h *house) DropExpired(context.Context, int64) error {
	h.expired = 0
	return h.step("drop expired")
}

func (h *house) CountTripsBefore(_ context.Context, began int64) (n int64, _ error) {
	for _, at := range h.trips {
		if at < began {
			n++
		}
	}
	return n, nil
}

func (h *house) DropTripsBefore(_ context.Context, began int64) error {
	if err := h.step("drop trips"); err != nil {
		return err
	}
	h.trips = slices.DeleteFunc(h.trips, func(at int64) bool { return at < began })
	return nil
}

func (h *house) Unheld(_ context.Context, written, _ int64, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	var all []uuid.UUID
	for person, at := range h.people {
		if at < written && !h.held[person] && slices.Compare(person[:], after[:]) > 0 {
			all = append(all, person)
		}
	}
	slices.SortFunc(all, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return all[:min(len(all), limit)], nil
}

func (h *house) Forget(_ context.Context, people []uuid.UUID) error {
	for _, person := range people {
		delete(h.people, person)
	}
	return h.step("forget %d", len(people))
}

func (h *house) CountDatedBefore(_ context.Context, before int64) (n int64, err error) {
	for _, made := range h.dated {
		if made < before {
			n++
		}
	}
	return n, nil
}

func (h *house) DropDatedBefore(_ context.Context, before int64, limit int) (dropped int64, err error) {
	h.dated = slices.DeleteFunc(h.dated, func(made int64) bool {
		due := made < before && dropped < int64(limit)
		if due {
			dropped++
		}
		return due
	})
	return dropped, h.step("drop %d declarations", dropped)
}

func (h *house) Present(_ context.Context, people []uuid.UUID) (map[uuid.UUID]bool, error) {
	return h.seen, h.step("look for %d", len(people))
}

func (h *house) TakeTurn(_ context.Context, t registry.Turn, now, doneBefore int64) (bool, error) {
	if h.turn.Until > now || h.done >= doneBefore {
		return false, nil
	}
	h.turn = t
	return true, nil
}

func (h *house) EndTurn(_ context.Context, t registry.Turn, done int64) error {
	if h.turn.Holder != t.Holder {
		return errors.New("it is not theirs")
	}
	h.turn.Until = 0
	h.done = max(h.done, done)
	return nil
}

func (h *house) service() *retention.Service {
	return retention.New(retention.Deps{
		Scans: h, Lists: h, Expiring: h, Trips: h, Vault: h, Presence: h, Turns: h, Ledger: h,
		Clock: func() time.Time { return time.Unix(h.now, 0).UTC() }, ScanAge: 21 * day * time.Second, ListAge: 90 * day * time.Second,
	})
}

func id(n byte) uuid.UUID { return uuid.UUID{0: n} }

// full is a house in which something of everything is due, on day 100.
func full() *house {
	return &house{
		now:  100*day + 3600,
		days: map[scan.Day]int64{78: 7, 77: 5, 79: 9, 100: 1},
		runs: []registry.Run{
			{ID: id(1), Created: 10*day + 3599, F1: 2, F2: 3}, {ID: id(2), Created: 10*day + 3600}, {ID: id(3), Created: 99 * day},
		},
		expired: 4,
		dated:   append(slices.Repeat([]int64{79*day - 1}, 5001), 79*day, 100*day),
		trips:   []int64{-12*day + 3599, -12*day + 3600, 99 * day},
		people:  map[uuid.UUID]int64{id(1): 0, id(2): 0, id(3): 0, id(4): 79 * day, id(5): 1},
		held:    map[uuid.UUID]bool{id(2): true},
		seen:    map[uuid.UUID]bool{id(3): true},
	}
}

func TestRun(t *testing.T) {
	h := full()
	due, err := h.service().Plan(t.Context())
	if err != nil || len(h.steps) > 0 {
		t.Fatalf("planning does %q, %v", h.steps, err)
	}
	gone, err := h.service().Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"enter system purge scans/1970-03-19: 5 scans", "enter system purge scans/1970-03-20: 7 scans", "drop 1970-03-19", "drop 1970-03-20",
		"enter system purge " + id(1).String() + ": list of 1970-01-11: F1 2, F2 3", "drop run",
		"enter system purge expired: 4 sessions, one-time codes and invitations", "drop expired",
		"enter system purge declarations: 5001 of before 1970-03-21", "drop 5000 declarations", "drop 1 declarations",
		"enter system purge trips: 1 trips of vehicles", "drop trips",
		"look for 3", "enter system purge details: of 2 people", "forget 2",
	}
	if !slices.Equal(h.steps, want) {
		t.Errorf("it did\n%s\nwant\n%s", strings.Join(h.steps, "\n"), strings.Join(want, "\n"))
	}
	if len(h.days) != 2 || len(h.runs) != 2 || len(h.people) != 3 {
		t.Errorf("left are %v, %v, %v", h.days, h.runs, h.people)
	}
	if !slices.Equal(due.Days, gone.Days) || len(due.Runs) != 1 || len(gone.Runs) != 1 || due.Expired != gone.Expired || due.Dated != 5001 || gone.Dated != 5001 ||
		due.Trips != 1 || gone.Trips != 1 || due.People != 3 || gone.People != 2 {
		t.Errorf("planned was %+v, gone is %+v", due, gone)
	}
	h.steps = nil
	if gone, err := h.service().Run(t.Context()); err != nil || len(gone.Days)+len(gone.Runs) > 0 || gone.Expired+gone.Dated+gone.Trips+gone.People > 0 {
		t.Errorf("again: %+v, %v", gone, err)
	}
	if !slices.Equal(h.steps, []string{"look for 1"}) {
		t.Errorf("again it did %q", h.steps)
	}
}

// TestOnceADay lets several processes try at every hour of three days.
func TestOnceADay(t *testing.T) {
	h := full()
	h.people = nil
	for h.now = 100*day + 10; h.now < 103*day; h.now += 3600 {
		for range 2 {
			h.expired++
			if _, err := h.service().RunDaily(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	n := 0
	for _, step := range h.steps {
		if step == "drop expired" {
			n++
		}
	}
	if n != 3 {
		t.Errorf("it was done %d times", n)
	}
	h.turn.Until = h.now + 60 // another process is at it
	if _, err := h.service().RunDaily(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := h.service().Run(t.Context()); !errors.Is(err, retention.ErrRunning) {
		t.Errorf("beside another process: %v", err)
	}
}

// TestWhatFails: one kind keeps no other, nothing goes without its entry, and it is tried again.
func TestWhatFails(t *testing.T) {
	for _, test := range []struct{ failsAt, without string }{
		{"enter system purge scans", "drop 1970"},
		{"drop 1970-03-20", ""},
		{"enter system purge 01", "drop run"},
		{"enter system purge expired", "drop expired"},
		{"enter system purge declarations", "drop 5000"},
		{"enter system purge details", "forget"},
		{"look for", "forget"},
	} {
		h := full()
		h.failsAt = test.failsAt
		if _, err := h.service().RunDaily(t.Context()); !errors.Is(err, errHouse) {
			t.Errorf("failing at %q: %v", test.failsAt, err)
		}
		for _, step := range h.steps {
			if test.without != "" && strings.HasPrefix(step, test.without) {
				t.Errorf("failing at %q it did %q", test.failsAt, step)
			}
		}
		h.failsAt = ""
		if _, err := h.service().RunDaily(t.Context()); err != nil {
			t.Errorf("after failing at %q: %v", test.failsAt, err)
		}
		if len(h.days) != 2 || len(h.runs) != 2 || h.expired != 0 || len(h.dated) != 2 || len(h.trips) != 2 || len(h.people) != 3 {
			t.Errorf("after failing at %q left are %v, %v, %d, %v", test.failsAt, h.days, h.runs, h.expired, h.people)
		}
	}
}
