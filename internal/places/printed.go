package places

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// The reasons for refusing a poster that was printed elsewhere. Compare with errors.Is.
var (
	ErrPrintedKind = errs.New(errs.Conflict, "printed_kind", "The place is of another kind.")
	ErrPrintedTime = errs.New(errs.Conflict, "printed_time", "The register has this serial with another time of issue.")
	ErrPrintedWhen = errs.New(errs.Invalid, "printed_when", "A code is issued in the past, and not before 1970.")
)

// PrintedStore is what takes posters in that were printed where there is no server.
type PrintedStore interface {
	CodeStore
	Place(ctx context.Context, id uuid.UUID) (registry.Place, error)
	PutPlaces(ctx context.Context, places []registry.Place) error
}

// Printed is a poster that was printed where there is no server, with a key of the set.
type Printed struct {
	Place   uuid.UUID
	Kind    qrgen.Kind
	Name    string
	Address string
	Serial  uint32
	Issued  int64 // UTC seconds
}

// Register is where printed posters are entered.
type Register struct {
	Store PrintedStore
	Keys  *qrgen.KeySet
	Clock func() time.Time
}

// Enter takes a printed poster in for an organisation, and says whether anything is new: a place that there was not, with this
// code; a newer code of one that there is, beside which the codes of before stay good; or an older one of it. The errors:
// ErrName, ErrKind and those above, registry.ErrNotFound for a place of others, and registry.ErrChanged where the place was changed
// at the same time.
func (r *Register) Enter(ctx context.Context, organisation uuid.UUID, printed Printed) (added bool, err error) {
	if printed.Issued <= 0 || printed.Issued > r.Clock().Unix() {
		return false, ErrPrintedWhen
	}
	p, err := r.Store.Place(ctx, printed.Place)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		err := r.make(ctx, organisation, printed)
		return err == nil, err
	case err != nil:
		return false, fmt.Errorf("reading the place of a poster: %w", err)
	case p.Organisation != organisation:
		return false, registry.ErrNotFound
	case p.Kind != printed.Kind:
		return false, ErrPrintedKind
	case printed.Serial == p.Serial && printed.Issued != p.Issued:
		return false, ErrPrintedTime
	case printed.Serial == p.Serial:
		return false, nil
	case printed.Serial < p.Serial:
		err := r.Store.PutCode(ctx, registry.Code{Place: p.ID, Serial: printed.Serial, Issued: printed.Issued})
		if err != nil {
			return false, fmt.Errorf("entering an older code: %w", err)
		}
		return true, nil
	}
	before := newest(p)
	p.Serial, p.Issued = printed.Serial, printed.Issued
	if p.Code, err = sign(r.Keys, p); err != nil {
		return false, err
	}
	if err := r.Store.Succeed(ctx, p, before); err != nil {
		return false, fmt.Errorf("entering a newer code: %w", err)
	}
	return true, nil
}

// make makes the place of a poster.
func (r *Register) make(ctx context.Context, organisation uuid.UUID, printed Printed) error {
	in := NewPlace{Name: strings.TrimSpace(printed.Name), Address: strings.TrimSpace(printed.Address), Kind: printed.Kind}
	if err := in.check(); err != nil {
		return err
	}
	p := in.place(organisation, r.Clock().Unix())
	p.ID, p.Serial, p.Issued = printed.Place, printed.Serial, printed.Issued
	var err error
	if p.Code, err = sign(r.Keys, p); err != nil {
		return err
	}
	if err := r.Store.PutPlaces(ctx, []registry.Place{p}); err != nil {
		return fmt.Errorf("entering the place of a poster: %w", err)
	}
	return nil
}
