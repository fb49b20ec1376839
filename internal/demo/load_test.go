package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/scanlog"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/qrgen"
)

// ledger keeps what is loaded in memory.
type ledger struct {
	mu            sync.Mutex
	areas         []registry.Area
	organisations []registry.Organisation
	places        map[uuid.UUID]registry.Place
	people        []registry.Person
	links         map[uuid.UUID]uuid.UUID
	cases         []registry.Case
	isolations    []registry.Isolation
	trips         []registry.Trip
	accounts      []registry.Account
	scans         map[uuid.UUID]scan.Scan
	details       int
	declared      int
}

func (l *ledger) PutAreas(_ context.Context, areas []registry.Area) error {
	l.areas = areas
	return nil
}

func (l *ledger) PutOrganisation(_ context.Context, o registry.Organisation) error {
	l.organisations = append(l.organisations, o)
	return nil
}

func (l *ledger) PutPlaces(_ context.Context, places []registry.Place) error {
	for _, p := range places {
		l.places[p.ID] = p
	}
	return nil
}

func (l *ledger) PutPeople(_ context.Context, people []registry.Person, links []registry.Link) error {
	l.people = people
	for _, link := range links {
		l.links[link.Alias] = link.Person
	}
	if len(l.links) != len(links) {
		return errors.New("an alias is linked twice")
	}
	return nil
}

func (l *ledger) PutCase(_ context.Context, c registry.Case) error {
	l.cases = append(l.cases, c)
	return nil
}

func (l *ledger) PutSealed(_ context.Context, values []registry.Sealed, _ bool) error {
	for _, v := range values {
		if v.Person == uuid.Nil || len(v.Value) == 0 {
			return errors.New("a detail of nobody, or an empty one")
		}
		if _, _, is := vault.Field(v.Field).Declaration(); is != (v.Made != 0) {
			return errors.New("a declaration without its time, or a detail with one")
		} else if is {
			l.declared++
			continue
		}
		l.details++
	}
	return nil
}

func (l *ledger) PutIsolations(_ context.Context, isolations []registry.Isolation) error {
	l.isolations = isolations
	return nil
}

// Create takes accounts only once there are places and areas, as a database with references does.
func (l *ledger) Create(_ context.Context, a registry.Account, _ string) (registry.Account, error) {
	if len(l.places) == 0 || len(l.areas) == 0 {
		return a, errors.New("nothing that the account could refer to")
	}
	a.ID = uuid.New()
	l.accounts = append(l.accounts, a)
	return a, nil
}

func (l *ledger) Append(_ context.Context, scans []scan.Scan) ([]scanlog.Outcome, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range scans {
		l.scans[s.ID] = s
	}
	return make([]scanlog.Outcome, len(scans)), nil
}

func (l *ledger) PutTrips(_ context.Context, trips []registry.Trip) error {
	l.trips = trips
	return nil
}

// trip is the one that was under way, as the driver told it.
func (l *ledger) trip(vehicle uuid.UUID, at int64) uuid.UUID {
	for _, t := range l.trips {
		if t.Vehicle == vehicle && t.Began <= at && at < t.Over() {
			return t.ID
		}
	}
	return uuid.Nil
}

// load loads d by the real way of ingest, with the given retention.
func load(t *testing.T, d *District, retention time.Duration, progress func(done, total int)) (*ledger, []Login, error) {
	t.Helper()
	l := &ledger{
		places: make(map[uuid.UUID]registry.Place), links: make(map[uuid.UUID]uuid.UUID), scans: make(map[uuid.UUID]scan.Scan),
	}
	keys := qrgen.NewKeySet()
	if _, err := keys.Create(time.Unix(d.Now, 0)); err != nil {
		t.Fatal(err)
	}
	aliases, err := citizen.NewPseudonyms(bytes.Repeat([]byte{7}, citizen.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := vault.NewRing([]vault.Key{{ID: 1, Key: bytes.Repeat([]byte{7}, vault.KeySize)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	passwords := 0
	logins, err := Load(t.Context(), d, Into{
		Places: l, Trips: l, People: l, Accounts: l, Signer: keys, Aliases: aliases, Vault: ring,
		NewPassword: func() string {
			passwords++
			return fmt.Sprintf("correct horse %d", passwords)
		},
		Ingest: ingest.New(ingest.Config{
			Keys: keys, Log: l, Retention: retention, Clock: func() time.Time { return time.Unix(d.Now, 0) },
			Ends: func(uuid.UUID, uint32) int64 { return 0 }, Trips: l.trip,
		}),
	}, progress)
	return l, logins, err
}

func TestLoad(t *testing.T) {
	t.Parallel()
	d := mustMake(t, DefaultSeed, someDay(), Small())
	var reports []int
	l, logins, err := load(t, d, 35*24*time.Hour, func(done, total int) {
		if total != len(d.Scans) {
			t.Errorf("progress of %d scans, not %d", total, len(d.Scans))
		}
		reports = append(reports, done)
	})
	if err != nil {
		t.Fatal(err)
	}
	if l.details < 2*len(d.People) {
		t.Errorf("%d details of %d people are kept", l.details, len(d.People))
	}
	if l.declared != len(d.Declarations) {
		t.Errorf("%d of %d declarations are kept", l.declared, len(d.Declarations))
	}
	if len(l.scans) != len(d.Scans) {
		t.Errorf("%d of %d scans arrived", len(l.scans), len(d.Scans))
	}
	cards := 0
	for _, s := range d.Scans {
		got := l.scans[s.ID]
		if l.links[got.Alias] != d.People[s.Person].ID || got.Place != d.Places[s.Place].ID || got.Trip != s.Trip ||
			got.At != s.At || got.Kind != s.Kind || got.How != s.How || got.Serial != 1 || got.Flags != 0 {
			t.Fatalf("scan %+v arrived as %+v", s, got)
		}
		if s.How == scan.GateCard {
			cards++
		}
	}
	if cards == 0 || len(l.links) <= len(l.people) {
		t.Errorf("%d scans by card, %d aliases of %d people: nobody has two", cards, len(l.links), len(l.people))
	}
	for i := 1; i < len(reports); i++ {
		if reports[i] <= reports[i-1] {
			t.Errorf("progress went from %d to %d", reports[i-1], reports[i])
		}
	}
	if len(reports) == 0 || reports[len(reports)-1] != len(d.Scans) {
		t.Errorf("progress ended before the scans did: %v", reports)
	}
	if len(l.places) != len(d.Places) || len(l.organisations) != len(d.Organisations) || len(l.people) != len(d.People) ||
		len(l.isolations) != len(d.Isolations) || len(l.cases) != len(d.Cases) || l.places[d.Tour.Market].Code == "" {
		t.Error("records are missing")
	}
	checkLogins(t, d, l, logins)
}

func checkLogins(t *testing.T, d *District, l *ledger, logins []Login) {
	t.Helper()
	byRole, passwords := make(map[registry.Role]registry.Account), make(map[string]bool)
	for _, login := range logins {
		byRole[login.Account.Role] = login.Account
		passwords[login.Password] = true
	}
	if len(byRole) != 7 || len(passwords) != 7 {
		t.Fatalf("%d roles with %d passwords", len(byRole), len(passwords))
	}
	if owner := byRole[registry.RoleOwner].Organisation; owner != l.places[d.Tour.Market].Organisation {
		t.Errorf("the owner has organisation %s", owner)
	}
	if gate := byRole[registry.RoleGate].Place; l.places[gate].Kind != qrgen.KindHospital {
		t.Errorf("the gate stands at a %s", l.places[gate].Kind)
	}
	levels := make(map[string]registry.Level)
	for _, a := range l.areas {
		levels[a.Code] = a.Level
	}
	for role, level := range map[registry.Role]registry.Level{
		registry.RoleWard: registry.Ward, registry.RoleDistrict: registry.District, registry.RoleCity: registry.Province,
	} {
		if got := levels[byRole[role].Area]; got != level {
			t.Errorf("the account of role %s has an area of level %q", role, got)
		}
	}
	for _, c := range l.cases {
		if c.Author != byRole[registry.RoleDistrict].ID || c.Area != byRole[registry.RoleDistrict].Area {
			t.Errorf("case %s was recorded by %s for %s", c.ID, c.Author, c.Area)
		}
	}
}

func TestLoadStopsAtARefusedScan(t *testing.T) {
	t.Parallel()
	d := mustMake(t, DefaultSeed, someDay(), Small())
	_, _, err := load(t, d, 10*24*time.Hour, nil)
	if !errors.Is(err, ingest.ErrTooOld) || !strings.Contains(err.Error(), "was refused") {
		t.Errorf("scans older than the retention: %v", err)
	}
}

// fullFor is an Ingest whose log has no room until it was asked so often.
type fullFor struct{ left, asked int }

func (f *fullFor) Submit(_ context.Context, _ uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error) {
	if f.asked++; f.left > 0 {
		f.left--
		return nil, fmt.Errorf("appending %d scans: %w", len(subs), scanlog.ErrFull)
	}
	return make([]ingest.Result, len(subs)), nil
}

// TestLoadBearsAFullLog has scans wait for a log that is full for a while, and not for one that stays full.
func TestLoadBearsAFullLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := &fullFor{left: 10}
		l := &loader{ingest: busy}
		if results, err := l.insist(t.Context(), uuid.New(), make([]ingest.Submission, 1)); err != nil || len(results) != 1 || busy.asked != 11 {
			t.Errorf("a log that was full for a while answered %v, %v after it was asked %d times", results, err, busy.asked)
		}
		l.ingest = &fullFor{left: math.MaxInt}
		start := time.Now()
		if _, err := l.insist(t.Context(), uuid.New(), nil); !errors.Is(err, scanlog.ErrFull) || time.Since(start) != patience {
			t.Errorf("a log that stays full was given up after %v with %v", time.Since(start), err)
		}
		ended, end := context.WithCancelCause(t.Context())
		end(ingest.ErrTooOld)
		if _, err := l.insist(ended, uuid.New(), nil); !errors.Is(err, ingest.ErrTooOld) {
			t.Errorf("a load that another scan has ended: %v", err)
		}
	})
}
