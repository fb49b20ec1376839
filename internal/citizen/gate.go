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

// People makes the people of aliases where there are none yet, all or none, and returns them in their order.
type People interface {
	EnsurePeople(ctx context.Context, links []registry.Link) ([]registry.Person, error)
}

// Keeper keeps, of what is known of people, by their ids, what is not there yet.
type Keeper interface {
	Keep(ctx context.Context, people map[uuid.UUID]vault.Details) error
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

// Visitor is Presented with what was shown or told, to be kept. It keeps that out of every text that it is printed into.
type Visitor struct {
	Presented
	kind    string // KindPhone or KindIDCard
	details vault.Details
}

// String names nobody.
func (Visitor) String() string { return "visitor" }

// GoString is String, for %#v.
func (Visitor) GoString() string { return "visitor" }

// Receive is Read and Keep of one who is there now.
func (g *Gate) Receive(ctx context.Context, text string, at time.Time) (Presented, error) {
	who, err := g.Read(text, at)
	if err == nil {
		err = g.Keep(ctx, who)
	}
	if err != nil {
		return Presented{}, err
	}
	return who.Presented, nil
}

// Keep makes people of visitors, for a tracing team that types in the same numbers, and puts what was said of them into the vault; what
// was there before stays. The errors are those of the registry.
func (g *Gate) Keep(ctx context.Context, visitors ...Visitor) error {
	links, now := make([]registry.Link, len(visitors)), g.clock().Unix()
	for i, v := range visitors {
		links[i] = registry.Link{Alias: v.Alias, Kind: v.kind, Linked: now}
	}
	people, err := g.people.EnsurePeople(ctx, links)
	if err != nil {
		return fmt.Errorf("finding who stands at the gate: %w", err)
	}
	kept := make(map[uuid.UUID]vault.Details, len(people))
	for i, person := range people {
		d := kept[person.ID]
		if d == nil {
			d = make(vault.Details)
			kept[person.ID] = d
		}
		for field, text := range visitors[i].details { //nolint:gosec // there is a person for each; of who came twice the first holds
			if d[field] == "" {
				d[field] = text
			}
		}
	}
	if err := g.vault.Keep(ctx, kept); err != nil {
		return fmt.Errorf("keeping who stands at the gate: %w", err)
	}
	return nil
}

// Read says whom something names that a guard typed, or a reader of codes typed for them, at the given time: anything that shown.Read
// reads but the code of a place. Nothing is kept. The errors: ErrPresented and ErrCodeOver.
func (g *Gate) Read(text string, at time.Time) (Visitor, error) {
	switch s := shown.Read(text); s.Kind {
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
		return Visitor{Presented{alias, scan.GateTyped}, KindPhone, vault.Details{vault.Phone: s.Number}}, nil
	default:
		return Visitor{}, ErrPresented
	}
}

func (g *Gate) byCard(details vault.Details, how scan.How) Visitor {
	return Visitor{Presented{g.pseudonyms.alias(KindIDCard, details[vault.IDCard]), how}, KindIDCard, details}
}

// byCode reads a personal code. Whoever has one has proved a phone number; nothing is known from it.
func (g *Gate) byCode(text string, at time.Time) (Visitor, error) {
	code, err := g.codes.VerifyPersonal(text, at)
	switch qrgen.CodeOf(err) {
	case qrgen.ErrExpired.Code():
		return Visitor{}, ErrCodeOver
	case "":
		if err != nil {
			return Visitor{}, fmt.Errorf("reading a personal code: %w", err)
		}
		return Visitor{Presented: Presented{code.Alias, scan.GateCode}, kind: KindPhone}, nil
	}
	return Visitor{}, ErrPresented
}
