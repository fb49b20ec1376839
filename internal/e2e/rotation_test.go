package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/citizen"
	"github.com/truyvet/truyvet/internal/config"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/registry/sqlstore"
	"github.com/truyvet/truyvet/internal/testenv"
	"github.com/truyvet/truyvet/internal/testenv/testserver"
	"github.com/truyvet/truyvet/internal/vault"
)

// TestKilledRotationGoesOn kills `truyvet keys rotate` half way, of either kind, while a server runs, and sees everything open
// and everybody found before, then, and after it has run again.
func TestKilledRotationGoesOn(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { killRotations(t) })
	t.Run("PostgreSQL", func(t *testing.T) {
		killRotations(t, "TRUYVET_REGISTRY_URL="+databaseOf(testserver.Postgres(t, testenv.PostgresOptions{})))
	})
}

func killRotations(t *testing.T, settings ...string) {
	const people = 10_000
	g := newGateway(t)
	in := install(t, append(settings, "TRUYVET_SMS_WEBHOOK="+g.URL)...)
	store, err := sqlstore.Open(t.Context(), in.registry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	fillVault(t, in, store, people)
	in.serve()
	v := settle(t, in, g)
	links := func() int {
		w, err := store.World(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(w.Links)
	}
	sealedBy := func(key uint32) int64 {
		counts, err := store.CountSealed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return counts[key]
	}
	// killed begins a rotation and kills it as soon as some of the work is done, and not all. It returns how many rotations that
	// took: one that is through before the kill comes is followed by another.
	killed := func(kind string, done func() int) (rotations int) {
		t.Helper()
		for rotations = 1; ; rotations++ {
			before := done()
			p := in.start("keys", "rotate", kind, "--servers-follow", "60s")
			eventually(t, kind+" is half way", func() error {
				// It stands still while it is looked at: looking may take longer than all of the rotation.
				if err := p.signal(syscall.SIGSTOP); err == nil && done() == before {
					_ = p.signal(syscall.SIGCONT)
					return errors.New("nothing is done yet")
				}
				return nil
			})
			p.kill()
			if n := done() - before; n < people {
				return rotations
			}
			if rotations == 5 {
				t.Fatalf("%s was always through when it was killed", kind)
			}
		}
	}
	comes := 0
	opens := func(when string) {
		t.Helper()
		secrets := readSecrets(t, in)
		keys := make([]vault.Key, len(secrets.Vault))
		for i, key := range secrets.Vault {
			keys[i] = vault.Key(key)
		}
		ring, err := vault.NewRing(keys, nil)
		if err != nil {
			t.Fatal(err)
		}
		opened := 0
		err = ring.Identifiers(t.Context(), store, func(found []vault.Identifier) error {
			opened += len(found)
			return nil
		}, func(int) {})
		if err != nil || opened < people {
			t.Errorf("%s: %d numbers open, %v", when, opened, err)
		}
		// Who proves a number now, to a server that runs since before, is who they were.
		comes++
		prove(t, in, g, v.token, vaultPhone(comes))
	}
	known := peopleIn(t, store)
	opens("before")
	// What is done of a rotation is what is no longer sealed with the first key, and from the second rotation on with the newest.
	newest := func() uint32 { return uint32(len(readSecrets(t, in).Vault)) }
	killed("--vault", func() int {
		if key := newest(); key > 1 {
			return int(sealedBy(key)) + int(key-2)*people
		}
		return 0
	})
	opens("with the vault half rotated")
	in.run("keys", "rotate", "--vault")
	for key := range newest() {
		if n := sealedBy(key); n != 0 {
			t.Errorf("%d details are sealed with key %d", n, key)
		}
	}
	opens("with the vault rotated")
	out := in.run("keys", "list")
	if !regexp.MustCompile(fmt.Sprintf(`(?m)^%d +current +\d{5}`, newest())).MatchString(out) {
		t.Errorf("the keys are\n%s", out)
	}

	rotations := killed("--pseudonym", links)
	opens("with the pseudonyms half rotated")
	in.run("keys", "rotate", "--pseudonym", "--servers-follow", "4s")
	if n := links(); n < (rotations+1)*people {
		t.Errorf("%d links after %d rotations", n, rotations)
	}
	opens("with the pseudonyms rotated")
	if now := peopleIn(t, store); now != known {
		t.Errorf("there were %d people, and are %d", known, now)
	}
	if cmd := exec.Command(binary, "keys", "rotate"); cmd.Run() == nil {
		t.Error("it rotates without being told what")
	}
}

func readSecrets(t *testing.T, in *installation) config.Secrets {
	t.Helper()
	secrets, err := config.ReadSecrets(filepath.Join(in.data, "secrets.json"))
	if err != nil {
		t.Fatal(err)
	}
	return secrets
}

// vaultPhone is the phone number of one of the people that fillVault makes.
func vaultPhone(i int) string { return fmt.Sprintf("09300%05d", i) }

// fillVault makes people who are known by phone.
func fillVault(t *testing.T, in *installation, store *sqlstore.Store, n int) {
	t.Helper()
	secrets := readSecrets(t, in)
	ring, err := vault.NewRing([]vault.Key{vault.Key(secrets.Vault[0])}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pseudonyms, err := citizen.NewPseudonyms(secrets.Pseudonym)
	if err != nil {
		t.Fatal(err)
	}
	people, links, sealed := make([]registry.Person, n), make([]registry.Link, n), make([]registry.Sealed, n)
	for i := range n {
		people[i] = registry.Person{ID: uuid.New(), Created: time.Now().Unix()}
		alias, err := pseudonyms.Phone(vaultPhone(i))
		if err != nil {
			t.Fatal(err)
		}
		links[i] = registry.Link{Alias: alias, Person: people[i].ID, Kind: citizen.KindPhone}
		value, key, err := ring.Seal(people[i].ID, vault.Phone, vaultPhone(i))
		if err != nil {
			t.Fatal(err)
		}
		sealed[i] = registry.Sealed{Person: people[i].ID, Field: string(vault.Phone), Key: key, Value: value}
	}
	if err := errors.Join(store.PutPeople(t.Context(), people, links), store.PutSealed(t.Context(), sealed, false)); err != nil {
		t.Fatal(err)
	}
}

// peopleIn counts the people.
func peopleIn(t *testing.T, store *sqlstore.Store) int64 {
	t.Helper()
	n, err := store.CountPeopleWithout(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}
