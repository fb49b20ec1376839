package places

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

const (
	maxName   = 200     // characters, of names and of addresses
	maxDwell  = 24 * 60 // minutes: no stay is assumed to last longer
	maxLevels = 8       // of places in one another, the site included
)

// The reasons for refusing a place. Compare with errors.Is.
var (
	ErrName  = errs.New(errs.Invalid, "place_name", "A place needs a name of 1 to 200 characters, and an address of at most 200.")
	ErrKind  = errs.New(errs.Invalid, "place_kind", "The kind of place is not known.")
	ErrDwell = errs.New(errs.Invalid, "place_dwell", "The assumed stay is 1 to 1440 minutes, or empty for the kind's own.")
	ErrHours = errs.New(errs.Invalid, "place_hours", "Opening hours are written like Mo-Fr 07:00-17:00; Sa 07:00-11:30; Su off.")
	ErrForm  = errs.New(errs.Invalid, "place_form", "There is no such form that a place could ask for.")
	// ErrParent is the answer for a place that is not there and for one of others alike.
	ErrParent         = errs.New(errs.Invalid, "place_parent", "The place that it should be a part of is not one of yours, or lies too deep.")
	ErrArea           = errs.New(errs.Invalid, "place_area", "The ward is not known.")
	ErrFile           = errs.New(errs.Invalid, "place_file", "The file is not one of comma-separated values whose first line names the columns.")
	ErrMany           = errs.New(errs.Conflict, "places_many", "The organisation has as many places as it may have; ask the operator for more.")
	ErrNoOrganisation = errs.New(errs.Forbidden, "place_organisation", "Only an organisation has places.")
)

// NewPlace is what an owner says about a place. Parent is uuid.Nil for a site. DwellMinutes 0 means the kind's own. A part
// may leave Address and Area empty: they are its parent's.
type NewPlace struct {
	Parent       uuid.UUID
	Kind         qrgen.Kind
	Name         string
	Address      string
	Area         string // code of a ward
	DwellMinutes int
	Hours        string // as registry.ParseHours reads them; empty if unknown
	Form         string // that people are asked to fill in, or registry.NoForm; empty for what the place around it asks for
}

// Create makes a place of the actor's organisation and signs its first code. White space around name and address goes;
// otherwise they are kept as they are, and whoever writes them somewhere escapes what means something there. The errors:
// those above, and what the store gives.
func (s *Service) Create(ctx context.Context, actor registry.Account, in NewPlace) (registry.Place, error) {
	in.Name, in.Address = strings.TrimSpace(in.Name), strings.TrimSpace(in.Address)
	s.changing.Lock()
	defer s.changing.Unlock()
	p, err := s.newPlace(actor, in)
	if err != nil {
		return registry.Place{}, err
	}
	if p.Code, err = s.sign(p); err != nil {
		return registry.Place{}, err
	}
	err = s.store.PutPlacesWithin(ctx, []registry.Place{p}, s.most)
	if errors.Is(err, registry.ErrFull) {
		return registry.Place{}, ErrMany
	}
	if err != nil {
		return registry.Place{}, fmt.Errorf("keeping a place: %w", err)
	}
	s.know(p)
	return p, nil
}

// newPlace checks what the owner said and fills in the rest, but for the code.
func (s *Service) newPlace(actor registry.Account, in NewPlace) (registry.Place, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if actor.Organisation == uuid.Nil {
		return registry.Place{}, ErrNoOrganisation
	}
	if err := s.check(&in, ""); err != nil {
		return registry.Place{}, err
	}
	if in.Parent != uuid.Nil {
		parent, known := s.places[in.Parent]
		if !known || !owns(actor, parent) || s.level(parent) >= maxLevels {
			return registry.Place{}, ErrParent
		}
		if in.Area == "" {
			in.Area = parent.Area
		}
	}
	if err := s.checkWard(in.Area); err != nil {
		return registry.Place{}, err
	}
	p := in.place(actor.Organisation, s.clock().Unix())
	var err error
	if p.ID, err = uuid.NewV7(); err != nil {
		return registry.Place{}, fmt.Errorf("making an id: %w", err)
	}
	return p, nil
}

// check judges what can be judged of a place by itself, and brings its hours into the form in which they are kept.
func (in *NewPlace) check() (err error) {
	switch {
	case in.Name == "" || !writable(in.Name) || !writable(in.Address):
		return ErrName
	case !in.Kind.Valid():
		return ErrKind
	case in.DwellMinutes < 0 || in.DwellMinutes > maxDwell:
		return ErrDwell
	}
	if in.Hours, err = registry.ParseHours(in.Hours); err != nil {
		return ErrHours.Because(err)
	}
	return nil
}

// check is NewPlace.check, and judges the form: one that is offered, or the one of before, which may be offered no longer.
func (s *Service) check(in *NewPlace, before string) error {
	if in.Form != before && !mayAsk(in.Form, s.forms) {
		return ErrForm
	}
	return in.check()
}

// mayAsk says whether a place may say that of its form, where some are offered.
func mayAsk(form string, offered []string) bool {
	return form == "" || form == registry.NoForm || slices.Contains(offered, form)
}

// checkWard says whether a code is that of a ward, or empty. The caller holds the lock.
func (s *Service) checkWard(code string) error {
	if area, known := s.areas[code]; code != "" && (!known || area.Level != registry.Ward) {
		return ErrArea
	}
	return nil
}

// place makes a place of what was checked, as it begins: without an id and a code.
func (in *NewPlace) place(organisation uuid.UUID, now int64) registry.Place {
	return registry.Place{
		Parent: in.Parent, Organisation: organisation, Kind: in.Kind, Name: in.Name, Address: in.Address, Area: in.Area,
		Dwell: int64(in.DwellMinutes) * 60, Hours: in.Hours, Form: in.Form, Serial: 1, Issued: now, Created: now, Revision: 1,
	}
}

// Update writes what an owner changes of a place: name, address, ward, assumed stay, hours and form. Its kind and what it is a part of
// stay, whatever in says, and so does its code. Revision is the one that the owner saw. What belongs to others is
// registry.ErrNotFound, what was changed meanwhile registry.ErrChanged; the other errors are those of Create.
func (s *Service) Update(ctx context.Context, actor registry.Account, id uuid.UUID, revision int64, in NewPlace) (registry.Place, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	p, err := s.Place(actor, id)
	if err != nil {
		return registry.Place{}, err
	}
	if p.Revision != revision {
		return registry.Place{}, registry.ErrChanged
	}
	in.Name, in.Address, in.Kind = strings.TrimSpace(in.Name), strings.TrimSpace(in.Address), p.Kind
	if err := s.check(&in, p.Form); err != nil {
		return registry.Place{}, err
	}
	s.mu.RLock()
	err = s.checkWard(in.Area)
	s.mu.RUnlock()
	if err != nil {
		return registry.Place{}, err
	}
	p.Name, p.Address, p.Area, p.Dwell, p.Hours, p.Form = in.Name, in.Address, in.Area, int64(in.DwellMinutes)*60, in.Hours, in.Form
	if err := s.store.UpdatePlace(ctx, p); err != nil {
		return registry.Place{}, fmt.Errorf("keeping a place: %w", err)
	}
	p.Revision++
	s.know(p)
	return p, nil
}

// writable says whether text can stand on one line of a poster, and is not too long for it.
func writable(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxName && strings.IndexFunc(text, unicode.IsControl) < 0
}

// level returns 1 for a site, 2 for its parts, and so on. The caller holds the lock.
func (s *Service) level(p registry.Place) int {
	level := 1
	for range s.ancestors(p) {
		level++
	}
	return level
}

func (s *Service) sign(p registry.Place) (string, error) { return sign(s.keys, p) }

func sign(keys *qrgen.KeySet, p registry.Place) (string, error) {
	token := qrgen.Token{Kind: p.Kind, Place: p.ID, IssuedAt: time.Unix(p.Issued, 0), Serial: p.Serial}
	code, err := keys.Sign(token)
	if err != nil {
		return "", fmt.Errorf("signing a code: %w", err)
	}
	return code, nil
}

// know takes over what was written to the store. The caller holds changing.
func (s *Service) know(p registry.Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold(p)
}
