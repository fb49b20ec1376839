package owner

import (
	"context"
	"io"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/account"
	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/printing"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/turnout"
)

// Deps is what these pages are made from. All is needed.
type Deps struct {
	Places     Places
	PlaceFiles PlaceFiles
	Map        Map
	Records    Records
	Printing   Printing
	Turnout    Turnout
	Devices    Devices
	Forms      []declaration.Form // that places may ask for
}

// Places keeps an organisation's places. What belongs to others is registry.ErrNotFound.
type Places interface {
	Create(ctx context.Context, actor registry.Account, in places.NewPlace) (registry.Place, error)
	PlaceTrees
	Count(actor registry.Account) int
	AreasOf(actor registry.Account) []registry.Area
	Place(actor registry.Account, id uuid.UUID) (registry.Place, error)
	Update(ctx context.Context, actor registry.Account, id uuid.UUID, revision int64, in places.NewPlace) (registry.Place, error)
	PlaceCodes
}

// PlaceTrees knows how an organisation's places lie, as places.Service does.
type PlaceTrees interface {
	Tree(actor registry.Account) []registry.Place
	Branch(actor registry.Account, id uuid.UUID) (above, parts []registry.Place, err error)
	ReadList(actor registry.Account, file []byte) places.Listed
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

// Map knows the names and codes of places without a query.
type Map interface {
	Name(id uuid.UUID) (places.Name, bool)
	Code(id uuid.UUID) (code string, known bool)
}

// Records is what pages read straight from the registry.
type Records interface {
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
	Rides(ctx context.Context, vehicle uuid.UUID) (*turnout.Rides, error)
	Quiet(ctx context.Context, about uuid.UUID, places []registry.Place) (turnout.QuietPlaces, error)
	Suspect(ctx context.Context, place registry.Place) (turnout.Suspicion, error)
}

// Devices keeps the gates and screens of places.
type Devices interface {
	Visible(ctx context.Context, actor registry.Account, at registry.Cursor) (registry.Part[registry.Account], error)
	Invite(ctx context.Context, actor registry.Account, w account.Wish) (registry.Invitation, string, error)
}
