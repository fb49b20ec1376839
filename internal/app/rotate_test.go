package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

// office is one that people have checked in at: each by phone, and every second by card at a gate too.
type office struct {
	*Office
	cfg    *config.Config
	phones map[string]uuid.UUID // phone number → person
	cards  map[string]uuid.UUID
}

const peopleOfOffice = 700 // more than are rotated at once

func newOffice(t *testing.T) *office {
	t.Helper()
	cfg, err := config.Load(t.Context(), []string{"TRUYVET_DATA=" + t.TempDir()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Init(t.Context(), cfg, time.Now); err != nil {
		t.Fatal(err)
	}
	o := &office{cfg: cfg, phones: make(map[string]uuid.UUID), cards: make(map[string]uuid.UUID)}
	o.Office = reopened(t, cfg)
	var people []registry.Person
	var links []registry.Link
	var sealed []registry.Sealed
	add := func(field vault.Field, kind, number string, alias uuid.UUID) uuid.UUID {
		person := registry.Person{ID: uuid.New()}
		people = append(people, person)
		links = append(links, registry.Link{Alias: alias, Person: person.ID, Kind: kind})
		value, key, err := o.secrets.ring.Seal(person.ID, field, number)
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, registry.Sealed{Person: person.ID, Field: string(field), Key: key, Value: value})
		return person.ID
	}
	for i := range peopleOfOffice {
		phone, card := fmt.Sprintf("09120%05d", i), fmt.Sprintf("0010990%05d", i)
		alias, _ := o.Pseudonyms.Phone(phone)
		o.phones[phone] = add(vault.Phone, citizen.KindPhone, phone, alias)
		if i%2 == 0 {
			alias, _ = o.Pseudonyms.IDCard(card)
			o.cards[card] = add(vault.IDCard, citizen.KindIDCard, card, alias)
		}
	}
	if err := errors.Join(o.Registry.PutPeople(t.Context(), people, links), o.Registry.PutSealed(t.Context(), sealed, false)); err != nil {
		t.Fatal(err)
	}
	return o
}

// reopened is the office as another process opens it.
func reopened(t *testing.T, cfg *config.Config) *Office {
	t.Helper()
	o, err := OpenOffice(t.Context(), cfg, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// wantAll sees every number opened, by an office that another process has open, and everybody found by it.
func (o *office) wantAll(t *testing.T, by *Office) {
	t.Helper()
	if err := by.secrets.refresh(); err != nil {
		t.Fatal(err)
	}
	opened := make(map[string]uuid.UUID)
	err := by.secrets.ring.Identifiers(t.Context(), by.Registry, func(found []vault.Identifier) error {
		for _, identifier := range found {
			opened[identifier.Text] = identifier.Person
		}
		return nil
	}, func(int) {})
	want := maps.Clone(o.phones)
	maps.Copy(want, o.cards)
	if err != nil || !maps.Equal(opened, want) {
		t.Fatalf("%d of %d numbers open, %v", len(opened), len(want), err)
	}
	find := func(person uuid.UUID, alias uuid.UUID, err error) {
		t.Helper()
		found, findErr := by.Registry.PersonByAlias(t.Context(), alias)
		if err := errors.Join(err, findErr); err != nil || found.ID != person {
			t.Fatalf("somebody is %s, was %s, %v", found.ID, person, err)
		}
	}
	for phone, person := range o.phones {
		alias, err := by.Pseudonyms.Phone(phone)
		find(person, alias, err)
	}
	for card, person := range o.cards {
		alias, err := by.Pseudonyms.IDCard(card)
		find(person, alias, err)
	}
}

var errKilled = errors.New("killed")

// killedAt is a rotation that ends when it has told of its progress so often; it never gets to waiting if the wait is long.
func killedAt(ctx context.Context, n int, follow time.Duration) (context.Context, Rotation) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, Rotation{Follow: follow, Seen: func(int, int) {
		if n--; n <= 0 {
			cancel(errKilled)
		}
	}}
}

func TestVaultRotationIsKilledAndGoesOn(t *testing.T) {
	o := newOffice(t)
	other := reopened(t, o.cfg) // a server that knows the keys of before
	quiet := Rotation{Seen: func(int, int) {}}
	ctx, killed := killedAt(t.Context(), 1, 0)
	if _, err := o.RotateVault(ctx, killed); err == nil {
		t.Fatal("it was not killed")
	}
	counts, err := o.Registry.CountSealed(t.Context())
	if err != nil || counts[1] == 0 || counts[2] == 0 {
		t.Fatalf("sealed are %v, %v: not half way", counts, err)
	}
	o.wantAll(t, o.Office)
	// Without being told, the other opens what is sealed with the new key.
	err = other.secrets.ring.Identifiers(t.Context(), other.Registry, func([]vault.Identifier) error { return nil }, func(int) {})
	if err != nil {
		t.Errorf("a server that runs: %v", err)
	}
	if key, err := o.RotateVault(t.Context(), quiet); err != nil || key != 2 {
		t.Fatalf("going on: key %d, %v", key, err)
	}
	counts, err = o.Registry.CountSealed(t.Context())
	if err != nil || len(counts) != 1 || counts[2] != int64(len(o.phones)+len(o.cards)) {
		t.Errorf("sealed are %v, %v", counts, err)
	}
	o.wantAll(t, other)
	o.wantAll(t, reopened(t, o.cfg))
	if key, err := o.RotateVault(t.Context(), quiet); err != nil || key != 3 {
		t.Errorf("once more: key %d, %v", key, err)
	}
	o.wantAll(t, other)
}

// TestPseudonymRotationIsKilledAndGoesOn kills it before the new key is used, while servers follow, and at the end.
func TestPseudonymRotationIsKilledAndGoesOn(t *testing.T) {
	o := newOffice(t)
	before := reopened(t, o.cfg)
	old := make(map[uuid.UUID]uuid.UUID)
	for phone, person := range o.phones {
		alias, _ := before.Pseudonyms.Phone(phone)
		old[alias] = person
	}
	guardian, _ := before.Pseudonyms.Phone("0912000001")
	child, err := citizen.NewDependants(o.Registry, o.Pseudonyms, o.Vault, time.Now).Add(t.Context(), guardian, "Bé Na")
	if err != nil {
		t.Fatal(err)
	}
	ctx, killed := killedAt(t.Context(), 1, 0)
	if _, err := o.RotatePseudonym(ctx, killed); err == nil {
		t.Fatal("it was not killed")
	}
	o.wantAll(t, before)
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err = o.RotatePseudonym(ctx, Rotation{Follow: time.Hour, Seen: func(looked, _ int) {
		if looked >= len(o.phones)+len(o.cards) {
			time.AfterFunc(time.Millisecond, func() { cancel(errKilled) })
		}
	}})
	if err == nil {
		t.Fatal("it did not wait")
	}
	// Meanwhile somebody came to a server that had not followed.
	late, _ := before.Pseudonyms.Phone("0999999999")
	person, err := before.Registry.EnsurePerson(t.Context(), registry.Link{Alias: late, Kind: citizen.KindPhone}, "")
	if err == nil {
		err = before.Vault.Put(t.Context(), person.ID, vault.Details{vault.Phone: "0999999999"})
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.RotatePseudonym(t.Context(), Rotation{Seen: func(int, int) {}}); err != nil {
		t.Fatal(err)
	}
	o.phones["0999999999"] = person.ID
	o.wantAll(t, before)
	o.wantAll(t, reopened(t, o.cfg))
	for alias, person := range old {
		found, err := o.Registry.PersonByAlias(t.Context(), alias)
		if err != nil || found.ID != person {
			t.Fatalf("an alias of before is %s's, was %s's, %v", found.ID, person, err)
		}
		if again, _ := o.Registry.World(t.Context()); again.Links[alias] != person {
			t.Fatal("what was scanned before is somebody else's")
		}
		break
	}
	wantChild(t, before, o.phones["0912000001"], child)
	secrets, err := config.ReadSecrets(o.cfg.SecretsFile)
	if err != nil || secrets.PseudonymNext != nil || secrets.PseudonymBefore != nil || string(secrets.Pseudonym) == string(o.Secrets.Pseudonym) {
		t.Errorf("the file is not as after a rotation: %v", err)
	}
	for alias := range old {
		for phone := range o.phones {
			if now, _ := before.Pseudonyms.Phone(phone); now == alias {
				t.Fatal("an alias is the same under the new key")
			}
		}
		break
	}
}

// wantChild sees the one under a guardian's phone under another alias than before, as the same person.
func wantChild(t *testing.T, o *Office, guardian uuid.UUID, before uuid.UUID) {
	t.Helper()
	under, err := o.Registry.Dependants(t.Context(), guardian)
	if err != nil || len(under) != 1 {
		t.Fatalf("%d people under the phone, %v", len(under), err)
	}
	links, err := o.Registry.World(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	guardianAlias, _ := o.Pseudonyms.Phone("0912000001")
	now, err := citizen.NewDependants(o.Registry, o.Pseudonyms, o.Vault, time.Now).Aliases(t.Context(), guardianAlias)
	if err != nil || len(now) != 1 || now[0] == before || links.Links[now[0]] != under[0].Person || links.Links[before] != under[0].Person {
		t.Errorf("under the new key the child is %v, %v", now, err)
	}
}

func TestOneRotationAtATime(t *testing.T) {
	o := newOffice(t)
	_, release, err := o.alone()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.RotateVault(t.Context(), Rotation{Seen: func(int, int) {}}); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("two at once: %v", err)
	}
	release()
	text, err := os.ReadFile(filepath.Join(o.cfg.DataDir, "secrets.json"))
	if err != nil {
		t.Fatal(err)
	}
	o.cfg.SecretsText = config.Hidden(text)
	if _, err := o.RotatePseudonym(t.Context(), Rotation{Seen: func(int, int) {}}); !errors.Is(err, errNoFile) {
		t.Errorf("keys of the environment: %v", err)
	}
}
