package citizen

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/scan"
	"github.com/truyvet/truyvet/internal/shown"
	"github.com/truyvet/truyvet/internal/vault"
	"github.com/truyvet/truyvet/qrgen"
)

// The reasons for refusing what is presented at a gate. Compare with errors.Is; they do not hold what was presented.
var (
	ErrPresented = errs.New(errs.Invalid, "gate_input", "This is neither an ID card, nor a personal code, nor a phone number.")
	ErrCodeOver  = errs.New(errs.Gone, "personal_code_over", "This personal code is over; have the one shown that is on the phone now.")
)

// PersonalCodes says whose a personal code is. Its errors are those of qrgen.KeySet.VerifyPersonal.
type PersonalCodes interface {
	VerifyPersonal(text string, at time.Time) (qrgen.PersonalCode, error)
}

// People makes the person of an alias where there is none yet.
type People interface {
	EnsurePerson(ctx context.Context, link registry.Link, area string) (registry.Person, error)
}

// Keeper keeps, of what is known of somebody, what is not there yet.
type Keeper interface {
	Keep(ctx context.Context, person uuid.UUID, d vault.Details) error
}

// Gate receives people at gates. It is safe for concurrent use.
type Gate struct {
	pseudonyms *Pseudonyms
	codes      PersonalCodes
	people     People
	vault      Keeper
	clock      func() time.Time
}

// NewGate returns a gate behind which people and what is known of them are kept.
func NewGate(pseudonyms *Pseudonyms, codes PersonalCodes, people People, keeper Keeper, clock func() time.Time) *Gate {
	return &Gate{pseudonyms: pseudonyms, codes: codes, people: people, vault: keeper, clock: clock}
}

// Presented is whom something names that was shown or told at a gate. It holds nothing of it.
type Presented struct {
	Alias uuid.UUID
	How   scan.How // by card, personal code, or typed
}

// Receive reads what a guard typed, or a reader of codes typed for them, at the given time: anything that shown.Read reads but
// the code of a place. The person is there afterwards, for a tracing team that types in the same number, and what was said of
// them is in the vault; what was there before stays. The errors: ErrPresented, ErrCodeOver, and those of the registry.
func (g *Gate) Receive(ctx context.Context, text string, at time.Time) (Presented, error) {
	who, err := g.read(shown.Read(text), at)
	if err != nil {
		return Presented{}, err
	}
	link := registry.Link{Alias: who.Alias, Kind: who.kind, Linked: g.clock().Unix()}
	person, err := g.people.EnsurePerson(ctx, link, "")
	if err != nil {
		return Presented{}, fmt.Errorf("finding who stands at the gate: %w", err)
	}
	if err := g.vault.Keep(ctx, person.ID, who.details); err != nil {
		return Presented{}, fmt.Errorf("keeping who stands at the gate: %w", err)
	}
	return who.Presented, nil
}

// named is what was read of somebody at a gate.
type named struct {
	Presented
	kind    string // KindPhone or KindIDCard
	details vault.Details
}

// read says whom something names that was shown at the given time.
func (g *Gate) read(s shown.Shown, at time.Time) (named, error) {
	switch s.Kind {
	case shown.IDCard:
		details := vault.Details{
			vault.IDCard: s.Card.Number, vault.OldIDCard: s.Card.OldNumber, vault.Name: s.Card.Name, vault.Address: s.Card.Address,
		}
		if s.Card.BirthYear != "" {
			details[vault.BirthYear] = s.Card.BirthYear
		}
		return g.byCard(details, scan.GateCard), nil
	case shown.PersonalCode:
		return g.byCode(s.Token, at)
	case shown.IDNumber:
		return g.byCard(vault.Details{vault.IDCard: s.Number}, scan.GateTyped), nil
	case shown.PhoneNumber:
		alias := g.pseudonyms.alias(KindPhone, s.Number)
		return named{Presented{alias, scan.GateTyped}, KindPhone, vault.Details{vault.Phone: s.Number}}, nil
	default:
		return named{}, ErrPresented
	}
}

func (g *Gate) byCard(details vault.Details, how scan.How) named {
	return named{Presented{g.pseudonyms.alias(KindIDCard, details[vault.IDCard]), how}, KindIDCard, details}
}

// byCode reads a personal code. Whoever has one has proved a phone number; nothing is known from it.
func (g *Gate) byCode(text string, at time.Time) (named, error) {
	code, err := g.codes.VerifyPersonal(text, at)
	switch qrgen.CodeOf(err) {
	case qrgen.ErrExpired.Code():
		return named{}, ErrCodeOver
	case "":
		if err != nil {
			return named{}, fmt.Errorf("reading a personal code: %w", err)
		}
		return named{Presented: Presented{code.Alias, scan.GateCode}, kind: KindPhone}, nil
	}
	return named{}, ErrPresented
}
