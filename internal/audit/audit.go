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
	"strings"
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

// Store keeps entries in the order of their Seq, from 1. The registry's adapters satisfy it.
type Store interface {
	AppendAudit(ctx context.Context, seal func(prev []byte, e registry.AuditEntry) []byte, e registry.AuditEntry) (registry.AuditEntry, error)
	AuditEntries(ctx context.Context, beforeSeq int64, limit int) ([]registry.AuditEntry, error)
	WalkAudit(ctx context.Context, yield func(registry.AuditEntry) error) error
}

// Log is the audit log. It is safe for concurrent use, also by several processes with one store.
type Log struct {
	store Store
	key   []byte
	clock func() time.Time
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
	_, err := l.store.AppendAudit(ctx, l.seal, registry.AuditEntry{
		At: l.clock().Unix(), Actor: storable(actor), Action: storable(action), Subject: storable(subject), Detail: storable(detail),
	})
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
	var prev []byte
	err = l.store.WalkAudit(ctx, func(e registry.AuditEntry) error {
		if e.Seq != entries+1 {
			return ErrTampered.Because(fmt.Errorf("entry %d stands where entry %d belongs", e.Seq, entries+1))
		}
		if !hmac.Equal(e.Seal, l.seal(prev, e)) {
			return ErrTampered.Because(fmt.Errorf("the seal of entry %d does not fit", e.Seq))
		}
		prev = e.Seal
		entries++
		return nil
	})
	if err != nil {
		return entries, fmt.Errorf("verifying the audit log: %w", err)
	}
	return entries, nil
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
