package ingest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// noon is when the tests begin.
var noon = time.Date(2021, 12, 1, 12, 0, 0, 0, time.UTC)

const retention = 21 * 24 * time.Hour

// bench is an Ingest over a real log, with a clock and ends of codes that tests turn.
type bench struct {
	*ingest.Ingest
	store  *sqlite.Store
	keys   *qrgen.KeySet
	now    time.Time
	ends   map[issuedCode]int64
	closed map[uuid.UUID]int64 // until when places are closed
	trips  map[uuid.UUID]begun // the last of each vehicle
	alias  uuid.UUID
}

// issuedCode is a serial of a place's code.
type issuedCode struct {
	place  uuid.UUID
	serial uint32
}

// begun is a trip and when it began.
type begun struct {
	trip uuid.UUID
	at   int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bench{store: store, keys: qrgen.NewKeySet(), now: noon, ends: make(map[issuedCode]int64), alias: uuid.New()}
	if _, err := b.keys.Create(noon); err != nil {
		t.Fatal(err)
	}
	b.Ingest = ingest.New(ingest.Config{
		Keys: b.keys, Log: store, Retention: retention, Clock: func() time.Time { return b.now },
		Ends:   func(place uuid.UUID, serial uint32) int64 { return b.ends[issuedCode{place, serial}] },
		Closed: func(place uuid.UUID, at int64) bool { return at < b.closed[place] },
		Trips: func(vehicle uuid.UUID, at int64) uuid.UUID {
			if last := b.trips[vehicle]; at >= last.at {
				return last.trip
			}
			return uuid.Nil
		},
	})
	return b
}

// code signs a token; what it does not say is filled in.
func (b *bench) code(t *testing.T, token qrgen.Token) string {
	t.Helper()
	if token.Kind == 0 {
		token.Kind = qrgen.KindShop
	}
	if token.Place == uuid.Nil {
		token.Place = uuid.New()
	}
	if token.IssuedAt.IsZero() {
		token.IssuedAt = noon.Add(-365 * 24 * time.Hour)
	}
	if token.Serial == 0 {
		token.Serial = 1
	}
	text, err := b.keys.Sign(token)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// in is a check-in with a new id.
func in(code string, at time.Time) ingest.Submission {
	return ingest.Submission{ID: uuid.New(), Token: code, Kind: stay.In, How: scan.Phone, At: at.Unix()}
}

// one submits a single scan.
func (b *bench) one(t *testing.T, sub ingest.Submission) ingest.Result {
	t.Helper()
	results, err := b.Submit(t.Context(), b.alias, []ingest.Submission{sub})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 1 || results[0].ID != sub.ID {
		t.Fatalf("the answer to one submission is %+v", results)
	}
	if r := results[0]; (r.Status == ingest.Refused) != (r.Err != nil) {
		t.Fatalf("status %s with error %v", r.Status, r.Err)
	}
	return results[0]
}

// stored reads everything that was logged.
func (b *bench) stored(t *testing.T) []scan.Scan {
	t.Helper()
	tail, err := b.store.Tail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []scan.Scan
	err = b.store.Read(t.Context(), nil, tail, func(block []scan.Scan) error {
		all = append(all, block...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAcceptedScanIsStoredAsJudged(t *testing.T) {
	b := newBench(t)
	b.now = noon.Add(700 * time.Millisecond)
	place, trip := uuid.New(), uuid.New()
	b.trips = map[uuid.UUID]begun{place: {trip, 0}}
	code := b.code(t, qrgen.Token{Kind: qrgen.KindVehicle, Place: place, Serial: 3})
	sub := in(code, noon.Add(-time.Minute))
	sub.Device, sub.How = 42, scan.PhoneOffline
	r := b.one(t, sub)
	if r.Status != ingest.Accepted || r.At != sub.At || r.Token.Place != place || r.Token.Serial != 3 {
		t.Errorf("result %+v", r)
	}
	all := b.stored(t)
	if len(all) != 1 {
		t.Fatalf("%d scans are stored", len(all))
	}
	got := all[0]
	got.Shard, got.Seq = 0, 0
	want := scan.Scan{
		ID: sub.ID, Alias: b.alias, Place: place, Trip: trip, At: sub.At, ReceivedAt: noon.Unix(), Kind: stay.In,
		How: scan.PhoneOffline, Serial: 3, Device: 42,
	}
	if got != want {
		t.Errorf("stored %+v\n  want %+v", got, want)
	}
}

func TestRefusals(t *testing.T) {
	b := newBench(t)
	revokedPlace := uuid.New()
	b.ends[issuedCode{revokedPlace, 2}] = noon.Unix()
	compromised := b.code(t, qrgen.Token{})
	if _, err := b.keys.Create(noon); err != nil {
		t.Fatal(err)
	}
	if err := b.keys.Compromise(1); err != nil {
		t.Fatal(err)
	}
	shop := b.code(t, qrgen.Token{})
	foreign := qrgen.NewKeySet()
	for range 9 {
		if _, err := foreign.Create(noon); err != nil {
			t.Fatal(err)
		}
	}
	unknownKey, err := foreign.Sign(qrgen.Token{Kind: qrgen.KindShop, Place: uuid.New(), IssuedAt: noon, Serial: 1})
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*ingest.Submission)) ingest.Submission {
		sub := in(shop, noon)
		change(&sub)
		return sub
	}
	token := func(text string) ingest.Submission { return in(text, noon) }
	id := uuid.New()
	for name, c := range map[string]struct {
		sub  ingest.Submission
		code string
	}{
		"future":          {in(shop, noon.Add(ingest.FutureTolerance+time.Second)), "scan_time_future"},
		"far future":      {with(func(s *ingest.Submission) { s.At = 1 << 62 }), "scan_time_future"},
		"too old":         {in(shop, noon.Add(-retention-time.Second)), "scan_time_too_old"},
		"before 1970":     {with(func(s *ingest.Submission) { s.At = -1 << 62 }), "scan_time_too_old"},
		"empty code":      {token(""), "code_malformed"},
		"short code":      {token(shop[:100]), "code_malformed"},
		"other version":   {token("AI" + shop[2:]), "code_unknown_version"},
		"unknown key":     {token(unknownKey), "code_unknown_key"},
		"compromised key": {token(compromised), "code_compromised_key"},
		"flipped bit":     {token(flip(shop)), "code_bad_signature"},
		"issued later":    {token(b.code(t, qrgen.Token{IssuedAt: noon.Add(qrgen.ClockTolerance + time.Second)})), "code_issued_in_future"},
		"expired":         {token(b.code(t, qrgen.Token{ExpiresAt: noon})), "code_expired"},
		"revoked":         {token(b.code(t, qrgen.Token{Place: revokedPlace, Serial: 2})), "code_revoked"},
		"no id":           {with(func(s *ingest.Submission) { s.ID = uuid.Nil }), "scan_id_missing"},
		"no kind":         {with(func(s *ingest.Submission) { s.Kind = 0 }), "scan_kind_unknown"},
		"no means":        {with(func(s *ingest.Submission) { s.How = 0 }), "scan_how_unknown"},
		"void of nothing": {with(func(s *ingest.Submission) { s.Kind = stay.Void }), "scan_voids_wrong"},
		"void of itself":  {with(func(s *ingest.Submission) { s.ID, s.Kind, s.Voids = id, stay.Void, id }), "scan_voids_wrong"},
		"in with a void":  {with(func(s *ingest.Submission) { s.Voids = uuid.New() }), "scan_voids_wrong"},
	} {
		r := b.one(t, c.sub)
		if r.Status != ingest.Refused {
			t.Errorf("%s: %s", name, r.Status)
			continue
		}
		if r.Err.Code != c.code {
			t.Errorf("%s: %s, want %s", name, r.Err.Code, c.code)
		}
		if len(c.sub.Token) > 20 && strings.Contains(strings.ToUpper(r.Err.Error()), c.sub.Token[:20]) {
			t.Errorf("%s: the error tells the token", name)
		}
	}
	if all := b.stored(t); len(all) != 0 {
		t.Errorf("%d refused scans are stored", len(all))
	}
	if r, err := b.Submit(t.Context(), uuid.Nil, []ingest.Submission{in(shop, noon)}); err != nil || r[0].Err == nil || r[0].Err.Code != "scan_alias_missing" {
		t.Errorf("nobody's scan: %+v, %v", r, err)
	}
}

// flip changes a letter in the middle of the signature.
func flip(code string) string {
	letters := []byte(code)
	if letters[100]++; letters[100] > 'Z' || letters[100] < 'A' {
		letters[100] = 'A'
	}
	return string(letters)
}

func TestBoundsOfTimeAreInclusive(t *testing.T) {
	b := newBench(t)
	shop := b.code(t, qrgen.Token{})
	for name, at := range map[string]time.Time{
		"five minutes ahead":    noon.Add(ingest.FutureTolerance),
		"as old as can be kept": noon.Add(-retention),
		"issued a bit later":    noon,
	} {
		code := shop
		if name == "issued a bit later" {
			code = b.code(t, qrgen.Token{IssuedAt: noon.Add(qrgen.ClockTolerance)})
		}
		if r := b.one(t, in(code, at)); r.Status != ingest.Accepted {
			t.Errorf("%s: %s, %v", name, r.Status, r.Err)
		}
	}
}

func TestNoTimeMeansNow(t *testing.T) {
	b := newBench(t)
	b.now = noon.Add(999 * time.Millisecond)
	sub := in(b.code(t, qrgen.Token{}), noon)
	sub.At = 0
	if r := b.one(t, sub); r.Status != ingest.Accepted || r.At != noon.Unix() {
		t.Errorf("%+v", r)
	}
}

// TestScansAtClosedPlacesAreFlagged sends scans of before and after a place opens, long after both.
func TestScansAtClosedPlacesAreFlagged(t *testing.T) {
	b := newBench(t)
	place := uuid.New()
	b.closed = map[uuid.UUID]int64{place: noon.Unix()}
	b.now = noon.Add(time.Hour)
	code := b.code(t, qrgen.Token{Place: place})
	early := in(code, noon.Add(-time.Second))
	void := in(code, noon.Add(-time.Second))
	void.Kind, void.Voids = stay.Void, early.ID
	for _, c := range []struct {
		sub  ingest.Submission
		want scan.Flags
	}{
		{early, stay.OutOfHours}, {void, 0}, {in(code, noon), 0}, {in(b.code(t, qrgen.Token{}), noon.Add(-time.Second)), 0},
	} {
		if r := b.one(t, c.sub); r.Status != ingest.Accepted {
			t.Fatalf("it is %s: %v", r.Status, r.Err)
		}
		for _, s := range b.stored(t) {
			if s.ID == c.sub.ID && s.Flags != c.want {
				t.Errorf("kind %d at %d: flags %b, want %b", s.Kind, s.At, s.Flags, c.want)
			}
		}
	}
}

func TestOneBadScanNeverHurtsTheOthers(t *testing.T) {
	b := newBench(t)
	shop := b.code(t, qrgen.Token{})
	first := in(shop, noon)
	other := first
	other.Kind = stay.Out
	results, err := b.Submit(t.Context(), b.alias, []ingest.Submission{
		in(shop, noon.Add(time.Hour)), first, first, in("nonsense", noon), other, in(shop, noon),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"refused scan_time_future", "accepted ", "duplicate ", "refused code_malformed", "refused id_conflict", "accepted "}
	for i, r := range results {
		if got := string(r.Status) + " " + codeOf(r.Err); got != want[i] {
			t.Errorf("%d: %s, want %s", i, got, want[i])
		}
	}
	if r := b.one(t, first); r.Status != ingest.Duplicate {
		t.Errorf("sent again: %s", r.Status)
	}
	b.alias = uuid.New()
	if r := b.one(t, first); r.Status != ingest.Accepted {
		t.Errorf("somebody else's scan of the same id: %s", r.Status)
	}
	if n := len(b.stored(t)); n != 3 {
		t.Errorf("%d scans are stored", n)
	}
}

// TestRetryWithoutATimeConflicts holds what Submission says of At 0.
func TestRetryWithoutATimeConflicts(t *testing.T) {
	b := newBench(t)
	sub := in(b.code(t, qrgen.Token{}), noon)
	sub.At = 0
	statuses := []ingest.Status{b.one(t, sub).Status, b.one(t, sub).Status}
	b.now = noon.Add(time.Second)
	statuses = append(statuses, b.one(t, sub).Status)
	if want := []ingest.Status{ingest.Accepted, ingest.Duplicate, ingest.Refused}; !slices.Equal(statuses, want) {
		t.Errorf("%v, want %v", statuses, want)
	}
}

// TestErrorOfTheLogPromisesNothing also asks after the refused one: a client that sends everything again must not have
// been told of any part.
func TestErrorOfTheLogPromisesNothing(t *testing.T) {
	b := newBench(t)
	shop := b.code(t, qrgen.Token{})
	subs := []ingest.Submission{in(shop, noon), in("nonsense", noon)}
	ended, end := context.WithCancel(t.Context())
	end()
	if results, err := b.Submit(ended, b.alias, subs); !errors.Is(err, context.Canceled) || results != nil {
		t.Errorf("ended context: %v, %v", results, err)
	}
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	results, err := b.Submit(t.Context(), b.alias, subs)
	if !errors.Is(err, scanlog.ErrUnavailable) || results != nil {
		t.Errorf("closed log: %v, %v", results, err)
	}
	if face := errs.Of(err); face.Kind != errs.Unavailable || face.RetryAfter <= 0 {
		t.Errorf("a closed log's face is %+v", face)
	}
	if results, err := b.Submit(t.Context(), b.alias, subs[1:]); err != nil || results[0].Status != ingest.Refused {
		t.Errorf("where nothing is left to log, the log is not asked: %v, %v", results, err)
	}
	if results, err := b.Submit(t.Context(), b.alias, nil); err != nil || len(results) != 0 {
		t.Errorf("nothing: %v, %v", results, err)
	}
}
