package webui_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/account/accounttest"
	"github.com/truyvet/truyvet/internal/audit"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/internal/ratelimit"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/internal/trips"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/internal/webui"
	"github.com/truyvet/truyvet/internal/webui/desk"
	"github.com/truyvet/truyvet/internal/webui/door"
	"github.com/truyvet/truyvet/internal/webui/owner"
	"github.com/truyvet/truyvet/internal/webui/page"
	"github.com/truyvet/truyvet/internal/webui/staff"
	"github.com/truyvet/truyvet/internal/webui/visitor"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

// password is that of every account of a site.
const password = "mật khẩu để thử 2026"

// site is the pages on the real rooms, with a small town: two wards, two organisations, and an account for each role.
type site struct {
	t           *testing.T
	URL         string
	ui          *webui.UI
	now         atomic.Int64
	keys        *qrgen.KeySet
	store       *sqlstore.Store
	scans       *sqlite.Store
	ingest      *ingest.Ingest
	paced       error // what the limit of gates says
	pseudonyms  *citizen.Pseudonyms
	credentials *citizen.Credentials
	places      *places.Service
	trips       *trips.Service
	accounts    *account.Service
	logs        *bytes.Buffer
	log         *switchedLog
	ledger      *audit.Log
	vault       *vault.Vault
	snapshots   *snapshot.Memory
	busy        atomic.Bool // whether another trace seems to be under way

	owner, stranger      registry.Account
	market, stall, other registry.Place // other belongs to the stranger
}

// switchedLog is a scan log that can be made to refuse.
type switchedLog struct {
	scanlog.Log
	failure atomic.Pointer[error]
}

func (l *switchedLog) Append(ctx context.Context, scans []scan.Scan) ([]scanlog.Outcome, error) {
	if failure := l.failure.Load(); failure != nil {
		return nil, *failure
	}
	return l.Log.Append(ctx, scans)
}

// switchedTraces are the traces of a site, which can be made to seem busy.
type switchedTraces struct {
	*cases.Service
	busy *atomic.Bool
}

func (s switchedTraces) Run(ctx context.Context, actor registry.Account, order cases.Order) (registry.Run, error) {
	if s.busy.Load() {
		return registry.Run{}, cases.ErrBusy
	}
	return s.Service.Run(ctx, actor, order)
}

var start = time.Date(2026, 11, 21, 0, 40, 0, 0, time.UTC) // 07:40 in Viet Nam

// newSite builds a site; demo may be nil.
func newSite(t *testing.T, demo *staff.Demo) *site {
	t.Helper()
	return newSiteThatNeeds(t, demo)
}

// newSiteThatNeeds builds a site on which some roles need a second factor.
func newSiteThatNeeds(t *testing.T, demo *staff.Demo, need ...registry.Role) *site {
	t.Helper()
	ctx := t.Context()
	s := &site{t: t, logs: &bytes.Buffer{}}
	s.now.Store(start.Add(-20 * 24 * time.Hour).Unix()) // the codes on the walls are three weeks old
	clock := func() time.Time { return time.Unix(s.now.Load(), 0).UTC() }
	location, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	must(t, err)

	s.store, err = sqlstore.Open(ctx, filepath.Join(t.TempDir(), "registry.db"))
	must(t, err)
	t.Cleanup(func() { must(t, s.store.Close()) })
	must(t, s.store.Migrate(ctx))
	s.scans, err = sqlite.Open(ctx, t.TempDir(), sqlite.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, s.scans.Close()) })
	s.log = &switchedLog{Log: s.scans}

	s.keys = qrgen.NewKeySet()
	_, err = s.keys.Create(clock().Add(-48 * time.Hour))
	must(t, err)
	key := bytes.Repeat([]byte{7}, 32)
	s.pseudonyms, err = citizen.NewPseudonyms(key)
	must(t, err)
	s.credentials, err = citizen.NewCredentials(key, clock)
	must(t, err)
	s.ledger, err = audit.New(s.store, key, clock)
	must(t, err)
	forms, err := declaration.Offered(nil)
	must(t, err)
	s.places = places.New(s.store, s.keys, clock, declaration.Names(forms)...)
	tries := ratelimit.SharedDeps{Buckets: s.store, Key: key, Clock: clock}
	s.accounts, err = account.New(account.Deps{
		Store: s.store, Audit: s.ledger, Clock: clock, Tries: tries, Key: key, NeedFactor: need,
	})
	must(t, err)
	ring, err := vault.NewRing([]vault.Key{{ID: 1, Key: key}}, nil)
	must(t, err)
	s.vault = vault.New(ring, s.store, s.ledger, clock)
	proofs := citizen.NewProofs(citizen.ProofDeps{
		Store: s.store, Pseudonyms: s.pseudonyms, Credentials: s.credentials, Sender: citizen.DemoSender{}, Locker: ring,
		Vault: s.vault, Tries: tries, Clock: clock,
	})
	s.trips = trips.New(trips.Deps{Store: s.store, Kind: s.places.Kind, Clock: clock, Keep: 21 * 24 * time.Hour})
	s.ingest = ingest.New(ingest.Config{
		Keys: s.keys, Log: s.log, Ends: s.places.Ends, Retention: 21 * 24 * time.Hour, Clock: clock, Trips: s.trips.At,
		Closed: func(place uuid.UUID, at int64) bool { return s.places.Closed(place, time.Unix(at, 0).In(location)) },
	})
	s.snapshots = snapshot.NewMemory(s.store, s.scans, snapshot.Options{})
	book := cases.New(cases.Deps{
		People: s.store, Book: s.store, Runs: s.store, Listings: s.store, Approvals: s.store, Vault: s.vault, Aliases: s.pseudonyms, Places: s.places,
		Trips:     s.store,
		Snapshots: s.snapshots, Audit: s.ledger, Clock: clock, Location: location,
	})
	declared, err := declaration.New(ctx, declaration.Deps{
		Offered: forms, Store: s.store, Vault: s.vault, People: s.store, Places: s.places, Ledger: s.ledger, Clock: clock, Location: location,
		Logger: slog.New(slog.NewTextHandler(s.logs, nil)),
	})
	must(t, err)
	s.settle()
	s.now.Store(start.Unix())

	press := printing.New(printing.Deps{
		Store: s.store, Names: s.places, Ends: s.places.Ends, Base: "https://truyvet.example", Location: location, Dir: t.TempDir(), Clock: clock,
		Logger: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() { must(t, press.Close()) })
	counts := turnout.New(s.snapshots, s.trips, clock, location)
	sessions := scs.New()
	sessions.Store = s.store.Sessions()
	ui, err := webui.New(webui.Deps{
		Page: page.Deps{
			Areas: s.places, Scans: s.ingest, SignIns: s.accounts, Ledger: s.ledger, Sessions: sessions, SealKey: key,
			Logger: slog.New(slog.NewTextHandler(s.logs, nil)), Clock: clock, Location: location, BaseURL: "https://truyvet.example",
		},
		Visitor: visitor.Deps{
			Codes: s.ingest, Proofs: proofs, Credentials: s.credentials,
			Erasures: citizen.NewErasures(s.store, s.ledger, 90*24*time.Hour, clock), Notices: s.store,
			History: citizen.NewHistory(citizen.HistoryDeps{
				People: s.store, Snapshots: s.snapshots, Openings: s.ledger, Trips: s.store, Clock: clock, Delay: 14 * 24 * time.Hour,
			}),
			Dependants: citizen.NewDependants(s.store, s.pseudonyms, s.vault, clock), Declarations: declared, Signer: s.keys, Map: s.places,
			Retention: 21 * 24 * time.Hour, ListAge: 90 * 24 * time.Hour, OpenedDelay: 14 * 24 * time.Hour,
		},
		Owner: owner.Deps{
			Places: s.places, PlaceFiles: &places.Files{
				Importer: &places.Importer{Intake: s.store, Keys: s.keys, Clock: clock, Forms: declaration.Names(forms)}, Shelf: s.store, Service: s.places, Audit: s.ledger,
			},
			Map: s.places, Records: s.store, Printing: press, Turnout: counts, Devices: s.accounts, Forms: forms,
		},
		Door: door.Deps{
			Gate: citizen.NewGate(s.pseudonyms, s.keys, s.store, s.vault, clock), Codes: s.ingest, Map: s.places, Turnout: counts, Trips: s.trips, Declarations: declared, Devices: s.accounts,
			PaceGate: func(uuid.UUID, int) error { return s.paced },
		},
		Desk:  desk.Deps{Cases: book, Traces: switchedTraces{book, &s.busy}, Audit: s.ledger, Declarations: declared},
		Staff: staff.Deps{Accounts: s.accounts, Places: s.places, Map: s.places, Records: s.store, Demo: demo},
	})
	must(t, err)
	gin.SetMode(gin.TestMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	s.ui = ui
	ui.Register(engine)
	engine.NoRoute(ui.NotFound)
	engine.NoMethod(ui.MethodNotAllowed)
	server := httptest.NewServer(sessions.LoadAndSave(engine))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// settle makes the town.
func (s *site) settle() {
	s.t.Helper()
	ctx := s.t.Context()
	must(s.t, s.store.PutAreas(ctx, []registry.Area{
		{Code: "79", Level: registry.Province, Name: "Thành phố Hồ Chí Minh"},
		{Code: "769", Level: registry.District, Parent: "79", Name: "Thành phố Thủ Đức"},
		{Code: "26794", Level: registry.Ward, Parent: "769", Name: "Phường Linh Xuân"},
		{Code: "26797", Level: registry.Ward, Parent: "769", Name: "Phường Bình Chiểu"},
	}))
	must(s.t, s.places.Refresh(ctx))
	s.owner = s.organisation("Ban Quản lý chợ Linh Xuân", "owner")
	s.stranger = s.organisation("Công ty Bến Thành", "stranger")
	s.market = s.place(s.owner, places.NewPlace{Kind: qrgen.KindMarket, Name: "Chợ Linh Xuân", Address: "12 Quốc lộ 1K", Area: "26794"})
	s.stall = s.place(s.owner, places.NewPlace{Kind: qrgen.KindStall, Name: "Sạp rau cô Tư", Parent: s.market.ID})
	s.other = s.place(s.stranger, places.NewPlace{Kind: qrgen.KindOffice, Name: "Trụ sở Bến Thành", Area: "26797"})
	for _, a := range []registry.Account{
		{Login: "gate", Role: registry.RoleGate, Place: s.market.ID},
		{Login: "ward", Role: registry.RoleWard, Area: "26794"},
		{Login: "ward2", Role: registry.RoleWard, Area: "26797"},
		{Login: "district", Role: registry.RoleDistrict, Area: "769"},
		{Login: "city", Role: registry.RoleCity, Area: "79"},
		{Login: "admin", Role: registry.RoleAdmin},
		{Login: "auditor", Role: registry.RoleAuditor},
	} {
		s.account(a)
	}
}

func (s *site) organisation(name, login string) registry.Account {
	s.t.Helper()
	o := registry.Organisation{ID: uuid.New(), Name: name, Created: s.now.Load()}
	must(s.t, s.store.PutOrganisation(s.t.Context(), o))
	return s.account(registry.Account{Login: login, Role: registry.RoleOwner, Organisation: o.ID})
}

func (s *site) account(a registry.Account) registry.Account {
	s.t.Helper()
	a.Created = s.now.Load()
	return accounttest.Put(s.t, s.store, a, password)
}

func (s *site) place(owner registry.Account, in places.NewPlace) registry.Place {
	s.t.Helper()
	p, err := s.places.Create(s.t.Context(), owner, in)
	must(s.t, err)
	return p
}

// advance moves the clock.
func (s *site) advance(d time.Duration) { s.now.Add(int64(d.Seconds())) }

// visit records that whoever has the phone number was at a place during [from, to), and that they reside in an area.
func (s *site) visit(phone, area string, place registry.Place, from, to time.Time) {
	s.t.Helper()
	ctx := s.t.Context()
	alias, err := s.pseudonyms.Phone(phone)
	must(s.t, err)
	_, err = s.store.EnsurePerson(ctx, registry.Link{Alias: alias, Kind: citizen.KindPhone, Linked: s.now.Load()}, area)
	must(s.t, err)
	results, err := s.ingest.Submit(ctx, alias, []ingest.Submission{
		{ID: uuid.New(), Token: place.Code, Kind: stay.In, How: scan.Phone, At: from.Unix()},
		{ID: uuid.New(), Token: place.Code, Kind: stay.Out, How: scan.Phone, At: to.Unix()},
	})
	must(s.t, err)
	for _, r := range results {
		if r.Status != ingest.Accepted {
			s.t.Fatalf("scan %s: %v", r.Status, r.Err)
		}
	}
}

// scanCount returns how many scans are in the log.
func (s *site) scanCount() int {
	s.t.Helper()
	return len(s.allScans())
}

func (s *site) allScans() []scan.Scan {
	s.t.Helper()
	tail, err := s.scans.Tail(s.t.Context())
	must(s.t, err)
	var all []scan.Scan
	must(s.t, s.scans.Read(s.t.Context(), nil, tail, func(block []scan.Scan) error {
		all = append(all, block...)
		return nil
	}))
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func phoneNumber(n int) string { return fmt.Sprintf("09%08d", n) }
