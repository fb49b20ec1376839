// Package citizen says who a scan belongs to, without knowing who that is: it turns phone numbers and ID card numbers
// into aliases, has a phone number proved with a one-time code, and issues the credentials that browsers then hold.
//
// Phone numbers, card numbers and what else is known of people go into the vault, sealed; they are never logged, and never part
// of an error. Codes are kept as hashes.
package citizen

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/shown"
)

// KeySize is the length of the keys of this package, in bytes.
const KeySize = 32

// The kinds of identifier that an alias is made from, as they stand in a registry.Link.
const (
	KindPhone  = "phone"
	KindIDCard = "id_card"
)

// The errors of identifiers. Compare with errors.Is.
var (
	ErrPhone  = errs.New(errs.Invalid, "phone", "That is not a Vietnamese phone number: it has 10 digits and begins with 03, 05, 07, 08 or 09, or 11 and begins with 02.")
	ErrIDCard = errs.New(errs.Invalid, "id_card", "That is not the number of an ID card: it has 12 digits.")
)

// Pseudonyms makes aliases: the same identifier gives the same alias under the same key, and without the key neither
// leads to the other. It is safe for concurrent use.
type Pseudonyms struct{ key atomic.Pointer[[]byte] }

// NewPseudonyms returns the pseudonyms under a key of KeySize random bytes.
func NewPseudonyms(key []byte) (*Pseudonyms, error) {
	p := new(Pseudonyms)
	if err := p.Replace(key); err != nil {
		return nil, err
	}
	return p, nil
}

// Replace makes aliases under another key from now on.
func (p *Pseudonyms) Replace(key []byte) error {
	kept, err := keyCopy(key)
	if err != nil {
		return fmt.Errorf("making pseudonyms: %w", err)
	}
	p.key.Store(&kept)
	return nil
}

// keyCopy returns the caller's key, which must be of the right length.
func keyCopy(key []byte) ([]byte, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the key has %d bytes, not %d", len(key), KeySize)
	}
	return append([]byte(nil), key...), nil
}

// Phone returns the alias of a Vietnamese phone number, however it is written: 0912 345 678, 0912.345.678, +84 912345678
// and 84912345678 have one alias. The error is ErrPhone.
func (p *Pseudonyms) Phone(text string) (uuid.UUID, error) {
	number, err := normalPhone(text)
	if err != nil {
		return uuid.Nil, err
	}
	return p.alias(KindPhone, number), nil
}

// IDCard returns the alias of the number of a Vietnamese ID card (CCCD), 12 digits; space around them is ignored. The
// error is ErrIDCard.
func (p *Pseudonyms) IDCard(number string) (uuid.UUID, error) {
	number, err := normalIDCard(number)
	if err != nil {
		return uuid.Nil, err
	}
	return p.alias(KindIDCard, number), nil
}

// alias is the first 16 bytes of HMAC-SHA-256(key, kind ‖ 0 ‖ identifier), made a UUID of version 8 (RFC 9562, 5.8), the
// one for values that are nobody else's.
func (p *Pseudonyms) alias(kind, identifier string) uuid.UUID {
	sum := mac(*p.key.Load(), []byte(kind), []byte{0}, []byte(identifier))
	alias := uuid.UUID(sum[:16])
	alias[6] = alias[6]&0x0f | 0x80
	alias[8] = alias[8]&0x3f | 0x80
	return alias
}

// mac returns the HMAC-SHA-256 of the parts, one after the other.
func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

// normalPhone is shown.Phone with an error.
func normalPhone(text string) (string, error) {
	number, ok := shown.Phone(text)
	if !ok {
		return "", ErrPhone
	}
	return number, nil
}

// normalIDCard is shown.IDCardNumber with an error.
func normalIDCard(text string) (string, error) {
	number, ok := shown.IDCardNumber(text)
	if !ok {
		return "", ErrIDCard
	}
	return number, nil
}
