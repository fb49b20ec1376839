package qrgen

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
)

// PersonalCodeLife is the longest time for which a personal code is good.
const PersonalCodeLife = 60 * time.Second

// personalContext keeps a personal code from being the code of a place, and the
// other way round, whoever holds the key.
const personalContext = "truyvet/me/v1"

// PersonalCode is what somebody shows at a gate instead of a card: for a minute
// it says whose scan the gate makes, and it is good for nothing else. Its text is
// laid out as that of a [Token], with an alias in the place of the place id, 0 as
// the kind and the serial, and personalContext before the signed bytes.
type PersonalCode struct {
	// KeyID names the key that signed. [KeySet.SignPersonal] sets it.
	KeyID uint16
	// Alias is whose scan it is, never the nil UUID.
	Alias uuid.UUID
	// IssuedAt is when the code was made; whole seconds, UTC when read.
	IssuedAt time.Time
	// ExpiresAt is the first instant at which the code is no longer good, at most
	// PersonalCodeLife later; whole seconds, UTC when read.
	ExpiresAt time.Time
}

// SignPersonal returns the text of a personal code with the current key's id and
// signature, in upper case; c.KeyID is ignored and parts of a second are dropped.
// It refuses what [KeySet.VerifyPersonal] would, and returns [ErrNoSigningKey] if
// no key is current. It may be called concurrently with every other method.
func (ks *KeySet) SignPersonal(c PersonalCode) (string, error) {
	id, private, err := ks.signingKey()
	if err != nil {
		return "", fmt.Errorf("signing a personal code: %w", err)
	}
	c.KeyID = id
	if err := c.check(); err != nil {
		return "", fmt.Errorf("signing a personal code: %w", err)
	}
	fields := c.fields()
	return encode(fields, ed25519.Sign(private, personalMessage(fields))), nil
}

// VerifyPersonal reads a personal code's text, in any case, and decides whether
// it was good at the time of the scan. A nil error means that it was. Otherwise
// the error is one [Refusal], wrapped at most, and the code the zero
// PersonalCode: what is not good for now says nothing about anybody. The code of
// a place is [ErrMalformed]. It may be called concurrently with every other
// method.
func (ks *KeySet) VerifyPersonal(text string, at time.Time) (PersonalCode, error) {
	raw, err := decode(text)
	if err != nil {
		return PersonalCode{}, err
	}
	if raw[0] != formatVersion {
		return PersonalCode{}, fmt.Errorf("%w: %d", ErrUnknownVersion, raw[0])
	}
	fields := [fieldsSize]byte(raw[:fieldsSize])
	c := personalOf(fields)
	if err := c.check(); err != nil {
		return PersonalCode{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if c.fields() != fields {
		return PersonalCode{}, fmt.Errorf("%w: not the code of a person", ErrMalformed)
	}
	key, err := ks.trusted(c.KeyID)
	if err != nil {
		return PersonalCode{}, err
	}
	if !ed25519.Verify(key.Public, personalMessage(fields), raw[fieldsSize:]) {
		return PersonalCode{}, ErrBadSignature
	}
	if c.IssuedAt.After(at.Add(ClockTolerance)) {
		return PersonalCode{}, ErrIssuedInFuture
	}
	if !at.Before(c.ExpiresAt) {
		return PersonalCode{}, ErrExpired
	}
	return c, nil
}

// check refuses fields that no personal code has.
func (c PersonalCode) check() error {
	if c.Alias == uuid.Nil {
		return errors.New("no alias")
	}
	if s := c.IssuedAt.Unix(); s < 0 || s > math.MaxUint32 {
		return errors.New("issue time outside 1970 to 2106")
	}
	if s := c.ExpiresAt.Unix(); s <= c.IssuedAt.Unix() || s > math.MaxUint32 {
		return errors.New("expiry not after the issue, or after 2106")
	}
	if c.ExpiresAt.Unix()-c.IssuedAt.Unix() > int64(PersonalCodeLife/time.Second) {
		return fmt.Errorf("good for longer than %v", PersonalCodeLife)
	}
	return nil
}

// fields returns bytes 0–31 of a code that check accepts.
func (c PersonalCode) fields() (b [fieldsSize]byte) {
	b[0] = formatVersion
	binary.BigEndian.PutUint16(b[2:4], c.KeyID)
	copy(b[4:20], c.Alias[:])
	binary.BigEndian.PutUint32(b[20:24], uint32(c.IssuedAt.Unix()))
	binary.BigEndian.PutUint32(b[24:28], uint32(c.ExpiresAt.Unix()))
	return b
}

func personalOf(b [fieldsSize]byte) PersonalCode {
	return PersonalCode{
		KeyID:     binary.BigEndian.Uint16(b[2:4]),
		Alias:     uuid.UUID(b[4:20]),
		IssuedAt:  time.Unix(int64(binary.BigEndian.Uint32(b[20:24])), 0).UTC(),
		ExpiresAt: time.Unix(int64(binary.BigEndian.Uint32(b[24:28])), 0).UTC(),
	}
}

func personalMessage(fields [fieldsSize]byte) []byte {
	return append([]byte(personalContext), fields[:]...)
}
