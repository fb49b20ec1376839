package demo

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/memindex"
	"github.com/truyvet/truyvet/tracing/stay"
)

// saigon is the zone of the demo, without needing the machine's zone files.
func saigon() *time.Location { return time.FixedZone("+07", 7*hour) }

// derived returns the places and every stay that follows from the district's scans.
func derived(t *testing.T, d *District) (*tracing.Places, []tracing.Stay) {
	t.Helper()
	infos := make([]tracing.PlaceInfo, len(d.Places))
	for i := range d.Places {
		p := &d.Places[i]
		infos[i] = tracing.PlaceInfo{ID: p.ID, Parent: p.Parent, Dwell: p.DwellSeconds()}
	}
	places, err := tracing.NewPlaces(infos)
	if err != nil {
		t.Fatal(err)
	}
	scans := make([]stay.Scan, len(d.Scans))
	for i := range d.Scans {
		s := &d.Scans[i]
		scans[i] = stay.Scan{
			ID: s.ID, Alias: d.People[s.Person].ID, Place: tracing.Place{ID: d.Places[s.Place].ID, Trip: s.Trip}, At: s.At, Kind: s.Kind,
		}
	}
	return places, stay.All(scans, stay.NewLinks(nil), places, d.Now)
}

// traced traces all cases of the district together, as the records stand.
func traced(t *testing.T, d *District, loc *time.Location) *tracing.Report {
	t.Helper()
	profile, err := tracing.ProfileNamed(tracing.DefaultProfile)
	if err != nil {
		t.Fatal(err)
	}
	request := tracing.Request{Numbers: profile.Numbers, End: d.Now, Isolated: make(map[uuid.UUID]int64)}
	for _, c := range d.Cases {
		window, err := profile.InfectiousWindow(illnessOf(t, c.Onset, c.Sample, c.Isolated), d.Now, loc)
		if err != nil {
			t.Fatal(err)
		}
		request.Cases = append(request.Cases, tracing.Case{Person: c.Person, Window: window})
	}
	for _, i := range d.Isolations {
		request.Isolated[i.Person] = i.At
	}
	places, stays := derived(t, d)
	report, err := tracing.Trace(t.Context(), memindex.Build(places, stays).AsOf(d.Now), request)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func illnessOf(t *testing.T, onset, sample string, isolated int64) tracing.Illness {
	t.Helper()
	ill := tracing.Illness{IsolatedAt: isolated}
	for text, date := range map[string]*tracing.Date{onset: &ill.Onset, sample: &ill.Sample} {
		if text == "" {
			continue
		}
		parsed, err := tracing.ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		*date = parsed
	}
	return ill
}

// generations returns how many people are in each.
func generations(r *tracing.Report) (f1, f2 int) {
	for _, c := range r.Contacts {
		switch c.Generation {
		case 1:
			f1++
		case 2:
			f2++
		}
	}
	return f1, f2
}

// TestTheListsAreOfTheOrderReported is the calibration: 26 F0, about 840 F1 and 4,500 F2, each within a third.
func TestTheListsAreOfTheOrderReported(t *testing.T) {
	t.Parallel()
	d := mustMake(t, DefaultSeed, someDay(), Full())
	if d.Inhabitants < 60_000 || d.Inhabitants > 110_000 {
		t.Errorf("%d inhabitants are no urban district", d.Inhabitants)
	}
	if n := len(d.Scans); n < 1_000_000 || n > 2_000_000 {
		t.Errorf("%d scans", n)
	}
	if len(d.Cases) != 26 || d.Cases[0].Sample != "2026-05-15" || d.Cases[25].Sample != "2026-06-10" {
		t.Errorf("%d cases from %s to %s", len(d.Cases), d.Cases[0].Sample, d.Cases[len(d.Cases)-1].Sample)
	}
	f1, f2 := generations(traced(t, d, saigon()))
	t.Logf("%d people who scan, %d scans, %d F1, %d F2", len(d.People), len(d.Scans), f1, f2)
	if f1 < 560 || f1 > 1_120 {
		t.Errorf("%d F1, which is not 840 give or take a third", f1)
	}
	if f2 < 3_000 || f2 > 6_000 {
		t.Errorf("%d F2, which is not 4,500 give or take a third", f2)
	}
}

// TestContactsOfCasesAreIsolatedInTime: each F1 is isolated within two days after the isolation of a case that they met (or
// its sample, if that came later), or that time is not over yet.
func TestContactsOfCasesAreIsolatedInTime(t *testing.T) {
	t.Parallel()
	for days := range 7 {
		d := mustMake(t, uint64(days), someDay().AddDate(0, 0, days), Size{Inhabitants: 2_500, Wards: 1, Cases: 6})
		deadline := make(map[uuid.UUID]int64)
		for _, c := range d.Cases {
			sample := illnessOf(t, c.Onset, c.Sample, c.Isolated).Sample.Start(saigon())
			deadline[c.Person] = sample + 4*day // a case not isolated yet will be on the day after the sample
			if c.Isolated != 0 {
				deadline[c.Person] = max(c.Isolated, sample+day) + 2*day
			}
		}
		isolated := make(map[uuid.UUID]int64)
		for _, i := range d.Isolations {
			isolated[i.Person] = i.At
		}
		contacts, overdue := 0, 0
		for _, contact := range traced(t, d, saigon()).Contacts {
			if contact.Generation != 1 {
				continue
			}
			contacts++
			first := int64(1 << 62)
			for _, e := range contact.Evidence {
				first = min(first, deadline[e.Source])
			}
			if at, known := isolated[contact.Person]; known && at > first || !known && first <= d.Now {
				overdue++
			}
		}
		if contacts == 0 || overdue > 0 {
			t.Errorf("day %d: %d of %d F1 were not isolated in time", days, overdue, contacts)
		}
	}
}

// TestTheTourFindsPeople: the person whom the tour enters as a new case is no case, and has met people.
func TestTheTourFindsPeople(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		d := mustMake(t, seed, someDay(), Small())
		var suspect uuid.UUID
		for _, p := range d.People {
			if p.Phone == d.Tour.Phone {
				suspect = p.ID
			}
		}
		for _, c := range d.Cases {
			if c.Person == suspect {
				t.Errorf("seed %d: the tour's new case is one already", seed)
			}
		}
		profile, err := tracing.ProfileNamed(tracing.DefaultProfile)
		if err != nil {
			t.Fatal(err)
		}
		window, err := profile.InfectiousWindow(illnessOf(t, d.Tour.Onset, d.Tour.Sample, 0), d.Now, saigon())
		if err != nil {
			t.Fatal(err)
		}
		places, stays := derived(t, d)
		report, err := tracing.Trace(t.Context(), memindex.Build(places, stays).AsOf(d.Now), tracing.Request{
			Cases: []tracing.Case{{Person: suspect, Window: window}}, Numbers: profile.Numbers, End: d.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		if f1, _ := generations(report); f1 == 0 {
			t.Errorf("seed %d: the tour's new case has met nobody", seed)
		}
	}
}
