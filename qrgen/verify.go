package qrgen

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// ClockTolerance is how far a code's issue time may lie after the scan's before
// it counts as issued in the future: clocks of phones and gates differ.
const ClockTolerance = 5 * time.Minute

// Revocations says whether an owner took back that serial of a place's code. It
// must be safe for as many concurrent calls as its user makes. Where an old
// serial stays good until a date, close over the scan's time. A nil Revocations
// revokes nothing.
type Revocations func(place uuid.UUID, serial uint32) bool

// Sign returns the text of the token with the current key's id and signature,
// in upper case; t.KeyID is ignored and parts of a second are dropped. The same
// fields under the same key give the same text. It refuses fields that [Parse]
// would, and returns [ErrNoSigningKey] if no key is current or the set holds
// public keys only. It may be called concurrently with every other method.
func (ks *KeySet) Sign(t Token) (string, error) {
	id, private, err := ks.signingKey()
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	t.KeyID = id
	fields, err := t.fields()
	if err != nil {
		return "", err
	}
	return encode(fields, ed25519.Sign(private, message(fields))), nil
}

// Verify reads a token's text, in any case, and decides whether it was a good
// code at the time of the scan. A nil error means that it was. Otherwise the
// error is one [Refusal], wrapped at most; for one that [Refusal.Authentic]
// calls so, the token is returned beside it so that a page can name the place,
// and for all others the zero Token. It may be called concurrently with every
// other method.
func (ks *KeySet) Verify(text string, at time.Time, revoked Revocations) (Token, error) {
	raw, err := decode(text)
	if err != nil {
		return Token{}, err
	}
	u, err := parseRaw(raw)
	if err != nil {
		return Token{}, err
	}
	key, err := ks.trusted(u.Token.KeyID)
	if err != nil {
		return Token{}, err
	}
	if !ed25519.Verify(key.Public, message([fieldsSize]byte(raw[:fieldsSize])), u.Signature[:]) {
		return Token{}, ErrBadSignature
	}
	return u.Token, u.Token.judge(at, revoked)
}

// Judge decides anew on a token that Verify has found authentic before, without
// looking at its signature again: whether its key is still trusted, and whether
// it was good at the time of the scan. It answers as Verify does. It believes
// whatever token it is given: one made by hand or read by [Parse] passes too. It
// may be called concurrently with every other method.
func (ks *KeySet) Judge(t Token, at time.Time, revoked Revocations) (Token, error) {
	if _, err := ks.trusted(t.KeyID); err != nil {
		return Token{}, err
	}
	return t, t.judge(at, revoked)
}

// trusted returns the key of that id, if what it signed may be believed.
func (ks *KeySet) trusted(id uint16) (Key, error) {
	key, ok := ks.Key(id)
	if !ok {
		return Key{}, fmt.Errorf("%w: id %d", ErrUnknownKey, id)
	}
	if key.State == StateCompromised {
		return Key{}, fmt.Errorf("%w: id %d", ErrCompromisedKey, id)
	}
	return key, nil
}

// judge decides on an authentic token.
func (t Token) judge(at time.Time, revoked Revocations) error {
	if t.IssuedAt.After(at.Add(ClockTolerance)) {
		return ErrIssuedInFuture
	}
	if !t.ExpiresAt.IsZero() && !at.Before(t.ExpiresAt) {
		return ErrExpired
	}
	if revoked != nil && revoked(t.Place, t.Serial) {
		return ErrRevoked
	}
	return nil
}
