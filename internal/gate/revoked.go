package gate

import (
	"errors"
	"slices"
	"time"

	"github.com/truyvet/truyvet/qrgen"
)

// The bounds of a list of revoked codes.
const (
	LargestList = 4 << 20             // bytes: some forty thousand codes, and what a phone reads in a second
	ListLife    = 21 * 24 * time.Hour // after it was written; by then the server takes nothing of what a gate has kept since
)

// The reasons for going on with the list that is there. Compare with errors.Is.
var (
	ErrListLarge = errors.New("the list is larger than what a gate keeps")
	ErrListOlder = errors.New("the list is older than the one that is there")
)

// list is the codes of places that owners took back, as the server wrote it; the zero list knows of none.
type list struct {
	text   []byte
	signed *qrgen.Revoked
}

func (l list) known() bool { return l.signed != nil }

// readList reads a list that one of the keys signed.
func readList(keys *qrgen.KeySet, text []byte) (list, error) {
	signed, err := keys.ReadRevoked(text)
	if err != nil {
		return list{}, err
	}
	return list{text, signed}, nil
}

// at returns what the list says of codes that are shown at an instant: nothing where it is too old.
func (l list) at(at time.Time) qrgen.Revocations {
	if !l.known() || at.Sub(l.signed.AsOf) > ListLife {
		return nil
	}
	return l.signed.At(at)
}

// SetRevoked gives the device, at an instant of the server's clock, the list of revoked codes that the server publishes. On an error it
// goes on with the one that it has: ErrNoKeys, ErrListLarge, ErrListOlder, or as qrgen.KeySet.ReadRevoked refuses it. Whoever stands
// between the device and the server can hold a list back, and neither change one nor go back to an older one; but a list from the
// future is none to hold on to.
func (d *Device) SetRevoked(text []byte, at time.Time) error {
	if !d.ready {
		return ErrNoKeys
	}
	if len(text) > LargestList {
		return ErrListLarge
	}
	read, err := readList(d.keys, slices.Clone(text))
	if err != nil {
		return err
	}
	if has := d.revoked; has.known() && read.signed.AsOf.Before(has.signed.AsOf) && !has.signed.AsOf.After(at.Add(qrgen.ClockTolerance)) {
		return ErrListOlder
	}
	d.revoked = read
	return nil
}

// RevokedAsOf returns as of when the list of revoked codes is that the device has, the zero Time where it has none. What was revoked
// since is not in it.
func (d *Device) RevokedAsOf() time.Time {
	if !d.revoked.known() {
		return time.Time{}
	}
	return d.revoked.signed.AsOf
}
