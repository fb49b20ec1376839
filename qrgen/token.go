package qrgen

import (
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
)

const (
	// TokenLength is the number of characters of every token.
	TokenLength = 154

	formatVersion = 1
	fieldsSize    = 32
	tokenSize     = 96
	// spareBits are the bits of the last character beyond the 96 bytes.
	spareBits = TokenLength*5 - tokenSize*8
)

// signingContext goes before the fields under the signature, so that a signature
// made for something else with the same key is never one for a code.
const signingContext = "truyvet/qr/v1"

// Token is what a code says.
type Token struct {
	// Kind of the place.
	Kind Kind
	// KeyID names the key that signed. [KeySet.Sign] sets it.
	KeyID uint16
	// Place is the place's id, never the nil UUID.
	Place uuid.UUID
	// IssuedAt is when the code was made; whole seconds, UTC when read.
	IssuedAt time.Time
	// ExpiresAt is the first instant at which the code is no longer good, or the
	// zero Time for a code that never expires; whole seconds, UTC when read.
	ExpiresAt time.Time
	// Serial goes up by one each time the owner re-issues the place's code.
	Serial uint32
}

// Unverified is a token as it was read, with its signature not yet looked at:
// anybody can have written it. Only [KeySet.Verify] says whether to believe it.
type Unverified struct {
	Token     Token
	Signature [64]byte
}

// Parse reads a token's text in any case without checking its signature, for
// looking at a code when the keys are not at hand. It returns an error that is
// [ErrMalformed] or [ErrUnknownVersion]. What it accepts has exactly one text in
// upper case, the one that [Unverified.Text] gives back.
func Parse(text string) (Unverified, error) {
	raw, err := decode(text)
	if err != nil {
		return Unverified{}, err
	}
	return parseRaw(raw)
}

// Text returns the token's text in upper case. The fields must be ones that
// [Parse] returns.
func (u Unverified) Text() (string, error) {
	fields, err := u.Token.fields()
	if err != nil {
		return "", err
	}
	return encode(fields, u.Signature[:]), nil
}

func parseRaw(raw [tokenSize]byte) (Unverified, error) {
	if raw[0] != formatVersion {
		return Unverified{}, fmt.Errorf("%w: %d", ErrUnknownVersion, raw[0])
	}
	u := Unverified{Token: Token{
		Kind:     Kind(raw[1]),
		KeyID:    binary.BigEndian.Uint16(raw[2:4]),
		Place:    uuid.UUID(raw[4:20]),
		IssuedAt: time.Unix(int64(binary.BigEndian.Uint32(raw[20:24])), 0).UTC(),
		Serial:   binary.BigEndian.Uint32(raw[28:32]),
	}}
	if expires := binary.BigEndian.Uint32(raw[24:28]); expires != 0 {
		u.Token.ExpiresAt = time.Unix(int64(expires), 0).UTC()
	}
	copy(u.Signature[:], raw[fieldsSize:])
	if err := u.Token.check(); err != nil {
		return Unverified{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return u, nil
}

// check refuses fields that no code has, the same ones when signing and when
// reading.
func (t Token) check() error {
	if !t.Kind.Valid() {
		return fmt.Errorf("%d is no kind of place", uint8(t.Kind))
	}
	if t.Place == uuid.Nil {
		return errors.New("no place id")
	}
	if s := t.IssuedAt.Unix(); s < 0 || s > math.MaxUint32 {
		return errors.New("issue time outside 1970 to 2106")
	}
	if t.ExpiresAt.IsZero() {
		return nil
	}
	if t.ExpiresAt.Unix() > math.MaxUint32 {
		return errors.New("expiry outside 1970 to 2106")
	}
	if t.ExpiresAt.Unix() <= t.IssuedAt.Unix() {
		return errors.New("expiry not after the issue")
	}
	return nil
}

// fields returns bytes 0–31.
func (t Token) fields() ([fieldsSize]byte, error) {
	var b [fieldsSize]byte
	if err := t.check(); err != nil {
		return b, fmt.Errorf("encoding a token: %w", err)
	}
	b[0] = formatVersion
	b[1] = byte(t.Kind)
	binary.BigEndian.PutUint16(b[2:4], t.KeyID)
	copy(b[4:20], t.Place[:])
	binary.BigEndian.PutUint32(b[20:24], uint32(t.IssuedAt.Unix()))
	if !t.ExpiresAt.IsZero() {
		binary.BigEndian.PutUint32(b[24:28], uint32(t.ExpiresAt.Unix()))
	}
	binary.BigEndian.PutUint32(b[28:32], t.Serial)
	return b, nil
}

// message returns what is signed.
func message(fields [fieldsSize]byte) []byte {
	return append([]byte(signingContext), fields[:]...)
}

func encode(fields [fieldsSize]byte, signature []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(fields[:], signature...))
}

// decode reads base32 strictly. The standard library's decoder skips line ends
// and ignores the spare bits of the last character, which would give one token
// many texts.
func decode(text string) ([tokenSize]byte, error) {
	var raw [tokenSize]byte
	if len(text) != TokenLength {
		return raw, fmt.Errorf("%w: %d characters instead of %d", ErrMalformed, len(text), TokenLength)
	}
	var window uint32
	bits, n := 0, 0
	for i := range len(text) {
		v, ok := base32Value(text[i])
		if !ok {
			return raw, fmt.Errorf("%w: character %d is not base32", ErrMalformed, i+1)
		}
		window = window<<5 | uint32(v)
		bits += 5
		if bits >= 8 {
			bits -= 8
			raw[n] = byte(window >> bits)
			n++
		}
	}
	if window&(1<<spareBits-1) != 0 {
		return raw, fmt.Errorf("%w: unused bits are set", ErrMalformed)
	}
	return raw, nil
}

func base32Value(c byte) (byte, bool) {
	switch {
	case c >= 'A' && c <= 'Z':
		return c - 'A', true
	case c >= 'a' && c <= 'z':
		return c - 'a', true
	case c >= '2' && c <= '7':
		return c - '2' + 26, true
	}
	return 0, false
}
