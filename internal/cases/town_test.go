package cases_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/audit"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanstore/sqlite"
	"github.com/truyvet/truyvet/internal/snapshot"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/qrgen"
	"github.com/truyvet/truyvet/tracing/stay"
)

var saigon = time.FixedZone("+07", 7*3600)

// local returns an instant of December 2021 in the service's location.
func local(day, hour, minute int) time.Time {
	return time.Date(2021, 12, day, hour, minute, 0, 0, saigon)
}

// The people of the town by their phone numbers. Chi has an ID card too.
const (
	mai, an, binh, chi, dung, em, chiCard = "0912000001", "0912000002", "0912000003", "0912000004", "0912000005", "0912000006", "001099000004"
)

// The names that are hard on spreadsheets.
const (
	marketName = `=HYPERLINK("http://x","Chợ, 'Hòa Khánh'")`
	shopName   = "＋Tạp hoá Út"
)

// town is a service over real parts: two districts with three wards, and a chain of contacts on 6 December. Mai was at the
// market from ten to twelve; An (ward 1), Bình (ward 2), Chi (nobody knows where) and Dũng (somewhere in the district) from
// half past ten to half past eleven; An was at a shop from three to four, and Em (ward 2) too.
type town struct {
	*cases.Service
	store      *sqlstore.Store
	scans      *sqlite.Store
	pseudonyms *citizen.Pseudonyms
	log        *audit.Log
	vault      *vault.Vault
	deps       cases.Deps
	now        time.Time
	area       map[string]string // by phone number
	market     registry.Place
	shop       registry.Place

	ward1, ward2, ward3, district, district2, city registry.Account
}

func newTown(t *testing.T) *town {
	t.Helper()
	ctx := t.Context()
	to := &town{now: local(10, 9, 0), area: map[string]string{mai: "w1", an: "w1", binh: "w2", chi: "", dung: "d1", em: "w2"}}
	var err error
	to.store, err = sqlstore.Open(ctx, filepath.Join(t.TempDir(), "registry.db"))
	must(t, err)
	t.Cleanup(func() { must(t, to.store.Close()) })
	must(t, to.store.Migrate(ctx))
	to.scans, err = sqlite.Open(ctx, t.TempDir(), sqlite.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, to.scans.Close()) })
	must(t, to.store.PutAreas(ctx, []registry.Area{
		{Code: "c", Level: registry.Province, Name: "Đà Nẵng"},
		{Code: "d1", Level: registry.District, Parent: "c", Name: "Liên Chiểu"},
		{Code: "d2", Level: registry.District, Parent: "c", Name: "Thanh Khê"},
		{Code: "w1", Level: registry.Ward, Parent: "d1", Name: "-Hòa Minh"},
		{Code: "w2", Level: registry.Ward, Parent: "d1", Name: "Hòa Khánh Bắc"},
		{Code: "w3", Level: registry.Ward, Parent: "d2", Name: "Tam Thuận"},
	}))
	for login, account := range map[string]*registry.Account{
		"ward1": &to.ward1, "ward2": &to.ward2, "ward3": &to.ward3, "district": &to.district, "district2": &to.district2, "city": &to.city,
	} {
		*account = map[string]registry.Account{
			"ward1": {Role: registry.RoleWard, Area: "w1"}, "ward2": {Role: registry.RoleWard, Area: "w2"},
			"ward3": {Role: registry.RoleWard, Area: "w3"}, "district": {Role: registry.RoleDistrict, Area: "d1"},
			"district2": {Role: registry.RoleDistrict, Area: "d2"}, "city": {Role: registry.RoleCity, Area: "c"},
		}[login]
		account.ID, account.Login = uuid.New(), login
		must(t, to.store.PutAccount(ctx, *account))
	}

	key := bytes.Repeat([]byte{7}, 32)
	clock := func() time.Time { return to.now }
	to.pseudonyms, err = citizen.NewPseudonyms(key)
	must(t, err)
	to.log, err = audit.New(to.store, key, clock)
	must(t, err)
	keys := qrgen.NewKeySet()
	_, err = keys.Create(local(1, 0, 0))
	must(t, err)
	catalogue := places.New(to.store, keys, clock)
	must(t, catalogue.Refresh(ctx))
	organisation := registry.Organisation{ID: uuid.New(), Name: "O"}
	must(t, to.store.PutOrganisation(ctx, organisation))
	owner := registry.Account{Role: registry.RoleOwner, Organisation: organisation.ID}
	to.market, err = catalogue.Create(ctx, owner, places.NewPlace{Kind: qrgen.KindMarket, Name: marketName, Address: "@1 Âu Cơ", Area: "w1"})
	must(t, err)
	to.shop, err = catalogue.Create(ctx, owner, places.NewPlace{Kind: qrgen.KindShop, Name: shopName, Address: "2 Âu Cơ", Area: "w2"})
	must(t, err)

	for phone, area := range to.area {
		to.register(t, to.alias(t, phone), area)
	}
	person := to.person(t, chi)
	card, err := to.pseudonyms.IDCard(chiCard)
	must(t, err)
	must(t, to.store.PutPeople(ctx, nil, []registry.Link{{Alias: card, Person: person, Kind: citizen.KindIDCard}}))
	to.visit(t, mai, to.market, local(6, 10, 0), local(6, 12, 0))
	for _, phone := range []string{an, binh, chi, dung} {
		to.visit(t, phone, to.market, local(6, 10, 30), local(6, 11, 30))
	}
	to.visit(t, an, to.shop, local(6, 15, 0), local(6, 16, 0))
	to.visit(t, em, to.shop, local(6, 15, 0), local(6, 16, 0))

	ring, err := vault.NewRing([]vault.Key{{ID: 1, Key: key}}, nil)
	must(t, err)
	to.vault = vault.New(ring, to.store, to.log, clock)
	to.deps = cases.Deps{
		People: to.store, Book: to.store, Runs: to.store, Listings: to.store, Approvals: to.store, Vault: to.vault, Aliases: to.pseudonyms, Places: catalogue,
		Trips:     to.store,
		Snapshots: snapshot.NewMemory(to.store, to.scans, snapshot.Options{}), Audit: to.log, Clock: clock, Location: saigon,
	}
	to.Service = cases.New(to.deps)
	return to
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (to *town) alias(t *testing.T, phone string) uuid.UUID {
	t.Helper()
	alias, err := to.pseudonyms.Phone(phone)
	must(t, err)
	return alias
}

func (to *town) register(t *testing.T, alias uuid.UUID, area string) {
	t.Helper()
	_, err := to.store.EnsurePerson(t.Context(), registry.Link{Alias: alias, Kind: citizen.KindPhone}, area)
	must(t, err)
}

func (to *town) person(t *testing.T, phone string) uuid.UUID {
	t.Helper()
	person, err := to.store.PersonByAlias(t.Context(), to.alias(t, phone))
	must(t, err)
	return person.ID
}

// visit scans somebody in and out.
func (to *town) visit(t *testing.T, phone string, p registry.Place, from, until time.Time) {
	t.Helper()
	s := scan.Scan{
		ID: uuid.New(), Alias: to.alias(t, phone), Place: p.ID, At: from.Unix(), ReceivedAt: from.Unix(), Kind: stay.In, How: scan.Phone,
	}
	out := s
	out.ID, out.Kind, out.At, out.ReceivedAt = uuid.New(), stay.Out, until.Unix(), until.Unix()
	_, err := to.scans.Append(t.Context(), []scan.Scan{s, out})
	must(t, err)
}

// record takes in a case with an onset on 5 December.
func (to *town) record(t *testing.T, actor registry.Account, phone string) registry.Case {
	t.Helper()
	c, err := to.Record(t.Context(), actor, cases.Intake{Phone: phone, Onset: "2021-12-05", LabRef: "XN-" + phone[9:]})
	must(t, err)
	return c
}

// ordered is the order of a run under the default profile.
func ordered(ids ...uuid.UUID) cases.Order {
	return cases.Order{Choice: cases.Choice{IDs: ids}, Profile: "vn-2021-12"}
}

func (to *town) run(t *testing.T, actor registry.Account, ids ...uuid.UUID) registry.Run {
	t.Helper()
	run, err := to.Run(t.Context(), actor, ordered(ids...))
	must(t, err)
	return run
}

// audited returns what was written to the audit log, oldest first, as "actor action subject detail".
func (to *town) audited(t *testing.T) []string {
	t.Helper()
	var lines []string
	must(t, to.store.WalkAudit(context.Background(), 0, func(e registry.AuditEntry) error {
		lines = append(lines, e.Actor+" "+e.Action+" "+e.Subject+" "+e.Detail)
		return nil
	}))
	return lines
}
