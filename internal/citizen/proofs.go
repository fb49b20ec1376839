package citizen

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/ratelimit"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/internal/shown"
	"github.com/truyvet/truyvet/internal/vault"
)

// The bounds of a proof.
const (
	// CodeLife is how long a code can be used.
	CodeLife = 5 * time.Minute
	// CodeTries is how many codes can be tried in one proof.
	CodeTries = 5

	codeDigits = 6
)

// The limits of starting proofs, over all processes. Whoever guesses has five tries per code: at one code in ten minutes that is
// 720 tries of a million a day against one number, and from one address 43,200 a day against all. An address may be that of an
// office or of a carrier with many people behind it, hence the burst. Those in total are of one process.
var (
	codesPerAlias  = ratelimit.Rule{Burst: 3, Every: 10 * time.Minute}
	codesInTotal   = ratelimit.Rule{Burst: 200, Every: 100 * time.Millisecond}
	codesPerRemote = ratelimit.Rule{Burst: 30, Every: 10 * time.Second}
	// remotesInTotal only bounds what is written of addresses: it is wider than codesInTotal.
	remotesInTotal = ratelimit.Rule{Burst: 400, Every: 20 * time.Millisecond}
)

// The errors of proofs. Compare with errors.Is.
var (
	ErrCodeWrong    = errs.New(errs.Invalid, "proof_wrong", "That is not the code we sent; look again.")
	ErrCodeExpired  = errs.New(errs.Gone, "proof_over", "This code has ended or was used; ask for a new one.")
	ErrTooManyTries = errs.New(errs.Gone, "proof_tries", "Too many wrong codes; ask for a new one.")
	ErrTooManyCodes = errs.New(errs.TooMany, "too_many_codes", "Too many codes were asked for; wait a little.")
	ErrName         = errs.New(errs.Invalid, "person_name", "A name has at most 100 characters that can be read.")
	ErrNotKept      = errs.New(errs.Unauthenticated, "number_not_kept", "The phone number is kept no more; it has to be proved again.")
	ErrNotSent      = errs.Busy("proof_not_sent", "The code could not be sent; try again in a little while.", 10*time.Second)
)

// ProofStore keeps challenges and people. TryChallenge counts a try and gives registry.ErrSpent, without a write, where a
// challenge was tried limit times before. KeepsDetail says whether a field of the vault is kept of the person of an alias. The
// registry's adapters satisfy it, and it gives their errors.
type ProofStore interface {
	PutChallenge(ctx context.Context, c registry.Challenge) error
	TryChallenge(ctx context.Context, id uuid.UUID, now int64, limit int) (registry.Challenge, error)
	DeleteChallenge(ctx context.Context, id uuid.UUID) error
	EnsurePerson(ctx context.Context, link registry.Link, area string) (registry.Person, error)
	MovePerson(ctx context.Context, person uuid.UUID, area string) error
	KeepsDetail(ctx context.Context, alias uuid.UUID, field string) (bool, error)
}

// Locker seals what waits for its proof. It is the vault's ring.
type Locker interface {
	Seal(person uuid.UUID, field vault.Field, text string) (value []byte, key uint32, err error)
	Open(person uuid.UUID, field vault.Field, value []byte) (string, error)
}

// Details keeps what is known of somebody, in place of what was known.
type Details interface {
	Put(ctx context.Context, person uuid.UUID, d vault.Details) error
}

// waitingPhone is the field of a phone number that waits for its proof, sealed for the challenge in the place of a person.
const waitingPhone vault.Field = "waiting_phone"

// Proofs has people prove that a phone number is theirs. It is safe for concurrent use.
type Proofs struct {
	ProofDeps
	remotes *ratelimit.Shared
	aliases *ratelimit.Shared
}

// ProofDeps is what proofs need. Everything in it is safe for concurrent use.
type ProofDeps struct {
	Store       ProofStore
	Pseudonyms  *Pseudonyms
	Credentials *Credentials
	Sender      Sender // of the codes
	Locker      Locker
	Vault       Details
	Tries       ratelimit.SharedDeps // of asking for codes
	Clock       func() time.Time
}

// NewProofs returns proofs.
func NewProofs(d ProofDeps) *Proofs {
	return &Proofs{
		ProofDeps: d,
		remotes:   ratelimit.NewShared(d.Tries, "codes of an address", codesPerRemote, remotesInTotal),
		aliases:   ratelimit.NewShared(d.Tries, "codes of a number", codesPerAlias, codesInTotal),
	}
}

// Started is a proof that waits for its code.
type Started struct {
	ID      uuid.UUID
	Expires time.Time
	Shown   string // the code itself where the sender is a DemoSender, else empty
}

// Start sends a code to a phone number. Remote is the IP address of who asks, with or without a port. The errors:
// ErrPhone; ErrTooManyCodes, with RetryAfter; ErrNotSent, after which nothing is kept.
//
// An attempt that cannot be sent counts towards the limits like any other.
func (p *Proofs) Start(ctx context.Context, phone, remote string) (Started, error) {
	number, err := normalPhone(phone)
	if err != nil {
		return Started{}, err
	}
	alias := p.Pseudonyms.alias(KindPhone, number)
	wait, err := p.remotes.Take(ctx, network(remote))
	if err == nil && wait == 0 { // the address comes first: one that asks without end must not use up what is there for all
		wait, err = p.aliases.Take(ctx, alias.String())
	}
	switch {
	case err != nil:
		return Started{}, fmt.Errorf("starting a proof: %w", err)
	case wait > 0:
		return Started{}, tooManyCodes(wait)
	}
	return p.send(ctx, number, alias)
}

func tooManyCodes(wait time.Duration) error {
	limited := *ErrTooManyCodes
	limited.RetryAfter = max(wait, time.Second)
	return &limited
}

// network is what one subscriber commands: an IPv4 address, or the 64 bits in front of an IPv6 one. Whatever is no
// address counts as one and the same.
func network(remote string) string {
	address, err := netip.ParseAddr(remote)
	if err != nil {
		withPort, err := netip.ParseAddrPort(remote)
		if err != nil {
			return ""
		}
		address = withPort.Addr()
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return ""
	}
	return prefix.String()
}

// send makes a challenge and sends its code. The challenge is stored first, so that a code that arrives can be used.
func (p *Proofs) send(ctx context.Context, number string, alias uuid.UUID) (Started, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return Started{}, fmt.Errorf("starting a proof: %w", err)
	}
	code, err := newCode()
	if err != nil {
		return Started{}, fmt.Errorf("starting a proof: %w", err)
	}
	phone, _, err := p.Locker.Seal(id, waitingPhone, number)
	if err != nil {
		return Started{}, fmt.Errorf("starting a proof: %w", err)
	}
	now := p.Clock().Unix()
	expires := now + int64(CodeLife/time.Second)
	err = p.Store.PutChallenge(ctx, registry.Challenge{
		ID: id, Alias: alias, CodeHash: p.Credentials.codeHash(id, code), Phone: phone, Created: now, Expires: expires,
	})
	if err != nil {
		return Started{}, fmt.Errorf("starting a proof: %w", err)
	}
	if err := p.Sender.SendCode(ctx, number, code); err != nil {
		// The code reached nobody. It must be gone even if the caller is.
		undone := p.Store.DeleteChallenge(context.WithoutCancel(ctx), id)
		return Started{}, fmt.Errorf("starting a proof: %w", ErrNotSent.Because(errors.Join(err, undone)))
	}
	started := Started{ID: id, Expires: time.Unix(expires, 0).UTC()}
	if s, ok := p.Sender.(shower); ok {
		started.Shown = s.showCode(code)
	}
	return started, nil
}

// newCode returns six digits, each code as likely as any other.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("making a code: %w", err)
	}
	return fmt.Sprintf("%0*d", codeDigits, n), nil
}

// Credential is what a browser is given after a proof.
type Credential struct {
	Text    string
	Alias   uuid.UUID
	Expires time.Time
}

// About is what somebody says of themselves who proves a phone number. Either may be empty: nothing is said then.
type About struct {
	Name string
	Ward string // the code of the area in which they reside
}

// Finish ends a proof with the code that was sent, makes the person where there is none yet, keeps the proved number and what
// the person says of themselves in the vault, and returns a credential. A code is good for one use, also when it is presented
// twice at once. The errors: ErrCodeWrong and ErrName, after which the proof can go on; ErrTooManyTries and ErrCodeExpired, after
// which it is over; registry.ErrDangling for a ward that does not exist. What is not six digits is wrong and costs no try, and
// neither does a name that is none.
func (p *Proofs) Finish(ctx context.Context, id uuid.UUID, code string, about About) (Credential, error) {
	code = strings.TrimSpace(code)
	if len(code) != codeDigits || !shown.AllDigits(code) {
		return Credential{}, ErrCodeWrong
	}
	var readable bool
	if about.Name, readable = shown.CleanText(about.Name, shown.LongestName); !readable {
		return Credential{}, ErrName
	}
	now := p.Clock().Unix()
	challenge, err := p.Store.TryChallenge(ctx, id, now, CodeTries)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return Credential{}, ErrCodeExpired
	case errors.Is(err, registry.ErrSpent):
		return Credential{}, ErrTooManyTries
	case err != nil:
		return Credential{}, fmt.Errorf("finishing a proof: %w", err)
	}
	// The try was counted before the code is looked at, so tries at once cannot share one.
	right := hmac.Equal(challenge.CodeHash, p.Credentials.codeHash(id, code))
	switch {
	case !right && challenge.Tries >= CodeTries:
		return Credential{}, ErrTooManyTries
	case !right:
		return Credential{}, ErrCodeWrong
	}
	return p.accept(ctx, challenge, about, now)
}

// mostLooking is for how long a check-in waits to learn whether the citizen's number is kept.
const mostLooking = time.Second

// Kept says whether the phone number that an alias was made from is kept still. It goes once retention has left nothing else of
// its holder; whoever comes again then has to prove it once more, so that a list that needs them can name them: ErrNotKept says
// so to them. Where it cannot be seen within a second it is taken to be kept, and the error says why it was not seen: nobody is
// kept from checking in because the registry is away.
func (p *Proofs) Kept(ctx context.Context, alias uuid.UUID) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, mostLooking)
	defer cancel()
	kept, err := p.Store.KeepsDetail(ctx, alias, string(vault.Phone))
	if err != nil {
		return true, fmt.Errorf("looking for a proved number: %w", err)
	}
	return kept, nil
}

// accept makes the person and uses the code up, in this order: if the first fails the code can be presented again.
func (p *Proofs) accept(ctx context.Context, challenge registry.Challenge, about About, now int64) (Credential, error) {
	if err := p.register(ctx, challenge, about, now); err != nil {
		return Credential{}, fmt.Errorf("finishing a proof: %w", err)
	}
	err := p.Store.DeleteChallenge(ctx, challenge.ID)
	if errors.Is(err, registry.ErrNotFound) {
		return Credential{}, ErrCodeExpired
	}
	if err != nil {
		return Credential{}, fmt.Errorf("finishing a proof: %w", err)
	}
	text, expires := p.Credentials.Issue(challenge.Alias)
	return Credential{Text: text, Alias: challenge.Alias, Expires: expires}, nil
}

// register makes the person, and keeps the number and what was said.
func (p *Proofs) register(ctx context.Context, challenge registry.Challenge, about About, now int64) error {
	phone, err := p.Locker.Open(challenge.ID, waitingPhone, challenge.Phone)
	if err != nil {
		return err
	}
	link := registry.Link{Alias: challenge.Alias, Kind: KindPhone, Linked: now}
	person, err := p.Store.EnsurePerson(ctx, link, about.Ward)
	if err != nil {
		return err
	}
	if about.Ward != "" && about.Ward != person.Area {
		if err := p.Store.MovePerson(ctx, person.ID, about.Ward); err != nil {
			return err
		}
	}
	return p.Vault.Put(ctx, person.ID, vault.Details{vault.Phone: phone, vault.Name: about.Name, vault.Ward: about.Ward})
}
