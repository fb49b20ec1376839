package qrgen

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
)

// MostRevoked is how many steps a list of revoked codes may have.
const MostRevoked = 250_000

// Revoked says which codes owners took back or replaced, for whoever verifies
// codes without asking a server.
type Revoked struct {
	// AsOf is the instant from which on the list answers as its server did when
	// it wrote it; of a scan that was made before, the server alone knows
	// better. What was revoked later than the list was written is not in it.
	// Whole seconds, UTC when read.
	AsOf time.Time
	// Steps are in the order of the places and, of one place, of the serials. A
	// place without steps has no dead code.
	Steps []RevokedStep
}

// RevokedStep says what has become of some serials of a place's code: of those
// up to Serial that no step before it speaks of. Serials above the last step of
// a place are good.
type RevokedStep struct {
	Place  uuid.UUID
	Serial uint32
	// From is the instant from which on they are dead, or the zero Time where
	// they are good; whole seconds, UTC when read.
	From time.Time
}

// At returns what the list says of codes that are scanned at an instant.
func (r *Revoked) At(at time.Time) Revocations {
	return func(place uuid.UUID, serial uint32) bool {
		i, _ := slices.BinarySearchFunc(r.Steps, RevokedStep{Place: place, Serial: serial}, RevokedStep.compare)
		return i < len(r.Steps) && r.Steps[i].Place == place && !r.Steps[i].From.IsZero() && !at.Before(r.Steps[i].From)
	}
}

func (s RevokedStep) compare(other RevokedStep) int {
	return cmp.Or(bytes.Compare(s.Place[:], other.Place[:]), cmp.Compare(s.Serial, other.Serial))
}

// check refuses what no list is.
func (r *Revoked) check() error {
	if s := r.AsOf.Unix(); s < 0 || s > math.MaxUint32 {
		return errors.New("as of a time outside 1970 to 2106")
	}
	if len(r.Steps) > MostRevoked {
		return fmt.Errorf("more than %d steps", MostRevoked)
	}
	for i, s := range r.Steps {
		switch {
		case s.Place == uuid.Nil:
			return errors.New("a step of no place")
		case i > 0 && r.Steps[i-1].compare(s) >= 0:
			return errors.New("steps out of order")
		case !s.From.IsZero() && (s.From.Unix() <= 0 || s.From.Unix() > math.MaxUint32):
			return errors.New("a step from a time outside 1970 to 2106")
		}
	}
	return nil
}

// revokedFormat is the "format" of the JSON form of a list.
const revokedFormat = "truyvet-revoked/1"

// revokedContext stands before what is signed of a list.
const revokedContext = "truyvet/revoked/v1"

// revokedDocument is the JSON form of a list. All times are in unix seconds; a
// step whose from is 0 is of good codes.
type revokedDocument struct {
	Format    string            `json:"format"`
	Algorithm string            `json:"algorithm"`
	Context   string            `json:"context"`
	Key       uint16            `json:"key"`
	AsOf      int64             `json:"as_of"`
	Steps     []revokedStepJSON `json:"steps"`
	Signature []byte            `json:"signature"`
}

type revokedStepJSON struct {
	Place  uuid.UUID `json:"place"`
	Serial uint32    `json:"serial"`
	From   int64     `json:"from"`
}

// message is what is signed: the context, the id of the key in 2 bytes, AsOf in
// 8 and, of each step, the place in 16, the serial in 4 and From in 8, all
// numbers big-endian. So nobody who hands a list on can add a step, or leave
// one out.
func (d *revokedDocument) message() []byte {
	m := make([]byte, 0, len(revokedContext)+2+8+28*len(d.Steps))
	m = append(m, revokedContext...)
	m = binary.BigEndian.AppendUint16(m, d.Key)
	m = binary.BigEndian.AppendUint64(m, uint64(d.AsOf))
	for _, s := range d.Steps {
		m = append(m, s.Place[:]...)
		m = binary.BigEndian.AppendUint32(m, s.Serial)
		m = binary.BigEndian.AppendUint64(m, uint64(s.From))
	}
	return m
}

// SignRevoked returns the JSON form of a list, signed with the current key,
// which a server serves at /.well-known/truyvet-revoked.json:
//
//	{
//	  "format": "truyvet-revoked/1",
//	  "algorithm": "Ed25519",
//	  "context": "truyvet/revoked/v1",
//	  "key": 1,
//	  "as_of": 1638316800,
//	  "steps": [{"place": "0184a6f0-6f30-7c11-8a52-3d6f5b1e9c01", "serial": 2, "from": 1638310000}],
//	  "signature": "…"
//	}
//
// Parts of a second are dropped. The same list under the same key gives the
// same bytes. It refuses steps that are out of order or more than
// [MostRevoked], and returns [ErrNoSigningKey] if no key is current. It may be
// called concurrently with every other method.
func (ks *KeySet) SignRevoked(r Revoked) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("signing revocations: %w", err)
	}
	id, private, err := ks.signingKey()
	if err != nil {
		return nil, fmt.Errorf("signing revocations: %w", err)
	}
	doc := revokedDocument{
		Format: revokedFormat, Algorithm: "Ed25519", Context: revokedContext, Key: id, AsOf: r.AsOf.Unix(), Steps: make([]revokedStepJSON, len(r.Steps)),
	}
	for i, s := range r.Steps {
		doc.Steps[i] = revokedStepJSON{Place: s.Place, Serial: s.Serial}
		if !s.From.IsZero() {
			doc.Steps[i].From = s.From.Unix()
		}
	}
	doc.Signature = ed25519.Sign(private, doc.message())
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("signing revocations: %w", err)
	}
	return append(data, '\n'), nil
}

// ReadRevoked reads the JSON form of a list that a key of the set signed. The
// error is one [Refusal], wrapped at most: ErrMalformed, ErrUnknownKey,
// ErrCompromisedKey or ErrBadSignature. How old a list may be is for the caller
// to say, by its AsOf: who hands lists on may hold newer ones back. It may be
// called concurrently with every other method.
func (ks *KeySet) ReadRevoked(data []byte) (*Revoked, error) {
	var doc revokedDocument
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("reading revocations: %w: %w", ErrMalformed, err)
	}
	if doc.Format != revokedFormat || doc.Algorithm != "Ed25519" || doc.Context != revokedContext {
		return nil, fmt.Errorf("reading revocations: %w: the format is %q", ErrMalformed, doc.Format)
	}
	key, err := ks.trusted(doc.Key)
	if err != nil {
		return nil, fmt.Errorf("reading revocations: %w", err)
	}
	if !ed25519.Verify(key.Public, doc.message(), doc.Signature) {
		return nil, fmt.Errorf("reading revocations: %w", ErrBadSignature)
	}
	r := &Revoked{AsOf: time.Unix(doc.AsOf, 0).UTC(), Steps: make([]RevokedStep, len(doc.Steps))}
	for i, s := range doc.Steps {
		r.Steps[i] = RevokedStep{Place: s.Place, Serial: s.Serial}
		if s.From != 0 {
			r.Steps[i].From = time.Unix(s.From, 0).UTC()
		}
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("reading revocations: %w: %w", ErrMalformed, err)
	}
	return r, nil
}
