// Package gate is what a gate's device does by itself, with no network: it finds the code in a picture of the camera, says what was
// shown and whether it is good, and closes it into a box for the server, or says which place it is the code of. It is compiled to
// WebAssembly for the gate's page, and is pure: the page gives it the keys, the pictures and the time.
package gate

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/sealbox"
	"github.com/truyvet/truyvet/internal/shown"
	"github.com/truyvet/truyvet/qrgen"
)

// The problems of what was shown. They are those that the server answers with.
const (
	ProblemNothing = "gate_input"         // nothing that names anybody, nor a place
	ProblemOver    = "personal_code_over" // a personal code that has ended
	ProblemPlace   = "gate_place_bad"     // the code of a place that is not good, or not ours
	ProblemScreen  = "gate_place_screen"  // the code of a place that a screen shows for a moment
	ProblemRevoked = "code_revoked"       // the code of a place that its owner took back
)

// ErrNoKeys refuses to judge before the keys are there.
var ErrNoKeys = errors.New("the keys are not there yet")

// Device is a gate's device. It is for one caller at a time.
type Device struct {
	home    uuid.UUID // the gate's place
	keys    *qrgen.KeySet
	boxKey  sealbox.Public
	ready   bool
	revoked list
	decoder decoder
}

// SetKeys gives the device the gate's place and the two documents of public keys that the server serves. A list of revoked codes that
// is not good under them is forgotten. On an error it goes on with what it has.
func (d *Device) SetKeys(place string, codeKeys, boxKey []byte) error {
	id, err := uuid.Parse(place)
	if err != nil {
		return fmt.Errorf("reading the gate's place: %w", err)
	}
	keys, err := qrgen.ParsePublicKeys(codeKeys)
	if err != nil {
		return err
	}
	public, err := sealbox.ParsePublic(boxKey)
	if err != nil {
		return err
	}
	d.home, d.keys, d.boxKey, d.ready = id, keys, public, true
	if d.revoked.known() {
		d.revoked, _ = readList(keys, d.revoked.text) // where a key is trusted no more, neither is what it signed
	}
	return nil
}

// Typed returns what was meant by a text that was typed in so long a time, from the first key to the last, what kind of thing that is,
// and whether a reader typed it. Keys are as shown.Repair takes them.
func (d *Device) Typed(text, keys string, took time.Duration) (meant string, kind shown.Kind, reader bool) {
	meant = shown.Repair(text, keys, d.signed)
	return meant, shown.Read(meant).Kind, shown.ByReader(utf8.RuneCountInString(text), took)
}

// signed says whether what looks like a code was signed, where there are the keys to see it.
func (d *Device) signed(s shown.Shown) bool {
	if !d.ready || s.Kind != shown.PersonalCode && s.Kind != shown.PlaceCode {
		return true
	}
	_, err := d.keys.VerifyPersonal(s.Token, time.Unix(0, 0))
	if s.Kind == shown.PlaceCode {
		_, err = d.keys.Verify(s.Token, time.Unix(0, 0), nil)
	}
	return !errors.Is(err, qrgen.ErrBadSignature) && !errors.Is(err, qrgen.ErrUnknownKey) && !errors.Is(err, qrgen.ErrMalformed) &&
		!errors.Is(err, qrgen.ErrUnknownVersion)
}

// Kept is what a gate keeps of somebody until the server has it, or, where it was shown the code of a place, which that is.
type Kept struct {
	Problem string     // why it keeps nothing; else empty
	Kind    shown.Kind // of what was shown
	Box     []byte     // bound to the gate's place and the scan
	Place   Place
}

// Place is what the code of a place says of it.
type Place struct {
	Token string // the code, in upper case; empty where none was shown
	ID    uuid.UUID
	Kind  qrgen.Kind
	Short string // the short code that its poster bears
}

// Keep judges what is shown at the given time. What names somebody it closes into a box for the scan of that id. The code of a place
// is good where its signature is, it never ends, and no list that the device has says that its owner took it back: people are scanned into
// that place from then on. What was taken back since, and whether it lies inside the gate's, the server knows.
func (d *Device) Keep(id uuid.UUID, text string, at time.Time) (Kept, error) {
	if !d.ready {
		return Kept{}, ErrNoKeys
	}
	what := shown.Read(text)
	switch what.Kind {
	case shown.Nothing:
		return Kept{Problem: ProblemNothing}, nil
	case shown.PlaceCode:
		return d.place(what.Token, at), nil
	case shown.PersonalCode:
		switch _, err := d.keys.VerifyPersonal(what.Token, at); {
		case errors.Is(err, qrgen.ErrExpired):
			return Kept{Problem: ProblemOver, Kind: what.Kind}, nil
		case err != nil:
			return Kept{Problem: ProblemNothing, Kind: what.Kind}, nil
		}
	}
	box, err := d.boxKey.Seal(sealbox.Bound{Place: d.home, Scan: id}, text)
	if err != nil {
		return Kept{}, err
	}
	return Kept{Kind: what.Kind, Box: box}, nil
}

// place reads the code of a place.
func (d *Device) place(text string, at time.Time) Kept {
	token, err := d.keys.Verify(text, at, d.revoked.at(at))
	short, errShort := qrgen.CheckCode(text)
	if errors.Is(err, qrgen.ErrRevoked) {
		return Kept{Problem: ProblemRevoked, Kind: shown.PlaceCode}
	}
	if err != nil || errShort != nil {
		return Kept{Problem: ProblemPlace, Kind: shown.PlaceCode}
	}
	if !token.ExpiresAt.IsZero() {
		return Kept{Problem: ProblemScreen, Kind: shown.PlaceCode}
	}
	return Kept{Kind: shown.PlaceCode, Place: Place{Token: text, ID: token.Place, Kind: token.Kind, Short: short}}
}
