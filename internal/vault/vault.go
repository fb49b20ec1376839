package vault

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

// ErrPurpose refuses an opening without a purpose. Compare with errors.Is.
var ErrPurpose = errs.New(errs.Invalid, "opening_purpose",
	"Say what the details are needed for; another purpose in words, of at most 200 characters and without numbers of people.")

// Store keeps sealed values. The registry's adapters satisfy it.
type Store interface {
	// SealedFields returns which details of a person are kept.
	SealedFields(ctx context.Context, person uuid.UUID) ([]string, error)
	// PutSealed adds values, all or none; of a detail that is there the value stays, or is replaced.
	PutSealed(ctx context.Context, values []registry.Sealed, replace bool) error
	// OpenSealed records an opening, and returns the person's values, with the phone of who answers for a person without one. In
	// one transaction it calls entries with the person's
	// openings since an instant, this one last, appends what it returns to the audit log, and reads: no entry, no opening.
	OpenSealed(ctx context.Context, o registry.Opening, since int64, seal registry.AuditSeal,
		entries func(recent []registry.Opening) []registry.AuditEntry) ([]registry.Sealed, error)
	// Dated returns a person's values that were made since an instant and are kept no longer than scans.
	Dated(ctx context.Context, person uuid.UUID, since int64) ([]registry.Sealed, error)
	// DatedByAlias is Dated for the people of some aliases; who has none is not in it.
	DatedByAlias(ctx context.Context, aliases []uuid.UUID, since int64) (map[uuid.UUID][]registry.Sealed, error)
}

// Ledger makes the entries of the audit log that a store appends within a transaction of its own.
type Ledger interface {
	Entry(actor, action, subject, detail string) registry.AuditEntry
	Seal(prev []byte, e registry.AuditEntry) []byte
}

// Vault is safe for concurrent use.
type Vault struct {
	ring   *Ring
	store  Store
	ledger Ledger
	clock  func() time.Time
}

// New returns the vault in a store.
func New(ring *Ring, store Store, ledger Ledger, clock func() time.Time) *Vault {
	return &Vault{ring: ring, store: store, ledger: ledger, clock: clock}
}

// Keep adds to the details of people, by their ids, those that are not there; of one that is there nothing changes. It is for what
// nobody has proved: the first card that was shown with a number is believed no less than the last. Empty details are none. All are
// kept or none.
func (v *Vault) Keep(ctx context.Context, people map[uuid.UUID]Details) error {
	var values []registry.Sealed
	byID := func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }
	for _, person := range slices.SortedFunc(maps.Keys(people), byID) {
		there, err := v.store.SealedFields(ctx, person)
		if err != nil {
			return fmt.Errorf("looking which details are kept: %w", err)
		}
		missing := maps.Clone(people[person])
		for _, field := range there {
			delete(missing, Field(field))
		}
		sealed, err := v.seal(person, missing)
		if err != nil {
			return err
		}
		values = append(values, sealed...)
	}
	return v.put(ctx, values, false)
}

// Put keeps details of a person in place of those that were there of the same fields. It is for what the person, whose phone
// was proved, has said. Empty details change nothing.
func (v *Vault) Put(ctx context.Context, person uuid.UUID, d Details) error {
	values, err := v.seal(person, d)
	if err != nil {
		return err
	}
	return v.put(ctx, values, true)
}

// seal seals the details of a person that are not empty.
func (v *Vault) seal(person uuid.UUID, d Details) ([]registry.Sealed, error) {
	var values []registry.Sealed
	for _, field := range Fields() {
		if d[field] == "" {
			continue
		}
		value, key, err := v.ring.Seal(person, field, d[field])
		if err != nil {
			return nil, fmt.Errorf("sealing a detail: %w", err)
		}
		values = append(values, registry.Sealed{Person: person, Field: string(field), Key: key, Value: value})
	}
	return values, nil
}

func (v *Vault) put(ctx context.Context, values []registry.Sealed, replace bool) error {
	if len(values) == 0 {
		return nil
	}
	if err := v.store.PutSealed(ctx, values, replace); err != nil {
		return fmt.Errorf("keeping details: %w", err)
	}
	return nil
}

// Purpose is what details are opened for: one of Purposes, and for OtherPurpose words.
type Purpose struct {
	Code string
	Text string
}

// OtherPurpose is the purpose that must be said in words.
const OtherPurpose = "other"

// Purposes lists the codes of what details may be opened for.
func Purposes() []string { return []string{"inform", "isolate", "test", "identity", OtherPurpose} }

const (
	longestPurpose = 200 // characters
	// mostDigits is how many digits the words may have: a date or a paragraph of a law, but no phone number.
	mostDigits = 8
)

// check returns the purpose as it is recorded. The words go into the audit log, which holds no personal detail: what looks
// like the number of somebody is refused.
func (p Purpose) check() (Purpose, error) {
	p.Text = strings.Join(strings.Fields(p.Text), " ")
	known, digits := false, 0
	for _, code := range Purposes() {
		known = known || p.Code == code
	}
	for _, r := range p.Text {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if !known || digits > mostDigits || !utf8.ValidString(p.Text) || utf8.RuneCountInString(p.Text) > longestPurpose ||
		p.Code == OtherPurpose && p.Text == "" {
		return Purpose{}, ErrPurpose
	}
	return p, nil
}

// Order asks for somebody's details. Whoever makes one has seen that the account may: that the person stands in the run's list
// inside the account's area, and that the run was approved where it must be.
type Order struct {
	Person  uuid.UUID
	Run     uuid.UUID
	Account registry.Account
	Purpose Purpose
}

// Open returns somebody's details with what they have declared, none where nothing is known. The opening and its audit entry, details_opened with the person
// as the subject, are written in the transaction that reads them. Somebody who is opened again and again raises an entry
// repeated_lookups for the auditor beside it. The errors: ErrPurpose, and those of the store; there are no details with one.
func (v *Vault) Open(ctx context.Context, o Order) (Details, error) {
	purpose, err := o.Purpose.check()
	if err != nil {
		return nil, err
	}
	now := v.clock().Unix()
	opening := registry.Opening{
		Person: o.Person, Run: o.Run, Account: o.Account.ID, Area: o.Account.Area, Purpose: purpose.Code, At: now,
	}
	detail := fmt.Sprintf("area=%s;purpose=%s;run=%s", opening.Area, opening.Purpose, opening.Run)
	if purpose.Text != "" {
		detail += ";text=" + purpose.Text
	}
	values, err := v.store.OpenSealed(ctx, opening, now-int64(LookupPeriod/time.Second), v.ledger.Seal,
		func(recent []registry.Opening) []registry.AuditEntry {
			entries := []registry.AuditEntry{v.ledger.Entry(o.Account.Login, "details_opened", o.Person.String(), detail)}
			if why, repeated := Repeated(recent); repeated {
				entries = append(entries, v.ledger.Entry("system", RepeatedLookups, o.Person.String(), why))
			}
			return entries
		})
	if err != nil {
		return nil, fmt.Errorf("opening details: %w", err)
	}
	details := make(Details, len(values))
	for _, value := range values {
		field := Field(value.Field)
		own := value.Person == o.Person
		if _, there := details[field]; !own && (field != Phone || there) {
			continue // of who answers for the person the phone alone counts, where there is no other
		}
		text, err := v.ring.Open(value.Person, field, value.Value)
		if _, _, declared := field.Declaration(); err != nil && !declared {
			return nil, fmt.Errorf("opening the %s of a person, key %d: %w", value.Field, value.Key, err)
		}
		details[field] = text
	}
	return details, nil
}
