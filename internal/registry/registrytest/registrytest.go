// Package registrytest is the conformance suite that every adapter of the registry passes.
package registrytest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// Store is all that an adapter offers. Who uses a registry declares the few methods that it needs.
type Store interface {
	Ground
	Places
	Trips
	People
	Proofs
	Logins
	Owners
	Details
	Dated
	Work
	Audit
	Retention
}

// Ground is what the other records stand on.
type Ground interface {
	PutAreas(ctx context.Context, areas []registry.Area) error
	Areas(ctx context.Context) ([]registry.Area, error)
	PutOrganisation(ctx context.Context, o registry.Organisation) error
	UpdateOrganisation(ctx context.Context, o registry.Organisation) error
	Organisation(ctx context.Context, id uuid.UUID) (registry.Organisation, error)
	Organisations(ctx context.Context) ([]registry.Organisation, error)
	OrganisationsPart(ctx context.Context, at registry.Cursor) (registry.Part[registry.Organisation], error)
	PutAccount(ctx context.Context, a registry.Account, begun ...registry.Organisation) error
	AccountByLogin(ctx context.Context, login string) (registry.Account, error)
	Account(ctx context.Context, id uuid.UUID) (registry.Account, error)
	Accounts(ctx context.Context) ([]registry.Account, error)
	AccountsPart(ctx context.Context, f registry.AccountFilter, at registry.Cursor) (registry.Part[registry.Account], error)
}

// Places are places, the lives of their codes, and what is read as a whole with the count of its changes.
type Places interface {
	PutPlaces(ctx context.Context, places []registry.Place) error
	PutPlacesWithin(ctx context.Context, places []registry.Place, most int) error
	CountPlaces(ctx context.Context, organisation uuid.UUID) (int, error)
	UpdatePlace(ctx context.Context, p registry.Place) error
	Place(ctx context.Context, id uuid.UUID) (registry.Place, error)
	Keyed(ctx context.Context, organisation uuid.UUID, keys []string) (map[string]uuid.UUID, error)
	Lying(ctx context.Context, organisation uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]registry.Lying, error)
	SearchPlaces(ctx context.Context, q registry.Search) (registry.Found, error)
	PutPlaceFile(ctx context.Context, f registry.PlaceFile, most int) error
	PlaceFile(ctx context.Context, organisation, id uuid.UUID) (registry.PlaceFile, error)
	PutCode(ctx context.Context, c registry.Code) error
	Succeed(ctx context.Context, p registry.Place, before registry.Code) error
	Revision(ctx context.Context) (int64, error)
	World(ctx context.Context) (registry.World, error)
	Changes(ctx context.Context, since int64) (registry.Delta, error)
	Gazetteer(ctx context.Context, known int64) (registry.Gazetteer, error)
}

// People are people, their aliases, and which of their scans are erased.
type People interface {
	EnsurePerson(ctx context.Context, link registry.Link, area string) (registry.Person, error)
	EnsurePeople(ctx context.Context, links []registry.Link) ([]registry.Person, error)
	PutPeople(ctx context.Context, people []registry.Person, links []registry.Link) error
	MovePerson(ctx context.Context, person uuid.UUID, area string) error
	AddLinks(ctx context.Context, links []registry.Link) (int, error)
	Relink(ctx context.Context, link registry.Link) error
	Unlink(ctx context.Context, alias uuid.UUID, at int64) error
	Erase(ctx context.Context, erasures ...registry.Erasure) error
	PersonByAlias(ctx context.Context, alias uuid.UUID) (registry.Person, error)
	AreasOf(ctx context.Context, people []uuid.UUID) (map[uuid.UUID]string, error)
	AliasesOf(ctx context.Context, people []uuid.UUID) ([]uuid.UUID, error)
}

// Proofs are one-time codes and the end of credentials.
type Proofs interface {
	RevokeCredentials(ctx context.Context, person uuid.UUID, issuedBefore int64) error
	RevokedCredentials(ctx context.Context) (map[uuid.UUID]int64, error)
	PutChallenge(ctx context.Context, c registry.Challenge) error
	TryChallenge(ctx context.Context, id uuid.UUID, now int64, limit int) (registry.Challenge, error)
	DeleteChallenge(ctx context.Context, id uuid.UUID) error
	DropExpired(ctx context.Context, now int64) error

	FullAt(ctx context.Context, key []byte) (int64, error)
	TakeFrom(ctx context.Context, b registry.Bucket, now int64) (taken bool, err error)
	Refill(ctx context.Context, key []byte) error
	DropFull(ctx context.Context, now int64) error
}

// Work is what tracing teams make.
type Work interface {
	PutCase(ctx context.Context, c registry.Case) error
	Case(ctx context.Context, id uuid.UUID) (registry.Case, error)
	Cases(ctx context.Context) ([]registry.Case, error)
	CasesPart(ctx context.Context, f registry.CaseFilter, at registry.Cursor) (registry.Part[registry.Case], error)
	CountCases(ctx context.Context, f registry.CaseFilter) (int, error)
	TallyCases(ctx context.Context, area string, now int64) (registry.CaseTally, error)
	CasesOf(ctx context.Context, person uuid.UUID, since int64) (int, error)
	PutIsolations(ctx context.Context, isolations []registry.Isolation) error
	Isolations(ctx context.Context, asOf int64) (map[uuid.UUID]int64, error)
	PutRun(ctx context.Context, r registry.Run, listed ...uuid.UUID) error
	Run(ctx context.Context, id uuid.UUID) (registry.Run, error)
	Runs(ctx context.Context) ([]registry.Run, error)
	RunsPart(ctx context.Context, f registry.RunFilter, at registry.Cursor) (registry.Part[registry.Run], error)
}

// Audit is the audit log.
type Audit interface {
	AppendAudit(ctx context.Context, seal func(prev []byte, e registry.AuditEntry) []byte, e registry.AuditEntry) (registry.AuditEntry, error)
	AuditEntries(ctx context.Context, beforeSeq int64, limit int) ([]registry.AuditEntry, error)
	FindAudit(ctx context.Context, f registry.AuditFilter, beforeSeq int64, limit int) ([]registry.AuditEntry, error)
	WalkAudit(ctx context.Context, from int64, yield func(registry.AuditEntry) error) error
}

// Retention is how records go when their time is over, and by whom.
type Retention interface {
	TakeTurn(ctx context.Context, t registry.Turn, now, doneBefore int64) (bool, error)
	EndTurn(ctx context.Context, t registry.Turn, done int64) error
	RunsBefore(ctx context.Context, created int64, limit int) ([]registry.Run, error)
	DropRun(ctx context.Context, id uuid.UUID) error
	NewestListOf(ctx context.Context, person uuid.UUID) (int64, error)
	CountExpired(ctx context.Context, now int64) (int64, error)
	Unheld(ctx context.Context, known, cases int64, after uuid.UUID, limit int) ([]uuid.UUID, error)
	Forget(ctx context.Context, people []uuid.UUID) error
	AcceptNotice(ctx context.Context, alias uuid.UUID, version int, at int64) error
	AcceptedNotice(ctx context.Context, alias uuid.UUID) (version int, at int64, err error)
}

// Sessions has the methods of scs.CtxStore that take a context.
type Sessions interface {
	CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error
	FindCtx(ctx context.Context, token string) (data []byte, found bool, err error)
	DeleteCtx(ctx context.Context, token string) error
}

// Run holds an adapter to the contract. Open gives a migrated registry with nothing in it, and closes it when the test
// ends; sessions gives the sessions that are kept in it.
func Run[S Store](t *testing.T, open func(t *testing.T) S, sessions func(S) Sessions) {
	tests := []struct {
		name string
		run  func(*testing.T, Store)
	}{
		{"areas", testAreas},
		{"organisations", testOrganisations},
		{"accounts", testAccounts},
		{"sign-ins", testSignIns},
		{"second factors", testFactors},
		{"invitations", testInvitations},
		{"applications", testApplications},
		{"an application is admitted once", testAdmit},
		{"logos", testLogos},
		{"print orders", testPrintOrders},
		{"places", testPlaces},
		{"places within a limit", testPlacesWithin},
		{"places are put all or none", testPlacesAtomic},
		{"an update names the revision it read", testUpdatePlace},
		{"two updates at once", testUpdateRace},
		{"places are found by their names", testSearch},
		{"places are found among many", testSearchAmongMany},
		{"what became of files", testPlaceFiles},
		{"codes", testCodes},
		{"a next code", testSucceed},
		{"trips", testTrips},
		{"who follows the trips misses none", testTripChanges},
		{"what counts as a change", testCounts},
		{"what is read as a whole is of one moment", testWorldOfOneMoment},
		{"a person is made once", testEnsurePerson},
		{"people are made once, all or none", testEnsurePeople},
		{"people in bulk", testPutPeople},
		{"an alias becomes somebody else's, and nobody's", testRelink},
		{"erasures", testErase},
		{"what was and what has changed is what is", testChanges},
		{"who follows the changes misses none", testFollow},
		{"where many people reside", testAreasOfMany},
		{"credentials", testRevokedCredentials},
		{"challenges", testChallenges},
		{"tries and uses of a challenge at once", testChallengeRace},
		{"buckets", testBuckets},
		{"the last of a bucket is taken once", testBucketRace},
		{"somebody moves", testMovePerson},
		{"links of aliases that have none", testAddLinks},
		{"people under somebody's phone", testDependants},
		{"sealed details", testSealed},
		{"whether a detail is kept", testKeepsDetail},
		{"dated details", testDated},
		{"versions of forms", testForms},
		{"openings", testOpenings},
		{"no entry, no opening", testNoEntryNoOpening},
		{"openings at once", testOpeningsAtOnce},
		{"approvals", testApprovals},
		{"laboratory references", testLabRefs},
		{"cases", testCases},
		{"isolations", testIsolations},
		{"runs", testRuns},
		{"cases and runs, a part at a time", testListings},
		{"accounts and organisations, a part at a time", testListingsOfAccounts},
		{"audit", testAudit},
		{"audit entries at once", testAuditRace},
		{"what is looked for in the audit log", testFindAudit},
		{"turns", testTurns},
		{"a turn is taken once", testTurnRace},
		{"runs that are dropped, and who is listed", testDropRun},
		{"what has expired is counted", testCountExpired},
		{"details that nothing holds", testUnheld},
		{"the notice that was accepted", testNotices},
		{"a cancelled call changes nothing", testCancelled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
	t.Run("sessions", func(t *testing.T) {
		s := open(t)
		testSessions(t, s, sessions(s))
	})
}

// The ground of the tests: a city with one district of two wards, an organisation, and an officer of the city.
var (
	areas = []registry.Area{
		{Code: "00001", Level: registry.Ward, Parent: "001", Name: "Phường Phúc Xá"},
		{Code: "00004", Level: registry.Ward, Parent: "001", Name: "Phường Trúc Bạch"},
		{Code: "001", Level: registry.District, Parent: "01", Name: "Quận Ba Đình"},
		{Code: "01", Level: registry.Province, Name: "Hà Nội"},
	}
	organisation = registry.Organisation{ID: id(0xa0, 1), Name: "Chợ Long Biên", Created: 100}
	officer      = registry.Account{
		ID: id(0xb0, 1), Login: "city", Role: registry.RoleCity, Area: "01", PasswordHash: "$argon2id$…", Created: 101,
	}
)

// id makes an id that sorts by its two bytes.
func id(group, n byte) uuid.UUID { return uuid.UUID{0: group, 1: n, 6: 0x40, 8: 0x80, 15: 1} }

func place(n byte, parent uuid.UUID) registry.Place {
	return registry.Place{
		ID: id(0xc0, n), Parent: parent, Organisation: organisation.ID, Kind: qrgen.KindMarket, Name: "Cổng", Address: "1 Hàng Đậu",
		Area: "00001", Dwell: 3600, Hours: "24/7", Form: "general", Code: "AAAA", Serial: 4_000_000_000, Issued: 200, Created: 199, Revision: 1,
	}
}

func ground(t *testing.T, s Store) {
	t.Helper()
	ctx := t.Context()
	must(t, s.PutAreas(ctx, areas))
	must(t, s.PutOrganisation(ctx, organisation))
	must(t, s.PutAccount(ctx, officer))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("the error is %v, want %v", err, want)
	}
}

// wantValue compares what a call gave. It takes both results of the call.
func wantValue[T any](t *testing.T, want T) func(got T, err error) {
	t.Helper()
	return func(got T, err error) {
		t.Helper()
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the value differs (-want +got):\n%s", diff)
		}
	}
}

// wantSame compares two values.
func wantSame[T any](t *testing.T, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the value differs (-want +got):\n%s", diff)
	}
}
