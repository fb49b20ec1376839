package ingest_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// TestAGateNeedsNoCode: it takes people in while no code of its place is good, and with one where that says.
func TestAGateNeedsNoCode(t *testing.T) {
	b := newBench(t)
	place, room := uuid.New(), uuid.New()
	b.ends[issuedCode{place, 0}], b.ends[issuedCode{place, 1}], b.ends[issuedCode{room, 2}] = 1, 1, noon.Unix()
	atGate := func(token string) ingest.Submission {
		return ingest.Submission{ID: uuid.New(), Gate: place, Token: token, Kind: stay.In, How: scan.GateTyped, At: noon.Unix()}
	}
	inside, ended := b.code(t, qrgen.Token{Place: room, Serial: 1}), b.code(t, qrgen.Token{Place: room, Serial: 2})
	for _, c := range []struct {
		sub    ingest.Submission
		place  uuid.UUID
		serial uint32
	}{{atGate(""), place, 0}, {atGate(inside), room, 1}} {
		if r := b.one(t, c.sub); r.Status != ingest.Accepted || r.Token.Place != c.place {
			t.Errorf("%s at %s: %v", r.Status, r.Token.Place, r.Err)
		}
		if s := b.stored(t); s[len(s)-1].Place != c.place || s[len(s)-1].Serial != c.serial || s[len(s)-1].Flags != 0 {
			t.Errorf("stored as %+v", s[len(s)-1])
		}
	}
	if r := b.one(t, atGate(ended)); r.Err == nil || r.Err.Code != "code_revoked" {
		t.Errorf("with a code that has ended: %v", r.Err)
	}
}

// TestOneBatchOfManyPeople keeps scans whose they are, in their order, whatever stands beside them.
func TestOneBatchOfManyPeople(t *testing.T) {
	b := newBench(t)
	rapid.Check(t, func(r *rapid.T) {
		place, people := uuid.New(), []uuid.UUID{uuid.Nil, uuid.New(), uuid.New(), uuid.New()}
		type key struct{ alias, id uuid.UUID }
		taken, ids := make(map[key]bool), []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
		var subs []ingest.Submission
		var want []ingest.Status
		for range rapid.IntRange(1, 12).Draw(r, "n") {
			sub := ingest.Submission{
				ID: rapid.SampledFrom(ids).Draw(r, "id"), Alias: rapid.SampledFrom(people).Draw(r, "whose"),
				Gate: place, Kind: stay.In, How: scan.GateTyped, At: noon.Unix(),
			}
			whose := key{sub.Alias, sub.ID}
			if whose.alias == uuid.Nil {
				whose.alias = b.alias
			}
			status := ingest.Accepted
			if taken[whose] {
				status = ingest.Duplicate
			}
			if rapid.IntRange(0, 3).Draw(r, "late") == 0 {
				sub.At, status = noon.Add(time.Hour).Unix(), ingest.Refused
			} else {
				taken[whose] = true
			}
			subs, want = append(subs, sub), append(want, status)
		}
		results, err := b.Submit(t.Context(), b.alias, subs)
		if err != nil {
			r.Fatal(err)
		}
		for i := range results {
			if results[i].ID != subs[i].ID || results[i].Status != want[i] {
				r.Fatalf("scan %d of %s is %s, want %s", i, subs[i].Alias, results[i].Status, want[i])
			}
			if refusal := b.Timely(subs[i].At); (refusal != nil) != (want[i] == ingest.Refused) {
				r.Fatalf("scan %d is timely: %v", i, refusal)
			}
		}
		for _, s := range b.stored(t) {
			if s.Place == place {
				if !taken[key{s.Alias, s.ID}] {
					r.Fatalf("stored is %+v", s)
				}
				delete(taken, key{s.Alias, s.ID})
			}
		}
		if len(taken) != 0 {
			r.Fatalf("%d are not stored", len(taken))
		}
	})
}

// TestTheTripIsThatOfTheScansOwnTime: of whoever scans a vehicle's code, and of whom its gate scans; anywhere else there is none.
// What is sent again after the trip became known is the same scan.
func TestTheTripIsThatOfTheScansOwnTime(t *testing.T) {
	b := newBench(t)
	bus, trip := uuid.New(), uuid.New()
	b.now = noon.Add(time.Hour)
	code := b.code(t, qrgen.Token{Place: bus, Kind: qrgen.KindVehicle})
	unknown := in(code, noon.Add(time.Minute))
	want := map[uuid.UUID]uuid.UUID{unknown.ID: uuid.Nil}
	if r := b.one(t, unknown); r.Status != ingest.Accepted {
		t.Fatalf("%s: %v", r.Status, r.Err)
	}
	b.trips = map[uuid.UUID]begun{bus: {trip, noon.Unix()}}
	if r := b.one(t, unknown); r.Status != ingest.Duplicate {
		t.Errorf("sent again it is %s: %v", r.Status, r.Err)
	}
	void := in(code, noon)
	void.Kind, void.Voids = stay.Void, unknown.ID
	gate := ingest.Submission{ID: uuid.New(), Gate: bus, Kind: stay.In, How: scan.GateCard, At: noon.Unix()}
	elsewhere := gate
	elsewhere.ID, elsewhere.Gate = uuid.New(), uuid.New()
	for _, c := range []struct {
		sub  ingest.Submission
		trip uuid.UUID
	}{
		{in(code, noon.Add(-time.Second)), uuid.Nil},
		{in(code, noon), trip},
		{void, uuid.Nil},
		{gate, trip},
		{elsewhere, uuid.Nil},
		{in(b.code(t, qrgen.Token{Place: bus}), noon), uuid.Nil}, // which is not a vehicle's code
	} {
		if r := b.one(t, c.sub); r.Status != ingest.Accepted {
			t.Fatalf("%s: %v", r.Status, r.Err)
		}
		want[c.sub.ID] = c.trip
	}
	for _, s := range b.stored(t) {
		if s.Trip != want[s.ID] {
			t.Errorf("kind %d at %d is of trip %s, want %s", s.Kind, s.At, s.Trip, want[s.ID])
		}
	}
}
