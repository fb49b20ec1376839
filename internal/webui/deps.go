package webui

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/audit"
	"github.com/truyvet/truyvet/internal/cases"
	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/ingest"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/qrgen"
)

// Deps is what the pages are made from. Every field but Demo is needed.
type Deps struct {
	Codes       Codes
	Scans       Scans
	Proofs      Proofs
	Credentials Credentials
	Erasures    Erasures
	History     History
	Notices     Notices
	Gate        Gate
	Dependants  Dependants
	Signer      Signer
	Places      Places
	PlaceFiles  PlaceFiles
	Map         Map
	Records     Records
	Printing    Printing
	Turnout     Turnout
	Accounts    *account.Service
	Cases       Cases
	Traces      Traces
	Audit       Audit

	// Sessions keeps the sessions of staff. The engine runs inside its LoadAndSave; its cookie is HttpOnly, SameSite=Lax, and
	// Secure as SecureCookies says.
	Sessions *scs.SessionManager
	// SealKey, 32 bytes, signs what a browser keeps for us between two pages. It is used for nothing else.
	SealKey []byte
	Logger  *slog.Logger
	Clock   func() time.Time
	// Retention is how long scans are kept, in whole days, which citizens are told.
	Retention time.Duration
	// ListAge is how long lists are kept, and OpenedDelay after what time citizens are told who opened their details, both in
	// whole days.
	ListAge, OpenedDelay time.Duration
	// Location is the zone that times are shown and days are meant in.
	Location *time.Location
	// BaseURL is where the pages are reached from outside, as https://example.vn. Codes point there.
	BaseURL string
	// SecureCookies says that cookies may only travel over https. It follows from BaseURL, unless a proxy says otherwise.
	SecureCookies bool
	// Demo, where it is set, says on every page that the data is made up, and lets anybody in.
	Demo *Demo
}

// Demo is what the home page shows of made-up data.
type Demo struct {
	Logins []DemoLogin
	Place  uuid.UUID // a place of the owner's login, whose code page is linked
	Token  string    // of a code, for a citizen's check-in
	Run    uuid.UUID // a finished trace run that the city's login may read; uuid.Nil while there is none
	Phone  string    // of somebody who may be entered as the next case; empty while there is nobody
	Onset  string    // the local day of onset to enter for them, 2006-01-02
}

// HasRun says whether there is a finished run to look at.
func (d *Demo) HasRun() bool { return d.Run != uuid.Nil }

// LoginOf returns the name of the first login of a role, empty where there is none.
func (d *Demo) LoginOf(role registry.Role) string {
	for _, l := range d.Logins {
		if l.Role == role {
			return l.Login
		}
	}
	return ""
}

// passwordOf returns the password of a login that anybody may use; empty for any other, and where there is no demonstration.
func (d *Demo) passwordOf(login string) string {
	if d == nil {
		return ""
	}
	for _, l := range d.Logins {
		if l.Login == login {
			return l.Password
		}
	}
	return ""
}

// DemoLogin is an account that anybody may use.
type DemoLogin struct {
	Login    string
	Password string
	Role     registry.Role
}

// Codes says whether a code is good at an instant. Its errors are those of qrgen.KeySet.Verify.
type Codes interface {
	Verify(token string, at time.Time) (qrgen.Token, error)
}

// Scans takes scans.
type Scans interface {
	Submit(ctx context.Context, alias uuid.UUID, subs []ingest.Submission) ([]ingest.Result, error)
}

// Proofs proves a citizen's phone number with a one-time code. Kept says whether that number is kept still.
type Proofs interface {
	Kept(ctx context.Context, alias uuid.UUID) (bool, error)
	Start(ctx context.Context, phone, remote string) (citizen.Started, error)
	Finish(ctx context.Context, id uuid.UUID, code string, about citizen.About) (citizen.Credential, error)
}

// Credentials says whose credential a browser presents.
type Credentials interface {
	Verify(text string) (uuid.UUID, error)
}

// Erasures erases what was scanned of somebody, and of those under their phone, and enters in the audit log by whom it was asked.
// While a list holds somebody, Held says until when, and Erase leaves them, or refuses with citizen.ErrHeld.
type Erasures interface {
	Held(ctx context.Context, alias uuid.UUID) (citizen.Held, error)
	Erase(ctx context.Context, w citizen.Wish) (citizen.Erased, error)
}

// Notices records who has accepted which version of the notice.
type Notices interface {
	AcceptNotice(ctx context.Context, alias uuid.UUID, version int, at int64) error
}

// History tells people where they were and who opened their details.
type History interface {
	Visits(ctx context.Context, alias uuid.UUID) ([]citizen.Visit, error)
	Opened(ctx context.Context, alias uuid.UUID) ([]citizen.Opening, error)
}

// Gate says whom that names which is presented at a gate, and sees to it that they are known.
type Gate interface {
	Receive(ctx context.Context, text string, at time.Time) (citizen.Presented, error)
}

// Dependants keeps the people without a phone of their own, under that of a citizen.
type Dependants interface {
	Add(ctx context.Context, guardian uuid.UUID, name string) (uuid.UUID, error)
	Aliases(ctx context.Context, guardian uuid.UUID) ([]uuid.UUID, error)
}

// Signer signs what a citizen shows at a gate.
type Signer interface {
	SignPersonal(c qrgen.PersonalCode) (string, error)
}

// Places keeps an organisation's places. What belongs to others is registry.ErrNotFound.
type Places interface {
	Create(ctx context.Context, actor registry.Account, in places.NewPlace) (registry.Place, error)
	Tree(actor registry.Account) []registry.Place
	Count(actor registry.Account) int
	AreasOf(actor registry.Account) []registry.Area
	Place(actor registry.Account, id uuid.UUID) (registry.Place, error)
	Update(ctx context.Context, actor registry.Account, id uuid.UUID, revision int64, in places.NewPlace) (registry.Place, error)
	PlaceCodes
}

// PlaceCodes keeps the codes of an organisation's places, as places.Service does.
type PlaceCodes interface {
	Codes(actor registry.Account, id uuid.UUID) ([]places.Issued, error)
	Reissue(ctx context.Context, actor registry.Account, id uuid.UUID, until int64) (registry.Place, error)
	Revoke(ctx context.Context, actor registry.Account, id uuid.UUID, serial uint32) error
}

// PlaceFiles takes in places from files, says what became of their rows, and writes an organisation's places as one. Its errors are those of places.Files.
type PlaceFiles interface {
	Take(ctx context.Context, actor registry.Account, in io.Reader) (registry.PlaceFile, error)
	Report(ctx context.Context, actor registry.Account, id uuid.UUID) (places.Report, error)
	WriteCSV(ctx context.Context, actor registry.Account, w io.Writer) error
}

// Map knows the names and codes of places, and the areas, without a query.
type Map interface {
	Name(id uuid.UUID) (places.Name, bool)
	Code(id uuid.UUID) (code string, known bool)
	Check(text string) (places.Checked, error)
	ScreenCode(id uuid.UUID) (text string, token qrgen.Token, err error)
	Areas() []registry.Area
	AreaName(code string) string
	Within(area, root string) bool
}

// Records is what pages read straight from the registry.
type Records interface {
	Organisations(ctx context.Context) ([]registry.Organisation, error)
	SearchPlaces(ctx context.Context, q registry.Search) (registry.Found, error)
	Logo(ctx context.Context, organisation uuid.UUID) ([]byte, error)
	PutLogo(ctx context.Context, organisation uuid.UUID, png []byte) error
}

// Printing draws the posters of many places. What belongs to others is registry.ErrNotFound.
type Printing interface {
	Order(ctx context.Context, actor registry.Account, w printing.Wish) (registry.PrintOrder, error)
	Orders(ctx context.Context, actor registry.Account) ([]registry.PrintOrder, error)
	Look(ctx context.Context, actor registry.Account, id uuid.UUID) (printing.Progress, error)
	Open(ctx context.Context, actor registry.Account, id uuid.UUID) (*printing.File, error)
}

// Turnout counts who came to places, whoever's they are, and tells whose code may have been photographed.
type Turnout interface {
	Table(ctx context.Context, place uuid.UUID) (*turnout.Table, error)
	Quiet(ctx context.Context, about uuid.UUID, places []registry.Place) (turnout.QuietPlaces, error)
	Suspect(ctx context.Context, place registry.Place) (turnout.Suspicion, error)
}

// Cases takes in confirmed cases. What lies outside the actor's area is registry.ErrNotFound.
type Cases interface {
	Record(ctx context.Context, actor registry.Account, in cases.Intake) (registry.Case, error)
	Cases(ctx context.Context, actor registry.Account, f cases.Filter, at registry.Cursor) (registry.Part[registry.Case], error)
	Count(ctx context.Context, actor registry.Account, f cases.Filter) (int, error)
	Tally(ctx context.Context, actor registry.Account) (cases.Tally, error)
	Case(ctx context.Context, actor registry.Account, id uuid.UUID) (registry.Case, error)
}

// Traces makes trace runs and dry runs, reads the lists of runs, and opens the details of who is in them. WriteCSV writes the
// list of one case, or of all where of is uuid.Nil.
type Traces interface {
	Run(ctx context.Context, actor registry.Account, order cases.Order) (registry.Run, error)
	DryRun(ctx context.Context, actor registry.Account, choice cases.Choice, own *cases.Numbers) (cases.Estimate, error)
	Runs(ctx context.Context, actor registry.Account, of uuid.UUID, at registry.Cursor) (registry.Part[registry.Run], error)
	List(ctx context.Context, actor registry.Account, run uuid.UUID) (*cases.List, error)
	Standing(ctx context.Context, actor registry.Account, run uuid.UUID) (cases.Standing, error)
	Approve(ctx context.Context, actor registry.Account, run uuid.UUID) error
	Listed(ctx context.Context, actor registry.Account, run, person uuid.UUID) (cases.Listed, error)
	OpenDetails(
		ctx context.Context, actor registry.Account, run, person uuid.UUID, purpose vault.Purpose,
	) (cases.Listed, vault.Details, error)
	WriteCSV(ctx context.Context, actor registry.Account, run, of uuid.UUID, w io.Writer) error
}

// Audit is the log of who did what. Check says how many entries it has and whether they are those that were written; Sign gives
// its end, signed. WriteCSV enters in it who exports what.
type Audit interface {
	Append(ctx context.Context, actor, action, subject, detail string) error
	Find(ctx context.Context, f registry.AuditFilter, before int64, limit int) ([]registry.AuditEntry, error)
	Check(ctx context.Context) (entries int64, err error)
	Sign(ctx context.Context) (audit.SignedHead, error)
	WriteCSV(ctx context.Context, e audit.Export, w io.Writer) error
}
