package account

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/pquerna/otp/hotp"

	"github.com/truyvet/truyvet/internal/registry"
)

const (
	// KeySize is the length of the key that seals second factors, in bytes.
	KeySize = 32

	codeDigits    = 6
	codeSeconds   = 30 // a step of RFC 6238
	codeSkew      = 1  // steps that a phone's clock may be off, either way
	secretBytes   = 20 // RFC 4226, section 4
	recoveryCodes = 10
	issuer        = "truyvet"
)

var secretText = base32.StdEncoding.WithPadding(base32.NoPadding)

// newSealer returns what seals second factors.
func newSealer(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the key of second factors has %d bytes, not %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// sealed binds a secret to its account: that of another does not open.
func sealedFor(account uuid.UUID) []byte {
	return []byte("truyvet/second-factor/v1 " + account.String())
}

// CodeAttempt is one try at a second factor, of an account whose password was right.
type CodeAttempt struct {
	Account uuid.UUID
	Code    string    // of the authenticator, or one of the recovery codes
	Browser uuid.UUID // as in Attempt
}

// ProveCode returns the account whose second factor a code proves. A code is good once, for its own half minute and those
// beside it; a recovery code is good once. The errors: ErrWrongCode, and ErrTooManyLogins before any work; a code that was
// wrong is entered in the audit log, for whoever tries it knows the password.
func (s *Service) ProveCode(ctx context.Context, try CodeAttempt) (registry.Account, error) {
	if wait, err := s.limits.codes.Take(ctx, codeKey(try)); err != nil {
		return registry.Account{}, fmt.Errorf("proving a second factor: %w", err)
	} else if wait > 0 {
		return registry.Account{}, tooMany(wait)
	}
	a, err := s.store.Account(ctx, try.Account)
	if err == nil && a.Disabled {
		err = registry.ErrNotFound
	}
	if err == nil {
		err = s.useCode(ctx, a, try.Code)
	}
	if err == nil {
		err = s.limits.codes.Forgive(ctx, codeKey(try))
	}
	switch {
	case err == nil:
		return withoutHash(a), nil
	case isFault(err):
		return registry.Account{}, fmt.Errorf("proving a second factor: %w", err)
	}
	if err := s.enter(ctx, a.Login, "second_factor_failed", try.Account, ""); err != nil {
		return registry.Account{}, err
	}
	return registry.Account{}, ErrWrongCode
}

// useCode uses up a code or a recovery code of an account.
func (s *Service) useCode(ctx context.Context, a registry.Account, typed string) error {
	typed = squeeze(typed)
	if len(typed) != codeDigits {
		left, err := s.store.UseRecovery(ctx, a.ID, recoveryHash(a.ID, typed))
		if err != nil {
			return err
		}
		return s.enter(ctx, a.Login, "recovery_code_used", a.ID, fmt.Sprintf("%d left", left))
	}
	f, _, err := s.store.Factor(ctx, a.ID)
	if err != nil {
		return err
	}
	secret, err := s.sealer.Open(nil, nil, f.Secret, sealedFor(a.ID))
	if err != nil {
		return fmt.Errorf("opening a second factor: %w", err)
	}
	step, right := s.stepOf(secretText.EncodeToString(secret), typed)
	if !right {
		return ErrWrongCode
	}
	return s.store.UseStep(ctx, a.ID, step)
}

// stepOf returns the step near now whose code was typed, the newest where there are several.
func (s *Service) stepOf(secret, typed string) (step int64, found bool) {
	now := s.clock().Unix() / codeSeconds
	for at := now - codeSkew; at <= now+codeSkew; at++ {
		code, err := hotp.GenerateCode(secret, uint64(at))
		if err == nil && subtle.ConstantTimeCompare([]byte(code), []byte(typed)) == 1 {
			step, found = at, true
		}
	}
	return step, found
}

// squeeze takes out of a code what people and apps put between its characters.
func squeeze(code string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(code))
}

// recoveryHash is how a recovery code is kept. Its 80 bits are random, so a plain hash does.
func recoveryHash(account uuid.UUID, squeezed string) []byte {
	sum := sha256.Sum256(append(account[:], squeezed...))
	return sum[:]
}

// Enrolment is a second factor before it is set up.
type Enrolment struct {
	Secret string // in base32, for who types it in
	URL    string // otpauth, for who scans it
}

// Grouped is the secret as it is typed: in groups of four.
func (e Enrolment) Grouped() string {
	var groups []string
	for group := range slices.Chunk([]byte(e.Secret), 4) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, " ")
}

// Enrol makes a new secret for an account. It holds nothing until SetFactor is given it back.
func (s *Service) Enrol(a registry.Account) (Enrolment, error) {
	secret := make([]byte, secretBytes)
	if _, err := rand.Read(secret); err != nil {
		return Enrolment{}, fmt.Errorf("making a second factor: %w", err)
	}
	return EnrolmentOf(a, secretText.EncodeToString(secret)), nil
}

// EnrolmentOf returns the enrolment of a secret that Enrol made for the account.
func EnrolmentOf(a registry.Account, secret string) Enrolment {
	query := url.Values{"secret": {secret}, "issuer": {issuer}}
	label := url.PathEscape(issuer + ":" + a.Login)
	return Enrolment{Secret: secret, URL: "otpauth://totp/" + label + "?" + query.Encode()}
}

// NewFactor is what proves a second factor that is being set up.
type NewFactor struct {
	Password string // that holds now
	Secret   string // as Enrol gave it to this account
	Code     string // that the authenticator shows for it
}

// SetFactor sets up a second factor, in place of the one that there was, ends the other sessions, and returns the recovery
// codes, which are kept nowhere else. The errors: ErrWrongPassword, ErrWrongCode, ErrTooManyLogins.
func (s *Service) SetFactor(ctx context.Context, session Session, in NewFactor) ([]string, error) {
	a := session.Account
	if err := s.prove(ctx, a, in.Password); err != nil {
		return nil, err
	}
	secret, err := secretText.DecodeString(in.Secret)
	if err != nil || len(secret) != secretBytes {
		return nil, ErrWrongCode
	}
	step, right := s.stepOf(in.Secret, squeeze(in.Code))
	if !right {
		return nil, ErrWrongCode
	}
	codes, hashes := newRecovery(a.ID)
	if err := s.enter(ctx, a.Login, "second_factor_set", a.ID, ""); err != nil {
		return nil, err
	}
	f := registry.SecondFactor{
		Account: a.ID, Secret: s.sealer.Seal(nil, nil, secret, sealedFor(a.ID)), Step: step, //nolint:gosec // it draws its nonces itself
		Since: s.clock().Unix(),
	}
	if err := s.store.PutFactor(ctx, f, hashes); err != nil {
		return nil, fmt.Errorf("setting up a second factor: %w", err)
	}
	if _, err := s.store.EndSignIns(ctx, a.ID, session.ID); err != nil {
		return nil, fmt.Errorf("ending the other sessions: %w", err)
	}
	return codes, nil
}

// newRecovery makes recovery codes and their hashes.
func newRecovery(account uuid.UUID) (codes []string, hashes [][]byte) {
	for range recoveryCodes {
		letters := strings.ToLower(rand.Text()) // 26 characters of base32, 5 bits each
		codes = append(codes, strings.Join([]string{letters[0:4], letters[4:8], letters[8:12], letters[12:16]}, "-"))
		hashes = append(hashes, recoveryHash(account, letters[:16]))
	}
	return codes, hashes
}

// DropFactor gives the second factor up, and ends the other sessions. The errors: ErrFactorNeeded where the role needs one,
// ErrWrongPassword, ErrTooManyLogins.
func (s *Service) DropFactor(ctx context.Context, session Session, password string) error {
	a := session.Account
	if s.needs(a.Role) {
		return ErrFactorNeeded
	}
	if err := s.prove(ctx, a, password); err != nil {
		return err
	}
	if err := s.enter(ctx, a.Login, "second_factor_dropped", a.ID, ""); err != nil {
		return err
	}
	if err := s.store.DropFactor(ctx, a.ID); err != nil {
		return fmt.Errorf("dropping a second factor: %w", err)
	}
	if _, err := s.store.EndSignIns(ctx, a.ID, session.ID); err != nil {
		return fmt.Errorf("ending the other sessions: %w", err)
	}
	return nil
}

// FactorState is what somebody is told about their own second factor.
type FactorState struct {
	Set      bool
	Since    int64
	Recovery int  // how many recovery codes are left
	Needed   bool // by the role
}

// FactorOf says how it stands with an account's second factor.
func (s *Service) FactorOf(ctx context.Context, a registry.Account) (FactorState, error) {
	f, left, err := s.store.Factor(ctx, a.ID)
	if errors.Is(err, registry.ErrNotFound) {
		return FactorState{Needed: s.needs(a.Role)}, nil
	}
	if err != nil {
		return FactorState{}, fmt.Errorf("reading a second factor: %w", err)
	}
	return FactorState{Set: true, Since: f.Since, Recovery: left, Needed: s.needs(a.Role)}, nil
}
