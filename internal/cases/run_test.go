package cases_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/tracing"
)

func TestRunKeepsWhatItWasMadeFrom(t *testing.T) {
	to := newTown(t)
	c := to.record(t, to.ward1, mai)
	run := to.run(t, to.district, c.ID)
	revision, err := to.store.Revision(t.Context())
	must(t, err)
	tail, err := to.scans.Tail(t.Context())
	must(t, err)
	if run.F1 != 4 || run.F2 != 1 || run.Area != "d1" || run.Author != to.district.ID || run.Revision != revision ||
		run.AsOf != to.now.Unix() || run.Created != to.now.Unix() || run.Profile != "vn-2021-12" || !tail.Covers(run.Watermark) || !run.Watermark.Covers(tail) {
		t.Errorf("%+v", run)
	}
	var rules tracing.Profile
	must(t, json.Unmarshal(run.Rules, &rules))
	if profile, err := tracing.ProfileNamed("vn-2021-12"); err != nil || rules.Numbers != profile.Numbers || rules.BeforeOnset != 2 {
		t.Errorf("the rules are %s", run.Rules)
	}
	var report tracing.Report
	must(t, json.Unmarshal(run.Report, &report))
	if hash, err := report.Hash(); err != nil || hash != run.Hash {
		t.Errorf("the hash %s is not that of the report, %s", run.Hash, hash)
	}
	kept, err := to.store.Run(t.Context(), run.ID)
	if err != nil || kept.Hash != run.Hash || !slices.Equal(kept.Report, run.Report) || !slices.Equal(kept.Inputs, run.Inputs) || !slices.Equal(kept.Cases, []uuid.UUID{c.ID}) {
		t.Errorf("kept as %+v, %v", kept, err)
	}
}

func TestRunIsReproducible(t *testing.T) {
	to := newTown(t)
	first, second := to.record(t, to.ward1, mai), to.record(t, to.ward1, em)
	run := to.run(t, to.city, first.ID, second.ID)
	again := to.run(t, to.city, first.ID, second.ID)
	if again.Hash != run.Hash || again.ID == run.ID {
		t.Error("the same run has another hash, or the same id")
	}
	to.deps.Snapshots = snapshot.NewMemory(to.store, to.scans, snapshot.Options{})
	to.Service = cases.New(to.deps)
	shuffled := to.run(t, to.city, second.ID, first.ID, second.ID)
	if shuffled.Hash != run.Hash {
		t.Error("after a restart, with the cases in another order, the hash is another")
	}
	if want := []uuid.UUID{second.ID, first.ID}; !slices.Equal(shuffled.Cases, want) {
		t.Errorf("cases %v", shuffled.Cases)
	}
	if other := to.run(t, to.city, first.ID); other.Hash == run.Hash {
		t.Error("another run has the same hash")
	}
}

// TestRunCanBeWalkedAgain takes a run's inputs as they are written down, after other isolations and cases were recorded, some
// of them backdated, and walks with them.
func TestRunCanBeWalkedAgain(t *testing.T) {
	to := newTown(t)
	isolate := func(phone string, at, recorded time.Time) {
		record := registry.Isolation{Person: to.person(t, phone), At: at.Unix(), Recorded: recorded.Unix()}
		must(t, to.store.PutIsolations(t.Context(), []registry.Isolation{record}))
	}
	c := to.record(t, to.ward1, mai)
	isolate(an, local(6, 15, 30), to.now) // half an hour with Em is left
	run := to.run(t, to.city, c.ID)
	if run.F1 != 4 || run.F2 != 1 {
		t.Fatalf("%d F1 and %d F2", run.F1, run.F2)
	}
	isolate(an, local(6, 13, 0), to.now)
	if now := to.run(t, to.city, c.ID); now.F2 != 0 || now.Hash == run.Hash {
		t.Fatalf("the later record changes nothing: %d F2", now.F2)
	}

	kept, err := to.store.Run(t.Context(), run.ID)
	must(t, err)
	var inputs struct {
		Cases []struct {
			Person   uuid.UUID
			From, To int64
		}
		Isolated map[uuid.UUID]int64
	}
	must(t, json.Unmarshal(kept.Inputs, &inputs))
	if want := map[uuid.UUID]int64{to.person(t, an): local(6, 15, 30).Unix()}; !maps.Equal(inputs.Isolated, want) {
		t.Errorf("isolated are %v, want %v", inputs.Isolated, want)
	}
	var rules tracing.Profile
	must(t, json.Unmarshal(kept.Rules, &rules))
	req := tracing.Request{Numbers: rules.Numbers, End: kept.AsOf, Isolated: inputs.Isolated}
	for _, one := range inputs.Cases {
		req.Cases = append(req.Cases, tracing.Case{Person: one.Person, Window: tracing.Window{From: one.From, To: one.To}})
	}
	sight, err := to.deps.Snapshots.Snapshot(t.Context(), kept.AsOf)
	must(t, err)
	report, err := tracing.Trace(t.Context(), sight.Source, req)
	must(t, err)
	if hash, err := report.Hash(); err != nil || hash != run.Hash {
		t.Errorf("walked again the hash is %s, %v; it was %s", hash, err, run.Hash)
	}
}

// TestRunKnowsNothingOfTheFuture has isolations recorded by a clock that is ahead.
func TestRunKnowsNothingOfTheFuture(t *testing.T) {
	to := newTown(t)
	c := to.record(t, to.ward1, mai)
	before := to.run(t, to.city, c.ID)
	asCase := cases.Intake{Phone: an, Onset: "2021-12-06", Isolated: "2021-12-06 13:00", LabRef: "XN-2"}
	to.now = to.now.Add(time.Minute)
	_, err := to.Record(t.Context(), to.ward3, asCase)
	must(t, err)
	early := registry.Isolation{Person: to.person(t, an), At: local(6, 13, 0).Unix(), Recorded: to.now.Unix()}
	must(t, to.store.PutIsolations(t.Context(), []registry.Isolation{early}))
	to.now = to.now.Add(-time.Minute)
	if run := to.run(t, to.city, c.ID); run.Hash != before.Hash || run.F2 != 1 {
		t.Errorf("%d F2 with what is recorded in a minute", run.F2)
	}
	to.now = to.now.Add(time.Minute)
	if run := to.run(t, to.city, c.ID); run.F2 != 0 {
		t.Errorf("%d F2 a minute later", run.F2)
	}
}

func TestRunRefuses(t *testing.T) {
	to := newTown(t)
	own, foreign := to.record(t, to.ward1, mai), to.record(t, to.ward3, em)
	for name, c := range map[string]struct {
		actor   registry.Account
		ids     []uuid.UUID
		profile string
		want    error
	}{
		"no case":                       {to.ward1, nil, "vn-2021-12", cases.ErrNoCases},
		"too many":                      {to.ward1, many(5001), "vn-2021-12", cases.ErrNoCases},
		"unknown profile":               {to.ward1, []uuid.UUID{own.ID}, "vn-1999", cases.ErrProfile},
		"no profile":                    {to.ward1, []uuid.UUID{own.ID}, "", cases.ErrProfile},
		"unknown case":                  {to.ward1, []uuid.UUID{uuid.New()}, "vn-2021-12", registry.ErrNotFound},
		"another ward's case":           {to.ward1, []uuid.UUID{own.ID, foreign.ID}, "vn-2021-12", registry.ErrNotFound},
		"a role that traces nobody":     {registry.Account{Role: registry.RoleAdmin, Area: "c"}, []uuid.UUID{own.ID}, "vn-2021-12", cases.ErrRole},
		"an owner with the right words": {registry.Account{Role: registry.RoleOwner}, []uuid.UUID{own.ID}, "vn-2021-12", cases.ErrRole},
	} {
		if run, err := to.Run(t.Context(), c.actor, cases.Order{Choice: cases.Choice{IDs: c.ids}, Profile: c.profile}); !errors.Is(err, c.want) || run.ID != uuid.Nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if runs, err := to.store.Runs(t.Context()); err != nil || len(runs) != 0 {
		t.Errorf("%d runs are kept, %v", len(runs), err)
	}
}

func many(n int) []uuid.UUID {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = uuid.New()
	}
	return ids
}

// held is where snapshots come from that wait to be let go.
type held struct {
	cases.Snapshots
	entered, release chan struct{}
}

func (h held) Snapshot(ctx context.Context, asOf int64) (snapshot.Snapshot, error) {
	h.entered <- struct{}{}
	<-h.release
	return h.Snapshots.Snapshot(ctx, asOf)
}

func TestOneRunAtATime(t *testing.T) {
	to := newTown(t)
	c := to.record(t, to.ward1, mai)
	h := held{to.deps.Snapshots, make(chan struct{}), make(chan struct{})}
	to.deps.Snapshots = h
	to.Service = cases.New(to.deps)
	done := make(chan error)
	go func() {
		_, err := to.Run(t.Context(), to.ward1, ordered(c.ID))
		done <- err
	}()
	<-h.entered
	if _, err := to.Run(t.Context(), to.ward1, ordered(c.ID)); !errors.Is(err, cases.ErrBusy) {
		t.Errorf("beside another: %v", err)
	}
	if _, err := to.Run(t.Context(), to.ward1, ordered()); !errors.Is(err, cases.ErrNoCases) {
		t.Errorf("what can be refused is not busy: %v", err)
	}
	close(h.release)
	must(t, <-done)
	go func() { <-h.entered }()
	to.run(t, to.ward1, c.ID)
}

// TestChainsEndAtIsolation has An isolated before meeting Em, in the ways in which that may be known.
func TestChainsEndAtIsolation(t *testing.T) {
	isolated, later := local(6, 13, 0).Unix(), local(6, 15, 30).Unix()
	intake := cases.Intake{Phone: an, Onset: "2021-12-06", LabRef: "XN-2"}
	asCase := func(at string) func(*testing.T, *town) {
		return func(t *testing.T, to *town) {
			in := intake
			in.Isolated = at
			to.now = to.now.Add(time.Minute)
			_, err := to.Record(t.Context(), to.ward3, in)
			must(t, err)
		}
	}
	asContact := func(at int64) func(*testing.T, *town) {
		return func(t *testing.T, to *town) {
			must(t, to.store.PutIsolations(t.Context(), []registry.Isolation{{Person: to.person(t, an), At: at, Recorded: at}}))
		}
	}
	for name, c := range map[string]struct {
		known []func(*testing.T, *town)
		f2    int
	}{
		"not known":                       {nil, 1},
		"isolated as a contact":           {[]func(*testing.T, *town){asContact(isolated)}, 0},
		"isolated as another team's case": {[]func(*testing.T, *town){asCase("2021-12-06 13:00")}, 0},
		"a case that is not isolated":     {[]func(*testing.T, *town){asCase("")}, 1},
		"the newest record of the case":   {[]func(*testing.T, *town){asCase("2021-12-06 13:00"), asCase("")}, 1},
		"the later of both":               {[]func(*testing.T, *town){asContact(isolated), asCase("2021-12-06 15:30")}, 1},
		"the later of both, turned":       {[]func(*testing.T, *town){asContact(later), asCase("2021-12-06 13:00")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			to := newTown(t)
			mai := to.record(t, to.ward1, mai)
			for _, know := range c.known {
				know(t, to)
			}
			if run := to.run(t, to.ward1, mai.ID); run.F1 != 4 || run.F2 != c.f2 {
				t.Errorf("%d F1 and %d F2", run.F1, run.F2)
			}
		})
	}
}

func TestRunsOfAnArea(t *testing.T) {
	to := newTown(t)
	c := to.record(t, to.ward1, mai)
	byWard := to.run(t, to.ward1, c.ID)
	to.now = to.now.Add(time.Minute)
	byDistrict := to.run(t, to.district, c.ID)
	to.now = to.now.Add(time.Minute)
	byCity := to.run(t, to.city, c.ID)
	for name, a := range map[string]struct {
		actor registry.Account
		want  []uuid.UUID
	}{
		"its ward":         {to.ward1, []uuid.UUID{byCity.ID, byDistrict.ID, byWard.ID}},
		"a sister ward":    {to.ward2, []uuid.UUID{byCity.ID, byDistrict.ID}},
		"a ward elsewhere": {to.ward3, []uuid.UUID{byCity.ID}},
		"district":         {to.district, []uuid.UUID{byCity.ID, byDistrict.ID, byWard.ID}},
		"another district": {to.district2, []uuid.UUID{byCity.ID}},
		"city":             {to.city, []uuid.UUID{byCity.ID, byDistrict.ID, byWard.ID}},
		"admin":            {registry.Account{Role: registry.RoleAdmin}, nil},
	} {
		runs, err := to.Runs(t.Context(), a.actor, uuid.Nil, registry.Cursor{Limit: 9})
		must(t, err)
		var got []uuid.UUID
		for _, run := range runs.Records {
			got = append(got, run.ID)
			if run.Report != nil {
				t.Errorf("%s: a run comes with its report", name)
			}
		}
		if !slices.Equal(got, a.want) {
			t.Errorf("%s: %v, want %v", name, got, a.want)
		}
		for _, run := range []registry.Run{byWard, byDistrict, byCity} {
			_, err := to.List(t.Context(), a.actor, run.ID)
			if wanted := slices.Contains(a.want, run.ID); (err == nil) != wanted || !wanted && !errors.Is(err, registry.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestWhatIsAudited(t *testing.T) {
	to := newTown(t)
	c := to.record(t, to.ward1, mai)
	run := to.run(t, to.district, c.ID)
	_, err := to.List(t.Context(), to.ward1, run.ID)
	must(t, err)
	must(t, to.WriteCSV(t.Context(), to.ward2, run.ID, uuid.Nil, discard{}))
	if _, err := to.List(t.Context(), to.ward3, run.ID); !errors.Is(err, registry.ErrNotFound) {
		t.Error(err)
	}
	want := []string{
		fmt.Sprintf("ward1 case_recorded %s ", c.ID),
		fmt.Sprintf("district run %s cases 1, profile vn-2021-12, depth 2, hash %s", run.ID, run.Hash),
		fmt.Sprintf("ward1 list_read %s ", run.ID),
		fmt.Sprintf("ward2 export %s csv, 2 people", run.ID),
	}
	if got := to.audited(t); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if n, err := to.log.Verify(t.Context()); err != nil || n != 4 {
		t.Errorf("%d entries verify, %v", n, err)
	}
}

// discard is a writer of nothing.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// refusing is a writer that nothing may be written to.
type refusing struct{ t *testing.T }

func (r refusing) Write(p []byte) (int, error) {
	r.t.Errorf("%d bytes were written", len(p))
	return len(p), nil
}

// deaf is an audit log that cannot be written.
type deaf struct{ cases.Audit }

func (deaf) Append(context.Context, string, string, string, string) error { return registry.ErrBusy }

func TestNothingIsShownThatCannotBeAudited(t *testing.T) {
	to := newTown(t)
	c := to.record(t, to.ward1, mai)
	run := to.run(t, to.ward1, c.ID)
	to.deps.Audit = deaf{}
	to.Service = cases.New(to.deps)
	if _, err := to.Record(t.Context(), to.ward1, cases.Intake{Phone: an, Onset: "2021-12-05", LabRef: "1"}); !errors.Is(err, registry.ErrBusy) {
		t.Errorf("record: %v", err)
	}
	if shown, err := to.Run(t.Context(), to.ward1, ordered(c.ID)); !errors.Is(err, registry.ErrBusy) || shown.ID != uuid.Nil {
		t.Errorf("run: %v", err)
	}
	if list, err := to.List(t.Context(), to.ward1, run.ID); !errors.Is(err, registry.ErrBusy) || list != nil {
		t.Errorf("list: %v", err)
	}
	if err := to.WriteCSV(t.Context(), to.ward1, run.ID, uuid.Nil, refusing{t}); !errors.Is(err, registry.ErrBusy) {
		t.Errorf("export: %v", err)
	}
}
