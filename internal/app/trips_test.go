package app_test

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/app"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing"
	"github.com/truyvet/truyvet/tracing/stay"
)

// line is a bus that runs twice on a morning, and who is aboard.
type line struct {
	*district
	settings []string
	bus      registry.Place
	gate     registry.Account
	city     registry.Account
	people   map[string]uuid.UUID // by phone number
}

// TestTwoRunsOfABusAreTwoRooms takes people aboard by the real way in every mode: nobody is a contact of who was on the other run
// alone, whoever stayed aboard, left later, or was scanned by a phone without a network, and whenever the server was begun anew.
func TestTwoRunsOfABusAreTwoRooms(t *testing.T) {
	redis := testserver.Redis(t, testenv.RedisOptions{})
	shards := testserver.ClickHouseCluster(t, 2, testenv.ClickHouseOptions{})
	cluster := []string{
		"TRUYVET_REDIS_URL=redis://" + redis.Addr + "/0", "TRUYVET_CLICKHOUSE_URL=clickhouse://" + shards[0].Addr + "/default",
		"TRUYVET_CLICKHOUSE_CLUSTER=" + testenv.ClickHouseCluster,
	}
	l := newLine(t, nil)
	l.morning(t)
	l.wantApart(t, "standalone")
	l = newLine(t, cluster)
	l.morning(t)
	l.wantApart(t, "cluster, from memory")
	l.reopenWith(t, append(cluster, "TRUYVET_TRACE_SOURCE=clickhouse"))
	l.wantApart(t, "cluster, from ClickHouse")
}

func newLine(t *testing.T, settings []string) *line {
	t.Helper()
	ctx, data := t.Context(), filepath.Join(t.TempDir(), "data")
	cfg := configure(t, data, settings)
	check(t, app.Init(ctx, cfg, clock))
	if cfg.Cluster() {
		working, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- app.Work(working, cfg, slog.New(slog.DiscardHandler)) }()
		t.Cleanup(func() {
			stop()
			check(t, <-done)
		})
	}
	l := &line{district: &district{data: data, parts: open(t, cfg)}, settings: settings, people: make(map[string]uuid.UUID)}
	store := l.parts.Registry
	check(t, store.PutAreas(ctx, []registry.Area{{Code: "c", Level: registry.Province, Name: "Đà Nẵng"}}))
	l.city = registry.Account{ID: uuid.New(), Login: "city", Role: registry.RoleCity, Area: "c"}
	check(t, store.PutAccount(ctx, l.city))
	of := registry.Organisation{ID: uuid.New(), Name: "Xe khách"}
	check(t, store.PutOrganisation(ctx, of))
	l.bus = registry.Place{ID: uuid.New(), Organisation: of.ID, Kind: qrgen.KindVehicle, Name: "43B-012.34", Serial: 1, Issued: loadedAt.Unix() - 86400}
	var err error
	l.bus.Code, err = l.parts.Keys.Sign(qrgen.Token{Kind: l.bus.Kind, Place: l.bus.ID, Serial: 1, IssuedAt: loadedAt.Add(-24 * time.Hour)})
	check(t, err)
	check(t, store.PutPlaces(ctx, []registry.Place{l.bus}))
	check(t, l.parts.Places.Refresh(ctx))
	l.gate = registry.Account{ID: uuid.New(), Role: registry.RoleGate, Place: l.bus.ID}
	return l
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (l *line) reopenWith(t *testing.T, settings []string) {
	t.Helper()
	l.district = l.reopen(t, settings)
}

// minute is that many minutes after eight in the morning; by noon all is over.
func minute(n int64) int64 { return loadedAt.Add(-7*time.Hour).Unix() + 60*n }

// ill is who was ill on the first run.
const ill = "0911111111"

// morning has the bus run out from 8:00 to 10:00 and back from 10:30.
func (l *line) morning(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	out, err := l.parts.Trips.Begin(ctx, l.gate, uuid.New(), "out", minute(0))
	check(t, err)
	l.scan(t, ill, stay.In, 1, true)
	l.scan(t, "0922222222", stay.In, 2, true)   // stays aboard and says so on the way back
	l.scan(t, "0933333333", stay.In, 5, false)  // leaves, and tells it an hour after the way back has begun
	l.scan(t, "0944444444", stay.In, 10, false) // leaves in between
	l.scan(t, "0944444444", stay.Out, 125, false)
	_, err = l.parts.Trips.End(ctx, l.gate, out.ID, minute(120))
	check(t, err)
	_, err = l.parts.Trips.Begin(ctx, l.gate, uuid.New(), "back", minute(150))
	check(t, err)
	l.scan(t, "0922222222", stay.In, 155, false)
	l.scan(t, "0966666666", stay.In, 156, true) // on the way back alone
	l.scan(t, "0933333333", stay.Out, 210, false)
	l.reopenWith(t, l.settings)
	l.scan(t, "0955555555", stay.In, 60, false) // on the way out, by a phone that had no network until now
}

// scan scans somebody, by the gate or with a phone of their own.
func (l *line) scan(t *testing.T, phone string, kind stay.Kind, at int64, gate bool) {
	t.Helper()
	alias, err := l.parts.Pseudonyms.Phone(phone)
	check(t, err)
	person, err := l.parts.Registry.EnsurePerson(t.Context(), registry.Link{Alias: alias, Kind: citizen.KindPhone}, "")
	check(t, err)
	l.people[phone] = person.ID
	sub := ingest.Submission{ID: uuid.New(), Token: l.bus.Code, Kind: kind, How: scan.Phone, At: minute(at)}
	if gate {
		sub.Token, sub.Gate, sub.How = "", l.bus.ID, scan.GateTyped
	}
	results, err := l.parts.Ingest.Submit(t.Context(), alias, []ingest.Submission{sub})
	check(t, err)
	if results[0].Status != ingest.Accepted {
		t.Fatalf("the scan at minute %d: %v", at, results[0].Err)
	}
}

// wantApart traces who was ill. Who was on the way out is a contact; who was on the way back met one contact alone.
func (l *line) wantApart(t *testing.T, mode string) {
	t.Helper()
	c, err := l.parts.Cases.Record(t.Context(), l.city, cases.Intake{Phone: ill, Onset: "2021-12-02", LabRef: "XN-" + mode})
	check(t, err)
	run, err := l.parts.Cases.Run(t.Context(), l.city, cases.Order{Choice: cases.Choice{IDs: []uuid.UUID{c.ID}}, Profile: tracing.DefaultProfile})
	check(t, err)
	list, err := l.parts.Cases.List(t.Context(), l.city, run.ID)
	check(t, err)
	got, phones := make(map[string]int), make(map[uuid.UUID]string)
	for phone, person := range l.people {
		phones[person] = phone
	}
	for _, row := range list.People {
		got[phones[row.Person]] = row.Generation
		for _, e := range row.Evidence {
			route := list.Trips[e.Place.Trip].Route
			if want := map[int]string{1: "out", 2: "back"}[row.Generation]; route != want {
				t.Errorf("%s: %s met %s on the way %q, want %q", mode, phones[row.Person], phones[e.Source], route, want)
			}
			if row.Generation == 2 && phones[e.Source] != "0922222222" {
				t.Errorf("%s: %s met %s", mode, phones[row.Person], phones[e.Source])
			}
		}
	}
	if want := map[string]int{"0922222222": 1, "0933333333": 1, "0944444444": 1, "0955555555": 1, "0966666666": 2}; !maps.Equal(got, want) {
		t.Errorf("%s: the generations are %v, want %v", mode, got, want)
	}
}
