// Package audit keeps the log of who did what. Each entry is sealed with a key that is not in the database, over the seal
// of the entry before.
//
// What that proves: whoever can write to the database but has no key cannot change, remove, move or insert an entry
// without [Log.Verify] finding it. What it does not prove: that the log was not cut off at its end. For what is left is
// what the log once was, seals and all. That shows only against a [SignedHead] that was kept elsewhere, and so does a log
// that was written anew by somebody who has the key: a server writes a head every day, and [Log.Examine] holds the log to
// all that it is given.
package audit

import (
	"context"
	"crypto/ed25519"
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
	FindAudit(ctx context.Context, f registry.AuditFilter, beforeSeq int64, limit int) ([]registry.AuditEntry, error)
	WalkAudit(ctx context.Context, from int64, yield func(registry.AuditEntry) error) error
}

// Log is the audit log. It is safe for concurrent use, also by several processes with one store.
type Log struct {
	store Store
	key   []byte
	sign  ed25519.PrivateKey // of heads
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
	return &Log{store: store, key: append([]byte(nil), key...), sign: headKey(key), clock: clock}, nil
}

// Append adds an entry: the actor's login or "system", a stable word for what was done, the id of what it was done to, and
// what else is worth knowing; never a personal detail. It is durable when Append returns. Of a field 1,024 bytes are kept.
func (l *Log) Append(ctx context.Context, actor, action, subject, detail string) error {
	if _, err := l.store.AppendAudit(ctx, l.Seal, l.Entry(actor, action, subject, detail)); err != nil {
		return fmt.Errorf("writing the audit log: %w", err)
	}
	return nil
}

// Entry returns the entry that Append would add, for a store that adds it in a transaction of its own, sealed by Seal.
func (l *Log) Entry(actor, action, subject, detail string) registry.AuditEntry {
	return registry.AuditEntry{
		At: l.clock().Unix(), Actor: storable(actor), Action: storable(action), Subject: storable(subject), Detail: storable(detail),
	}
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

// Seal returns the seal of an entry, whose Seq is set, given that of the entry before, nil for the first: HMAC-SHA-256(key,
// context ‖ prev ‖ seq ‖ at ‖ actor ‖ action ‖ subject ‖ detail). Numbers have 8 bytes, big-endian, and each text and seal stands
// behind its length: no two entries are written alike.
func (l *Log) Seal(prev []byte, e registry.AuditEntry) []byte {
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

// Find returns up to limit entries that a filter takes, the newest first, from the one before the given seq on; 0 is from the
// end.
func (l *Log) Find(ctx context.Context, f registry.AuditFilter, before int64, limit int) ([]registry.AuditEntry, error) {
	entries, err := l.store.FindAudit(ctx, f, before, min(limit, MostEntries))
	if err != nil {
		return nil, fmt.Errorf("looking through the audit log: %w", err)
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

// verify reads the log from the entry at a head on, which must be as it was, and returns the last entry before the first that
// is not what was written at its place.
func (l *Log) verify(ctx context.Context, from Head) (Head, error) {
	var good Head
	_, err := l.walk(ctx, from, func(e registry.AuditEntry, wrong *Fault) error {
		if wrong != nil {
			return ErrTampered.Because(wrong)
		}
		good = Head{Seq: e.Seq, Seal: e.Seal}
		return nil
	})
	if err == nil && good.Seq < from.Seq {
		err = ErrTampered.Because(&Fault{What: Missing, Seq: from.Seq, To: from.Seq})
	}
	if err != nil {
		if good.Seq == 0 && from.Seq > 0 {
			good.Seq = from.Seq - 1
		}
		return good, fmt.Errorf("verifying the audit log: %w", err)
	}
	return good, nil
}

// walk reads the log from the entry at a head on, which must be as it was, and gives each entry with what is wrong with it, nil
// where nothing is. It returns the last entry there is; an error from see ends the walk.
func (l *Log) walk(ctx context.Context, from Head, see func(registry.AuditEntry, *Fault) error) (Head, error) {
	first := int64(math.MinInt64) // whatever stands before the first entry belongs nowhere
	w := walker{log: l, from: from}
	if from.Seq > 0 {
		w.last.Seq, first = from.Seq-1, from.Seq
	}
	err := l.store.WalkAudit(ctx, first, func(e registry.AuditEntry) error { return see(e, w.judge(e)) })
	return w.last, err
}

// walker judges one entry after the other.
type walker struct {
	log  *Log
	from Head
	last Head   // the entry before, with the seal that it has
	due  []byte // the seal that it should have
}

// judge says what is wrong with the next entry. It is judged by the seal that the entry before has and, where that is not the
// one that it should have, by that as well: so the entries behind one whose seal was changed are found good.
func (w *walker) judge(e registry.AuditEntry) *Fault {
	if e.Seq <= w.last.Seq {
		return &Fault{What: Foreign, Seq: e.Seq, To: e.Seq}
	}
	before, due := w.last, w.due
	w.last = Head{Seq: e.Seq, Seal: e.Seal}
	if e.Seq > before.Seq+1 {
		w.due = e.Seal
		return &Fault{What: Missing, Seq: before.Seq + 1, To: e.Seq - 1}
	}
	w.due = w.from.Seal
	if e.Seq != w.from.Seq {
		w.due = w.log.Seal(before.Seal, e)
	}
	if hmac.Equal(e.Seal, w.due) || len(due) > 0 && hmac.Equal(e.Seal, w.log.Seal(due, e)) {
		return nil
	}
	return &Fault{What: Changed, Seq: e.Seq, To: e.Seq}
}
