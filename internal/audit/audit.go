// Package audit keeps the log of who did what. Each entry is sealed with a key that is not in the database, over the seal
// of the entry before.
//
// What that proves: whoever can write to the database but has no key cannot change, remove, move or insert an entry
// without [Log.Verify] finding it. What it does not prove: that the log was not cut off at its end. For what is left is
// what the log once was, seals and all. That shows only against a [Head] that was kept elsewhere.
package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/truyvet/truyvet/internal/errs"
	"github.com/truyvet/truyvet/internal/registry"
)

// KeySize is the length of the key, in bytes.
const KeySize = 32

// MostEntries is how many entries one call of [Log.Entries] returns at the most.
const MostEntries = 1000

// longestField is how many bytes of a field are kept: the log outlives everything else and is read by people.
const longestField = 1024

// sealContext keeps a seal from being one of anything else under the same key.
const sealContext = "truyvet/audit/v1"

// ErrTampered says that the log is not what was written. Compare with errors.Is; its cause says at which entry.
var ErrTampered = errs.New(errs.Conflict, "audit_tampered", "The audit log has been changed.")

// Store keeps entries in the order of their Seq, from 1. WalkAudit gives those whose Seq is from or greater. The registry's
// adapters satisfy it.
type Store interface {
	AppendAudit(ctx context.Context, seal func(prev []byte, e registry.AuditEntry) []byte, e registry.AuditEntry) (registry.AuditEntry, error)
	AuditEntries(ctx context.Context, beforeSeq int64, limit int) ([]registry.AuditEntry, error)
	WalkAudit(ctx context.Context, from int64, yield func(registry.AuditEntry) error) error
}

// Log is the audit log. It is safe for concurrent use, also by several processes with one store.
type Log struct {
	store Store
	key   []byte
	clock func() time.Time

	mu    sync.Mutex
	good  Head      // up to where the log was found good by this process
	whole time.Time // when that began at the first entry
}

// New returns the log in a store, sealed with a key of KeySize random bytes.
func New(store Store, key []byte, clock func() time.Time) (*Log, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("opening the audit log: the key has %d bytes, not %d", len(key), KeySize)
	}
	return &Log{store: store, key: append([]byte(nil), key...), clock: clock}, nil
}

// Append adds an entry: the actor's login or "system", a stable word for what was done, the id of what it was done to, and
// what else is worth knowing; never a personal detail. It is durable when Append returns. Of a field 1,024 bytes are kept.
func (l *Log) Append(ctx context.Context, actor, action, subject, detail string) error {
	_, err := l.store.AppendAudit(ctx, l.seal, l.Entry(actor, action, subject, detail))
	if err != nil {
		return fmt.Errorf("writing the audit log: %w", err)
	}
	return nil
}

// storable returns text as every database stores and returns it: valid, without NUL, and not too long. What is sealed must
// be what is read back.
func storable(text string) string {
	const lost = "\uFFFD"
	text = strings.ReplaceAll(strings.ToValidUTF8(text, lost), "\x00", lost)
	if len(text) > longestField {
		text = strings.ToValidUTF8(text[:longestField], "") // without the part of a letter that was cut
	}
	return text
}

// seal is HMAC-SHA-256(key, context ‖ prev ‖ seq ‖ at ‖ actor ‖ action ‖ subject ‖ detail). Numbers have 8 bytes,
// big-endian, and each text and seal stands behind its length: no two entries are written alike.
func (l *Log) seal(prev []byte, e registry.AuditEntry) []byte {
	h := hmac.New(sha256.New, l.key)
	text := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	text([]byte(sealContext))
	text(prev)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(e.Seq)))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(e.At)))
	for _, field := range []string{e.Actor, e.Action, e.Subject, e.Detail} {
		text([]byte(field))
	}
	return h.Sum(nil)
}

// Entries returns up to limit entries, the newest first, from the one before the given seq on; 0 is from the end.
func (l *Log) Entries(ctx context.Context, before int64, limit int) ([]registry.AuditEntry, error) {
	entries, err := l.store.AuditEntries(ctx, before, min(limit, MostEntries))
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return entries, nil
}

// Verify reads the whole log and returns how many entries it has. The error is ErrTampered at the first entry that is not
// the one that was written at its place; entries is then how many before it are good. A log that was cut off at its end is
// found good: compare its [Head].
func (l *Log) Verify(ctx context.Context) (entries int64, err error) {
	began := l.clock()
	head, err := l.verify(ctx, Head{})
	if err != nil {
		return head.Seq, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.good, l.whole = head, began
	return head.Seq, nil
}

// wholeEvery is how long Check relies on what was found good.
const wholeEvery = time.Hour

// Check is Verify for who looks often: it goes on from where the log was last found good by this process. That entry must
// still be there with its seal, so a log that was cut off before it is found too; a change to an entry before it is found
// once in an hour, when all is verified again.
func (l *Log) Check(ctx context.Context) (entries int64, err error) {
	l.mu.Lock()
	good, whole := l.good, l.whole
	l.mu.Unlock()
	if now := l.clock(); good.Seq == 0 || now.Before(whole) || now.Sub(whole) >= wholeEvery {
		return l.Verify(ctx)
	}
	head, err := l.verify(ctx, good)
	if err != nil {
		return head.Seq, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if head.Seq > l.good.Seq {
		l.good = head
	}
	return head.Seq, nil
}

// verify reads the log from the entry at a head on, which must be as it was, and returns the last entry that is good.
func (l *Log) verify(ctx context.Context, from Head) (Head, error) {
	good, first := Head{}, int64(math.MinInt64) // whatever stands before the first entry belongs nowhere
	if from.Seq > 0 {
		good.Seq, first = from.Seq-1, from.Seq
	}
	err := l.store.WalkAudit(ctx, first, func(e registry.AuditEntry) error {
		if e.Seq != good.Seq+1 {
			return ErrTampered.Because(fmt.Errorf("entry %d stands where entry %d belongs", e.Seq, good.Seq+1))
		}
		expected := from.Seal
		if e.Seq != from.Seq {
			expected = l.seal(good.Seal, e)
		}
		if !hmac.Equal(e.Seal, expected) {
			return ErrTampered.Because(fmt.Errorf("the seal of entry %d does not fit", e.Seq))
		}
		good = Head{Seq: e.Seq, Seal: e.Seal}
		return nil
	})
	if err == nil && good.Seq < from.Seq {
		err = ErrTampered.Because(fmt.Errorf("entry %d is gone", from.Seq))
	}
	if err != nil {
		return good, fmt.Errorf("verifying the audit log: %w", err)
	}
	return good, nil
}

// Head is the end of the log at one time. Kept elsewhere, it shows later whether the log still has that entry with that
// seal: if so, and the log verifies, all entries up to it are those of then.
type Head struct {
	Seq  int64 // 0 while the log is empty
	Seal []byte
}

// Head returns the end of the log. It does not verify it.
func (l *Log) Head(ctx context.Context) (Head, error) {
	last, err := l.store.AuditEntries(ctx, 0, 1)
	if err != nil {
		return Head{}, fmt.Errorf("reading the end of the audit log: %w", err)
	}
	if len(last) == 0 {
		return Head{}, nil
	}
	return Head{Seq: last[0].Seq, Seal: last[0].Seal}, nil
}
