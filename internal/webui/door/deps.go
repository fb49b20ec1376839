package door

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/declaration"
	"github.com/truyvet/truyvet/internal/places"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/trips"
	"github.com/truyvet/truyvet/internal/turnout"
	"github.com/truyvet/truyvet/qrgen"
)

// Deps is what these pages are made from. All is needed.
type Deps struct {
	Gate         Gate
	PaceGate     func(gate uuid.UUID, n int) error // counts n more scans of a gate; the error says how long to wait
	Codes        Codes
	Map          Map
	Turnout      Turnout
	Declarations Declarations
	Trips        Trips
	Devices      Devices
}

// Gate says whom that names which is presented at a gate, and sees to it that they are known.
type Gate interface {
	Receive(ctx context.Context, text string, at time.Time) (citizen.Presented, error)
}

// Codes says whether a code is good at an instant. Its errors are those of qrgen.KeySet.Verify.
type Codes interface {
	Verify(token string, at time.Time) (qrgen.Token, error)
}

// Map knows the names of places and what lies inside them, and signs their codes for screens, without a query. Its errors are those of
// places.Service.
type Map interface {
	Name(id uuid.UUID) (places.Name, bool)
	Part(site uuid.UUID, text string) (token string, place uuid.UUID, err error)
	ScreenCode(id uuid.UUID) (text string, token qrgen.Token, err error)
}

// Declarations says how it stands with the declarations of people who are received at a place.
type Declarations interface {
	AtDoor(ctx context.Context, place uuid.UUID, aliases ...uuid.UUID) ([]declaration.State, error)
}

// Turnout counts who came to places.
type Turnout interface {
	Aboard(ctx context.Context, trip registry.Trip) (turnout.Aboard, error)
	Table(ctx context.Context, place uuid.UUID) (*turnout.Table, error)
}

// Trips begins and ends the runs of vehicles. Its errors are those of trips.Service.
type Trips interface {
	IsVehicle(place uuid.UUID) bool
	Board(ctx context.Context, vehicle uuid.UUID) (trips.Board, error)
	Begin(ctx context.Context, gate registry.Account, id uuid.UUID, route string, at int64) (registry.Trip, error)
	End(ctx context.Context, gate registry.Account, id uuid.UUID, at int64) (registry.Trip, error)
}

// Devices knows gates and screens by the keys that they hold, and gives a key to who has the code of an invitation.
type Devices interface {
	EnrolDevice(ctx context.Context, token, remote string) (registry.Account, string, error)
	Device(ctx context.Context, key string) (registry.Account, error)
	Screen(ctx context.Context, key string) (registry.Account, error)
}
