package citizen

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ratelimit"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/vault"
)

// memory is a ProofStore as the registry's contract says.
type memory struct {
	mu         sync.Mutex
	challenges map[uuid.UUID]registry.Challenge
	links      map[uuid.UUID]registry.Link
	people     map[uuid.UUID]registry.Person // by alias
	kept       map[uuid.UUID]vault.Details   // by person
	buckets    map[string]int64              // when they are full again
	fail       error                         // what EnsurePerson fails with
}

func (m *memory) FullAt(_ context.Context, key []byte) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buckets[string(key)], nil
}

func (m *memory) TakeFrom(_ context.Context, b registry.Bucket, now int64) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	full := m.buckets[string(b.Key)]
	if full > b.LatestFull(now) {
		return false, nil
	}
	m.buckets[string(b.Key)] = max(full, now) + b.Every
	return true, nil
}

func (m *memory) Refill(_ context.Context, key []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.buckets, string(key))
	return nil
}

func (m *memory) PutChallenge(_ context.Context, c registry.Challenge) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.challenges[c.ID] = c
	return nil
}

func (m *memory) TryChallenge(_ context.Context, id uuid.UUID, now int64, limit int) (registry.Challenge, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.challenges[id]
	if !ok || c.Expires <= now {
		return registry.Challenge{}, fmt.Errorf("trying: %w", registry.ErrNotFound)
	}
	if c.Tries >= limit {
		return registry.Challenge{}, fmt.Errorf("trying: %w", registry.ErrSpent)
	}
	c.Tries++
	m.challenges[id] = c
	return c, nil
}

func (m *memory) DeleteChallenge(ctx context.Context, id uuid.UUID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.challenges[id]; !ok {
		return fmt.Errorf("deleting: %w", registry.ErrNotFound)
	}
	delete(m.challenges, id)
	return nil
}

func (m *memory) EnsurePerson(_ context.Context, link registry.Link, area string) (registry.Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return registry.Person{}, m.fail
	}
	if _, there := m.links[link.Alias]; !there {
		m.links[link.Alias] = link
		m.people[link.Alias] = registry.Person{ID: uuid.New(), Area: area}
	}
	return m.people[link.Alias], nil
}

func (m *memory) MovePerson(_ context.Context, id uuid.UUID, area string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for alias, person := range m.people {
		if person.ID == id {
			m.people[alias] = registry.Person{ID: id, Area: area}
		}
	}
	return nil
}

func (m *memory) KeepsDetail(_ context.Context, alias uuid.UUID, field string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[m.people[alias].ID][vault.Field(field)] != "", m.fail
}

func (m *memory) Put(_ context.Context, person uuid.UUID, d vault.Details) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[person] = d
	return nil
}

// outbox is a Sender that keeps what it sent.
type outbox struct {
	mu          sync.Mutex
	phone, code string
	fail        error
}

func (o *outbox) SendCode(_ context.Context, phone, code string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.phone, o.code = phone, code
	return o.fail
}

type bench struct {
	*Proofs
	clock *handClock
	store *memory
	sent  *outbox
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		clock: newClock(), sent: &outbox{},
		store: &memory{
			challenges: make(map[uuid.UUID]registry.Challenge), links: make(map[uuid.UUID]registry.Link),
			people: make(map[uuid.UUID]registry.Person), kept: make(map[uuid.UUID]vault.Details), buckets: make(map[string]int64),
		},
	}
	ring, err := vault.NewRing([]vault.Key{{ID: 1, Key: testKey}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.Proofs = NewProofs(ProofDeps{
		Store: b.store, Pseudonyms: pseudonyms(t, testKey), Credentials: credentials(t, b.clock), Sender: b.sent, Locker: ring,
		Vault: b.store, Tries: ratelimit.SharedDeps{Buckets: b.store, Key: testKey, Clock: b.clock.time}, Clock: b.clock.time,
	})
	return b
}

func (b *bench) start(t *testing.T) Started {
	t.Helper()
	started, err := b.Start(t.Context(), "+84 912 345 678", "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	return started
}

// wrong is a code that was not sent.
func (b *bench) wrong() string {
	if b.sent.code == "000000" {
		return "000001"
	}
	return "000000"
}

func (b *bench) wantFinish(t *testing.T, id uuid.UUID, code string, want error) Credential {
	t.Helper()
	credential, err := b.Finish(t.Context(), id, code, About{})
	if !errors.Is(err, want) || (err == nil) != (credential != Credential{}) {
		t.Errorf("finishing gives %v, want %v", err, want)
	}
	return credential
}

func TestProof(t *testing.T) {
	b := newBench(t)
	started := b.start(t)
	if b.sent.phone != "0912345678" || !regexp.MustCompile(`^[0-9]{6}$`).MatchString(b.sent.code) {
		t.Errorf("sent %q to %q", b.sent.code, b.sent.phone)
	}
	if started.Shown != "" {
		t.Error("a code that was sent is shown too")
	}
	if want := b.clock.time().Add(5 * time.Minute); !started.Expires.Equal(want) {
		t.Errorf("the code ends at %v, want %v", started.Expires, want)
	}
	b.wantFinish(t, started.ID, b.wrong(), ErrCodeWrong)
	b.clock.advance(5*time.Minute - time.Second)
	credential := b.wantFinish(t, started.ID, " "+b.sent.code+"\n", nil)
	alias, err := b.Pseudonyms.Phone("0912345678")
	if err != nil || credential.Alias != alias {
		t.Errorf("the credential is for %v, want %v", credential.Alias, alias)
	}
	if got, err := b.Credentials.Verify(credential.Text); err != nil || got != alias {
		t.Errorf("the credential says %v, %v", got, err)
	}
	if link := b.store.links[alias]; link.Kind != KindPhone || link.Linked != b.clock.time().Unix() {
		t.Errorf("the link is %+v", link)
	}
	b.wantFinish(t, started.ID, b.sent.code, ErrCodeExpired) // one use
}

func TestCodeExpires(t *testing.T) {
	b := newBench(t)
	started := b.start(t)
	b.clock.advance(5 * time.Minute)
	b.wantFinish(t, started.ID, b.sent.code, ErrCodeExpired)
	b.wantFinish(t, uuid.New(), b.sent.code, ErrCodeExpired)
	if len(b.store.links) != 0 {
		t.Error("a person was made")
	}
}

func TestCodeOfAnotherProofIsWrong(t *testing.T) {
	b := newBench(t)
	first := b.start(t)
	firstCode := b.sent.code
	for second := b.start(t); ; second = b.start(t) {
		if b.sent.code != firstCode { // one in a million is the same
			b.wantFinish(t, first.ID, b.sent.code, ErrCodeWrong)
			b.wantFinish(t, second.ID, firstCode, ErrCodeWrong)
			return
		}
	}
}

func TestTries(t *testing.T) {
	b := newBench(t)
	started := b.start(t)
	for _, malformed := range []string{"", "12345", "1234567", "12345a", "１２３４５６"} {
		for range 3 {
			b.wantFinish(t, started.ID, malformed, ErrCodeWrong)
		}
	}
	for range 4 {
		b.wantFinish(t, started.ID, b.wrong(), ErrCodeWrong)
	}
	b.wantFinish(t, started.ID, b.wrong(), ErrTooManyTries)
	b.wantFinish(t, started.ID, b.sent.code, ErrTooManyTries)
	if tries := b.store.challenges[started.ID].Tries; tries != CodeTries {
		t.Errorf("%d tries are counted", tries)
	}
	if len(b.store.links) != 0 {
		t.Error("a person was made")
	}

	lastTry := b.start(t)
	for range 4 {
		b.wantFinish(t, lastTry.ID, b.wrong(), ErrCodeWrong)
	}
	b.wantFinish(t, lastTry.ID, b.sent.code, nil)
}

func TestOneUseAtOnce(t *testing.T) {
	b := newBench(t)
	started := b.start(t)
	outcomes := make(chan error, CodeTries)
	for range cap(outcomes) {
		go func() {
			_, err := b.Finish(t.Context(), started.ID, b.sent.code, About{})
			outcomes <- err
		}()
	}
	won := 0
	for range cap(outcomes) {
		if err := <-outcomes; err == nil {
			won++
		} else if !errors.Is(err, ErrCodeExpired) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("the code was used %d times", won)
	}
}

func TestACodeOutlivesAFailureOfOurs(t *testing.T) {
	b := newBench(t)
	started := b.start(t)
	b.store.fail = registry.ErrBusy
	b.wantFinish(t, started.ID, b.sent.code, registry.ErrBusy)
	b.store.fail = nil
	b.wantFinish(t, started.ID, b.sent.code, nil)
}

func TestWhatIsNotSentIsNotKept(t *testing.T) {
	b := newBench(t)
	b.sent.fail = errors.New("no route")
	ctx, cancel := context.WithCancel(t.Context())
	b.Sender = senderFunc(func(ctx context.Context, phone, code string) error {
		cancel() // who asked has gone meanwhile
		return b.sent.SendCode(ctx, phone, code)
	})
	started, err := b.Start(ctx, "0912345678", "192.0.2.1")
	if !errors.Is(err, ErrNotSent) || errs.Of(err).Kind != errs.Unavailable || started != (Started{}) {
		t.Errorf("starting gives %+v, %v", started, err)
	}
	if len(b.store.challenges) != 0 {
		t.Error("the challenge is still there")
	}
}

type senderFunc func(ctx context.Context, phone, code string) error

func (f senderFunc) SendCode(ctx context.Context, phone, code string) error {
	return f(ctx, phone, code)
}

func TestDemoSenderShowsTheCode(t *testing.T) {
	b := newBench(t)
	b.Sender = DemoSender{}
	started := b.start(t)
	b.wantFinish(t, started.ID, started.Shown, nil)
}

func TestNothingThatIsKeptOrSaidNamesThePerson(t *testing.T) {
	b := newBench(t)
	started := b.start(t)
	kept := fmt.Sprintf("%+v %q", b.store.challenges, b.store.challenges[started.ID].CodeHash)
	secrets := []string{"0912345678", "912345678", b.sent.code}
	_, wrong := b.Finish(t.Context(), started.ID, b.wrong(), About{})
	_, phone := b.Start(t.Context(), "0912345678123", "192.0.2.1")
	for _, said := range []string{wrong.Error(), phone.Error()} {
		kept += said
	}
	for _, secret := range secrets {
		// The sent code may by chance stand among the digits of a UUID or an instant; six in a row as a word do not.
		if regexp.MustCompile(`\b` + secret + `\b`).MatchString(kept) {
			t.Errorf("%q is in what is kept or said", secret)
		}
	}
}

func TestNetwork(t *testing.T) {
	tests := []struct{ remote, want string }{
		{"192.0.2.1", "192.0.2.1"},
		{"192.0.2.1:8080", "192.0.2.1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"[2001:db8:1:2:ffff::1]:80", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::/64"},
		{"", ""},
		{"door", ""},
		{strings.Repeat("9", 100), ""},
	}
	for _, test := range tests {
		if got := network(test.remote); got != test.want {
			t.Errorf("the network of %q is %q, want %q", test.remote, got, test.want)
		}
	}
}

// TestWhatIsKeptOfAProof: the number that was proved, and what the person said; on the way nothing of it can be read.
func TestWhatIsKeptOfAProof(t *testing.T) {
	b := newBench(t)
	started := b.start(t)
	waiting := b.store.challenges[started.ID].Phone
	if len(waiting) == 0 || strings.Contains(string(waiting), "912345678") {
		t.Errorf("the number waits as %q", waiting)
	}
	for _, name := range []string{strings.Repeat("Á", 101), "a\x00b", "\xff"} {
		if _, err := b.Finish(t.Context(), started.ID, b.sent.code, About{Name: name}); !errors.Is(err, ErrName) {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	finish := func(id uuid.UUID, about About) (registry.Person, vault.Details) {
		t.Helper()
		credential, err := b.Finish(t.Context(), id, b.sent.code, about)
		if err != nil {
			t.Fatal(err)
		}
		person := b.store.people[credential.Alias]
		return person, b.store.kept[person.ID]
	}
	person, kept := finish(started.ID, About{Name: " Nguyễn\u00a0 Ánh ", Ward: "w1"})
	if person.Area != "w1" || kept[vault.Phone] != "0912345678" || kept[vault.Name] != "Nguyễn Ánh" || kept[vault.Ward] != "w1" {
		t.Errorf("%+v, %d details", person, len(kept))
	}
	moved, kept := finish(b.start(t).ID, About{Ward: "w2"})
	if moved.ID != person.ID || moved.Area != "w2" || kept[vault.Ward] != "w2" || kept[vault.Name] != "" {
		t.Errorf("%+v, %d details", moved, len(kept))
	}
	if stayed, _ := finish(b.start(t).ID, About{}); stayed.Area != "w2" {
		t.Errorf("%+v", stayed)
	}
}

// TestANumberIsKeptUntilItIsForgotten, and again once it was proved anew, of the same person.
func TestANumberIsKeptUntilItIsForgotten(t *testing.T) {
	b := newBench(t)
	prove := func() uuid.UUID {
		t.Helper()
		credential, err := b.Finish(t.Context(), b.start(t).ID, b.sent.code, About{})
		if err != nil {
			t.Fatal(err)
		}
		return credential.Alias
	}
	want := func(alias uuid.UUID, want bool) {
		t.Helper()
		if kept, err := b.Kept(t.Context(), alias); err != nil || kept != want {
			t.Errorf("the number is kept: %v, %v", kept, err)
		}
	}
	want(uuid.New(), false)
	alias := prove()
	want(alias, true)
	person := b.store.people[alias].ID
	clear(b.store.kept)
	want(alias, false)
	if again := prove(); again != alias || b.store.people[again].ID != person {
		t.Error("whoever comes again is somebody else")
	}
	want(alias, true)
	b.store.fail = errors.New("away")
	if kept, err := b.Kept(t.Context(), alias); !kept || !errors.Is(err, b.store.fail) {
		t.Errorf("with the registry away: %v, %v", kept, err)
	}
}
