package places

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
	"github.com/truyvet/truyvet/qrgen"
)

// revokedPace is how often the instant moves as of which the list of revoked codes is written. Servers that know the same write the
// same list.
const revokedPace = time.Hour

// ErrRevokedMany refuses to write a list that would have more than qrgen.MostRevoked steps. Compare with errors.Is.
var ErrRevokedMany = errs.Busy("revoked_many", "More codes were revoked than a list can hold; ask about each code by itself.", revokedPace)

// RevokedFile is the list of revoked codes as it is published.
type RevokedFile struct {
	Data []byte // as qrgen.KeySet.ReadRevoked takes it
	Tag  string // that no other content has
}

// revokedFile is the list that was written last, or why there is none: that it is too long is not found out anew for each who asks.
type revokedFile struct {
	mu      sync.Mutex
	file    RevokedFile
	refusal error
	asOf    int64
	changes int64    // of codes, when it was written
	key     [32]byte // of the current key then
}

// RevokedFile returns the list of revoked codes, signed with the current key. It is written anew when a code, the key or the hour has
// changed. The errors: ErrRevokedMany, and qrgen.ErrNoSigningKey.
func (s *Service) RevokedFile() (RevokedFile, error) {
	l := &s.revoked
	l.mu.Lock()
	defer l.mu.Unlock()
	asOf, changes, key := s.clock().UTC().Truncate(revokedPace), s.codeChanges.Load(), s.currentKey()
	if l.asOf == asOf.Unix() && l.changes == changes && l.key == key {
		return l.file, l.refusal
	}
	l.file, l.refusal = s.writeRevoked(asOf)
	l.asOf, l.changes, l.key = asOf.Unix(), changes, key
	return l.file, l.refusal
}

// writeRevoked writes the list of revoked codes as of an instant. Its errors are those of RevokedFile.
func (s *Service) writeRevoked(asOf time.Time) (RevokedFile, error) {
	list := s.Revoked(asOf)
	if len(list.Steps) > qrgen.MostRevoked {
		return RevokedFile{}, ErrRevokedMany
	}
	data, err := s.keys.SignRevoked(list)
	if err != nil {
		return RevokedFile{}, fmt.Errorf("writing the list of revoked codes: %w", err)
	}
	sum := sha256.Sum256(data)
	return RevokedFile{Data: data, Tag: hex.EncodeToString(sum[:16])}, nil
}

// currentKey tells the key that signs from every other; it is zero where none does.
func (s *Service) currentKey() (sum [32]byte) {
	for _, k := range s.keys.List() {
		if k.State == qrgen.StateCurrent {
			sum = sha256.Sum256(k.Public)
		}
	}
	return sum
}

// Revoked returns the list of revoked codes as of an instant, with those that were revoked since. From that instant on it answers as
// Ends does; serial 0, which is given out nowhere but by hand, is taken for the one after it unless it is known by itself.
func (s *Service) Revoked(asOf time.Time) qrgen.Revoked {
	list := qrgen.Revoked{AsOf: asOf}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for id, p := range s.places {
		list.Steps = append(list.Steps, revokedSteps(p, s.codes[id], asOf.Unix())...)
	}
	slices.SortStableFunc(list.Steps, func(a, b qrgen.RevokedStep) int { return bytes.Compare(a.Place[:], b.Place[:]) })
	return list
}

// neverIssued is the end of a code that there never was.
const neverIssued = 1

// revokedSteps returns the steps of a place, of whose codes lives are those that are recorded.
func revokedSteps(p registry.Place, lives []registry.Code, asOf int64) []qrgen.RevokedStep {
	if len(lives) == 0 && p.Serial <= 1 {
		return nil
	}
	b := stepsOf{place: p.ID, asOf: asOf}
	last := uint32(0)
	for _, c := range lives {
		if c.Serial > last+1 {
			b.add(min(c.Serial-1, max(p.Serial, 1)-1), neverIssued)
			b.add(c.Serial-1, 0)
		}
		b.add(c.Serial, c.Ends)
		last = c.Serial
	}
	if p.Serial > last+1 {
		b.add(p.Serial-1, neverIssued)
	}
	if n := len(b.steps); n > 0 && b.steps[n-1].From.IsZero() {
		b.steps = b.steps[:n-1]
	}
	return b.steps
}

// stepsOf collects the steps of a place.
type stepsOf struct {
	place uuid.UUID
	asOf  int64
	steps []qrgen.RevokedStep
}

// add says when the codes up to a serial end, 0 where they do not. What ended before the list is written needs no step for each end:
// the last of them holds for all.
func (b *stepsOf) add(serial uint32, ends int64) {
	step := qrgen.RevokedStep{Place: b.place, Serial: serial}
	if ends != 0 {
		step.From = time.Unix(ends, 0).UTC()
	}
	n := len(b.steps)
	if n == 0 {
		b.steps = append(b.steps, step)
		return
	}
	last := &b.steps[n-1]
	switch over := !last.From.IsZero() && last.From.Unix() <= b.asOf; {
	case serial <= last.Serial:
	case last.From.Equal(step.From):
		last.Serial = serial
	case over && ends != 0 && ends <= b.asOf:
		last.Serial, last.From = serial, time.Unix(max(ends, last.From.Unix()), 0).UTC()
	default:
		b.steps = append(b.steps, step)
	}
}
