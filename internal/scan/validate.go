package scan

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/tracing/stay"
)

// MaxAt is the last instant that a scan can carry: the end of 2105, the last whole year that unsigned 32-bit seconds hold.
// The wire form and the stores keep instants so.
const MaxAt int64 = 4291747199

// The ways in which a scan is not well formed. Compare with errors.Is.
var (
	ErrNoID    = errs.New(errs.Invalid, "scan_id_missing", "The scan has no id.")
	ErrNoAlias = errs.New(errs.Invalid, "scan_alias_missing", "The scan does not say whose it is.")
	ErrNoPlace = errs.New(errs.Invalid, "scan_place_missing", "The scan has no place.")
	ErrKind    = errs.New(errs.Invalid, "scan_kind_unknown", "The kind of a scan is in, out, renew or void.")
	ErrHow     = errs.New(errs.Invalid, "scan_how_unknown", "The means of a scan is not known.")
	ErrVoids   = errs.New(errs.Invalid, "scan_voids_wrong", "A void names the other scan that it takes back, and no other kind names one.")
	ErrAt      = errs.New(errs.Invalid, "scan_time_out_of_range", "The time of the scan is out of range.")
)

// Validate says whether the scan is well formed: it has an id, an alias and a place, its kind and means are known, a void
// and only a void names another scan, and both instants are in [0, MaxAt]. Whether it is plausible (neither in the
// future nor older than the retention) is for whoever takes scans in. The error is one of the above.
func (s *Scan) Validate() error {
	switch {
	case s.ID == uuid.Nil:
		return ErrNoID
	case s.Alias == uuid.Nil:
		return ErrNoAlias
	case s.Place == uuid.Nil:
		return ErrNoPlace
	case s.Kind < stay.In || s.Kind > stay.Void:
		return ErrKind
	case s.How < Phone || s.How > GateTypedOffline:
		return ErrHow
	case (s.Kind == stay.Void) != (s.Voids != uuid.Nil) || s.Voids == s.ID:
		return ErrVoids
	case s.At < 0 || s.At > MaxAt || s.ReceivedAt < 0 || s.ReceivedAt > MaxAt:
		return ErrAt
	}
	return nil
}

// Digest is what idempotency compares of two scans with the same (alias, id).
type Digest [16]byte

// Digest returns the digest of what the person did: place, when, kind, voided scan and serial of the code. It is
// the first half of a SHA-256.
//
// It leaves out everything that may honestly differ when a client sends the same scan again: how it came (the second
// try may come out of the offline queue), by which device, when, what the server knew of the vehicle's trips, what doubts it
// noted, where the log put it. The
// instant counts as the client gave it, At − Skew: the correction is measured anew for each request and may differ by a
// second.
func (s *Scan) Digest() Digest {
	var b [16 + 8 + 1 + 16 + 4]byte
	copy(b[0:], s.Place[:])
	binary.BigEndian.PutUint64(b[16:], uint64(s.At-int64(s.Skew)))
	b[24] = byte(s.Kind)
	copy(b[25:], s.Voids[:])
	binary.BigEndian.PutUint32(b[41:], s.Serial)
	sum := sha256.Sum256(b[:])
	return Digest(sum[:16])
}
